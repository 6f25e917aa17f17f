// `inplace`: each goroutine has a large range of addresses, of which its stack is the upper end.
// When the guard is touched it moves down, to the first doubling that holds what is needed; what
// lies above it then pages in.  Nothing moves: sound for any C, but for system calls into a buffer
// that the stack has yet to grow for.
//
//           hi ┌──────────┐          ┌──────────┐
//              │ frames   │          │ frames   │
//           lo ├──────────┤          │          │
//              │ guard    │          │          │
//              ├──────────┤          ├──────────┤ lo
//              │ range    │          │ guard    │
//              │          │   ---->  ├──────────┤
//              │          │          │ range    │
//              └──────────┘          └──────────┘
//
// The guard is as narrow as everywhere.  Where it is a mark (stack.h) what lies below it is
// memory like any other that nobody has touched: growing costs two calls that walk the page tables
// of one guard, whatever the size, and splits no mapping.  A frame that skips the guard lands in
// its own range; the guard follows at the next resume, checkpoint or touch.
#include "runtime/stack/count.h"
#include "runtime/stack/fault.h"
#include "runtime/stack/growth/growth.h"

int rt_growinplace(struct rt_gstack *gs, struct rt_stackcache *cache, size_t size) {
  const size_t old = rt_stack_size(&gs->stack);
  const int64_t began_ns = rt_growth_options.clock ? rt_growth_options.clock() : 0;
  const int error = rt_stackresize(cache, &gs->stack, size);
  if (error) return error;
  gs->low = rt_growth_low(gs);
  gs->ngrowths++;
  rt_count(&cache->stats.growths, 1);
  rt_count(&cache->stats.growths_in_place, 1);
  cache->last = (struct rt_stackmove){old, rt_stack_size(&gs->stack), 0, 0, began_ns};
  return 0;
}

int rt_growinplace_fault(struct rt_gstack *gs, struct rt_stackcache *cache,
                         struct os_fault *fault, size_t size, uintptr_t lowest) {
  (void)fault, (void)lowest;
  const int error = rt_growinplace(gs, cache, size);
  if (!error) rt_count(&cache->stats.growths_by_fault, 1);
  return error;
}

bool rt_growinplace_resume(struct rt_gstack *gs, struct rt_stackcache *cache) {
  if (gs->sp >= gs->stack.lo) return false;
  // It has skipped the guard.  Without memory for another, it goes on unguarded.
  const size_t size =
      rt_stackneed(rt_stack_size(&gs->stack), gs->stack.hi - gs->sp, RT_STACK_MARGIN, gs->max);
  return size && rt_growinplace(gs, cache, size) == 0;
}

int rt_growinplace_checkpoint(struct rt_gstack *gs, struct rt_stackcache *cache, size_t bytes) {
  const size_t old = rt_stack_size(&gs->stack);
  const size_t size =
      rt_stackneed(old, gs->stack.hi - gs->sp, bytes + 2 * RT_STACKGUARD, gs->max);
  if (bytes > gs->max || size == 0) return GO_ELIMIT;
  return size > old ? rt_growinplace(gs, cache, size) : 0;
}

bool rt_growinplace_decommit(struct rt_gstack *gs, struct rt_stackcache *cache, uintptr_t sp) {
  const size_t live = gs->stack.hi - sp;
  const size_t size = rt_stackneed(gs->initial, live, live ? RT_STACK_MARGIN : 0, gs->max);
  if (size == 0) return false;
  return size >= rt_stack_size(&gs->stack) || rt_stackresize(cache, &gs->stack, size) == 0;
}

static size_t limit(void) {  // as rt_stackrange rounds it up
  return (rt_growth_options.reserve_bytes + os_pagesize() - 1) & ~(os_pagesize() - 1);
}

static int alloc(struct rt_gstack *gs, struct rt_stackcache *cache) {
  return rt_stackrange(RT_STACK_ELASTIC, limit(), gs->initial, cache, &gs->stack);
}

const struct rt_growth rt_growth_inplace = {
    .name = "inplace",
    .summary = "move the guard down a large range when it is touched, and at go_checkpoint",
    .moves = false,
    .kind = RT_STACK_ELASTIC,
    .limit = limit,
    .alloc = alloc,
    .fault = rt_growinplace_fault,
    .resume = rt_growinplace_resume,
    .checkpoint = rt_growinplace_checkpoint,
    .shrink = rt_shrinkelastic,
    .decommit = rt_growinplace_decommit,
};
