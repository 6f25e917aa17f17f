// `reserve`: each goroutine has a large range of addresses from the start, and the kernel pages
// it in.  Nothing moves and nothing is caught: sound for any C, and the control that the others
// are measured against.
#include "runtime/stack/growth/growth.h"

static size_t limit(void) { return rt_growth_options.reserve_bytes; }

static int alloc(struct rt_gstack *gs, struct rt_stackcache *cache) {
  return rt_stackreserve(RT_STACK_FIXED, gs->max, cache, &gs->stack);
}

const struct rt_growth rt_growth_reserve = {
    .name = "reserve",
    .summary = "a large range from the start, paged in by the kernel",
    .moves = false,
    .kind = RT_STACK_FIXED,
    .limit = limit,
    .alloc = alloc,
    .shrink = rt_shrinkinplace,
};
