// `prologue`: code compiled with -fsplit-stack asks, at the head of every function, whether its
// frame fits above a low-water mark, and calls for a larger stack if not (arch.h).  The stack moves
// then as at a checkpoint: on g0, with all registers that may hold pointers saved on it.
//
// Code without checks (the runtime, libraries) runs on what is left: the linker makes its checked
// callers ask for 16 KiB more than their frame.  If that is not enough it touches the guard, and
// the process ends.
//
//     hi   frames
//     low  the mark: a function with less than 256 bytes of frame starts above it and may reach
//     lo   below; and then so may __morestack, which saves the registers there: as much again
//
// Moves by checks see no pointer below SP.  But an interrupted goroutine may be moved between any
// two instructions, and a check computes the end of its frame before it compares: slots are wide.
#include "runtime/stack/fault.h"
#include "runtime/stack/growth/growth.h"

// What the linker has had asked for before code without checks, which may be what waits.
enum { HEADROOM = 16 << 10 };

static bool shrink(struct rt_gstack *gs, struct rt_stackcache *cache) {
  const size_t live = gs->stack.hi - gs->sp, kept = gs->promised;
  const size_t want = 2 * live + HEADROOM + 2 * RT_STACKGUARD;
  const size_t size = rt_stackneed(gs->initial, want > kept ? want : kept, 0, gs->max);
  struct rt_copied moved;
  return size > 0 && size <= rt_stack_size(&gs->stack) / 2 &&
         rt_newstack(gs, cache, size, gs->sp, &moved) == 0;
}

const struct rt_growth rt_growth_prologue = {
    .name = "prologue",
    .summary = "copy to a larger stack where compiled code checks for room (-fsplit-stack)",
    .moves = true,
    .kind = RT_STACK_WIDE,
    .alloc = rt_growth_alloc,
    .shrink = shrink,
    .resume = rt_growth_forcemove,
    .checkpoint = rt_growatcheckpoint,
    .mark_bytes = RT_STACKGUARD,
};
