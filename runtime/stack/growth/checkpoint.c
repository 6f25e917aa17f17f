// `checkpoint`: the stack grows where the runtime already has the goroutine off its stack: when
// the scheduler is about to resume one that is nearly out of stack, and where the program asks
// with go_checkpoint.  No register is in flight there but the callee-saved ones, which the switch
// has pushed on the stack and which move with it.
#include "runtime/stack/fault.h"
#include "runtime/stack/growth/growth.h"

// Go's low-water test: a goroutine with less than twice the guard's slack left grows.
static bool is_low(const struct rt_gstack *gs) {
  // SP may lie below lo, where a frame has skipped the guard.
  return gs->sp < gs->stack.lo + 2 * RT_STACKGUARD && rt_stack_size(&gs->stack) < gs->max;
}

bool rt_growatresume(struct rt_gstack *gs, struct rt_stackcache *cache) {
  if (!is_low(gs)) return rt_growth_forcemove(gs, cache);
  const size_t size = rt_stack_size(&gs->stack);
  const size_t twice = size > gs->max / 2 ? gs->max : 2 * size;
  const size_t need = rt_stackneed(twice, gs->stack.hi - gs->sp, 0, gs->max);
  struct rt_copied moved;
  // Beyond the limit, or without memory, the goroutine goes on with what it has left.
  return need && rt_newstack(gs, cache, need, gs->sp, &moved) == 0;
}

int rt_growatcheckpoint(struct rt_gstack *gs, struct rt_stackcache *cache, size_t bytes) {
  if (bytes > gs->max) return GO_ELIMIT;
  const size_t old = rt_stack_size(&gs->stack);
  const size_t size =
      rt_stackneed(old, gs->stack.hi - gs->sp, bytes + 2 * RT_STACKGUARD, gs->max);
  if (size == 0) return GO_ELIMIT;
  if (size == old) {
    (void)rt_growth_forcemove(gs, cache);
    return 0;
  }
  struct rt_copied moved;
  return rt_newstack(gs, cache, size, gs->sp, &moved);
}

const struct rt_growth rt_growth_checkpoint = {
    .name = "checkpoint",
    .summary = "copy to a larger stack on resume when low, and at go_checkpoint",
    .moves = true,
    .kind = RT_STACK_COMPACT,
    .alloc = rt_growth_alloc,
    .shrink = rt_shrinkbycopy,
    .resume = rt_growatresume,
    .checkpoint = rt_growatcheckpoint,
};
