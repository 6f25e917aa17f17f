// What a goroutine that waits can give back.  Whether it should is the scheduler's to say
// (runtime/sched/shrink.c).
#include <stdatomic.h>
#include "runtime/stack/count.h"
#include "runtime/stack/growth/growth.h"

enum {
  SLACK = 1024,  // for the calls that it makes first when it goes on
  LEAST_GAIN = 2,  // to a stack so many times smaller, or not at all
};

// To the least stack that is half empty then.  A stack that is a quarter full or more stays, so
// that what it grows by next does not bring it back to where it was.
static size_t least(const struct rt_gstack *gs) {  // 0: as it is
  const size_t half = 2 * (gs->stack.hi - gs->sp + SLACK), kept = gs->promised;
  const size_t want = half > kept ? half : kept;
  size_t size = gs->initial;
  while (size < want) size *= 2;
  return size <= rt_stack_size(&gs->stack) / LEAST_GAIN ? size : 0;
}

bool rt_shrinkbycopy(struct rt_gstack *gs, struct rt_stackcache *cache) {
  const size_t size = least(gs);
  struct rt_copied moved;
  return size && rt_newstack(gs, cache, size, gs->sp, &moved) == 0;
}

// The same, by moving the guard up.
bool rt_shrinkelastic(struct rt_gstack *gs, struct rt_stackcache *cache) {
  const int64_t began_ns = rt_growth_options.clock ? rt_growth_options.clock() : 0;
  const size_t old = rt_stack_size(&gs->stack), size = least(gs);
  if (!size || rt_stackresize(cache, &gs->stack, size) != 0) return false;
  gs->low = rt_growth_low(gs);
  rt_count(&cache->stats.shrinks, 1);
  cache->last = (struct rt_stackmove){old, size, 0, 0, began_ns};
  return true;
}

// The pages below SP.  Which of them have memory the kernel knows, and to ask costs as much.
bool rt_shrinkinplace(struct rt_gstack *gs, struct rt_stackcache *cache) {
  const uintptr_t end = (gs->sp - SLACK) & ~(uintptr_t)(os_pagesize() - 1);
  if (end <= gs->stack.lo) return false;
  os_discard((void *)gs->stack.lo, end - gs->stack.lo);
  rt_count(&cache->stats.shrinks, 1);
  return true;
}
