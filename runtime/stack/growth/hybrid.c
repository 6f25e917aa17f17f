// `hybrid`: a small range of addresses that the stack fills as `inplace` does, and beyond that
// copies as `signal` does.  Most goroutines never move; none is limited by its range.
//
// The slot is as wide as those of `signal`, since its stack is moved by the fault handler: a range
// up to half of that costs nothing.
#include "runtime/stack/fault.h"
#include "runtime/stack/growth/growth.h"

static int alloc(struct rt_gstack *gs, struct rt_stackcache *cache) {
  const size_t range = rt_growth_options.hybrid_bytes;
  return rt_stackrange(RT_STACK_WIDE_ELASTIC, range > gs->initial ? range : gs->initial,
                       gs->initial, cache, &gs->stack);
}

// Whether the stack cannot become that large where it is.
static bool beyond(int error) { return error == GO_ESTRATEGY || error == GO_ELIMIT; }

static int fault(struct rt_gstack *gs, struct rt_stackcache *cache, struct os_fault *at,
                 size_t size, uintptr_t lowest) {
  const int error = rt_growinplace_fault(gs, cache, at, size, lowest);
  return beyond(error) ? rt_growatfault(gs, cache, at, size, lowest) : error;
}

static bool resume(struct rt_gstack *gs, struct rt_stackcache *cache) {
  return rt_growinplace_resume(gs, cache) || rt_growth_forcemove(gs, cache);
}

static int checkpoint(struct rt_gstack *gs, struct rt_stackcache *cache, size_t bytes) {
  if (rt_growth_options.forcemove) return rt_growatcheckpoint(gs, cache, bytes);
  const int error = rt_growinplace_checkpoint(gs, cache, bytes);
  return beyond(error) ? rt_growatcheckpoint(gs, cache, bytes) : error;
}

static bool shrink(struct rt_gstack *gs, struct rt_stackcache *cache) {
  return rt_shrinkelastic(gs, cache) || rt_shrinkbycopy(gs, cache);
}

const struct rt_growth rt_growth_hybrid = {
    .name = "hybrid",
    .summary = "like inplace in a small range, and like signal beyond it",
    .moves = true,
    .kind = RT_STACK_WIDE,
    .alloc = alloc,
    .fault = fault,
    .resume = resume,
    .checkpoint = checkpoint,
    .shrink = shrink,
    .decommit = rt_growinplace_decommit,
};
