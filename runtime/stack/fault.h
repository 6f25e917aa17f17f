// fault.h: what a memory fault means for a stack.  Pure: no memory is touched, nothing is called.
#ifndef STACKLAB_RUNTIME_STACK_FAULT_H_
#define STACKLAB_RUNTIME_STACK_FAULT_H_

#include <stddef.h>
#include <stdint.h>
#include "runtime/stack/stack.h"

#ifdef __cplusplus
extern "C" {
#endif

enum rt_fault_verdict {
  RT_FAULT_FOREIGN,   // not an access to the room below this stack: somebody else's to handle
  RT_FAULT_GROW,      // the stack ran out: it needs *size bytes
  RT_FAULT_OVERFLOW,  // the stack ran out and may not be made large enough; *size is the need
};

// Free bytes that a growth leaves below the lowest byte it was asked for, so that the next push
// does not fault again.
enum { RT_STACK_MARGIN = RT_STACKGUARD };

// rt_stackneed returns the size a stack needs to hold `live` bytes and `more` below them: the
// first doubling of `size` that does, at most max; 0 if max does not.  0 < size <= max.
/*@ inductive rt_doubling(integer size, integer s) {
      case itself: \forall integer size; rt_doubling(size, size);
      case twice: \forall integer size, s; rt_doubling(size, s) ==> rt_doubling(size, 2 * s);
    }

    // It holds the need; unless it is `size`, a doubling before it does not.
    predicate rt_firstdoubling(integer size, integer need, integer max, integer r) =
      need <= r <= max &&
      (r == size ||
       \exists integer s; rt_doubling(size, s) && s < need && r == \min(2 * s, max));
*/
/*@ requires 0 < size <= max;
    assigns \nothing;
    ensures live + more <= max ==> rt_firstdoubling(size, live + more, max, \result);
    ensures live + more > max ==> \result == 0;
*/
size_t rt_stackneed(size_t size, size_t live, size_t more, size_t max);

// rt_faultdecide judges a fault at addr, interrupted at sp, on a stack with this limit.
// The stack ran out if addr lies in its slot below lo, and sp in its slot (hi included: SP of an
// empty stack).  *lowest is the lowest live byte: sp less the red zone, but no lower than the
// slot.  The size is the first doubling that holds it, the faulting address and a margin: a
// frame may be larger than the whole old stack.
/*@ predicate rt_fault_ours{L}(struct rt_stack *s, integer addr, integer sp) =
      s->slot_lo <= addr < s->lo && s->slot_lo <= sp <= s->hi;
*/
/*@ requires \valid_read(stack) && \valid(size) && \valid(lowest);
    requires \separated(stack, size, lowest);
    requires rt_stack_lies(stack) && stack->lo < stack->hi && stack->hi - stack->lo <= max;
    assigns *size, *lowest;
    behavior foreign:
      assumes !rt_fault_ours(stack, addr, sp);
      assigns \nothing;
      ensures \result == RT_FAULT_FOREIGN;
    behavior ours:
      assumes rt_fault_ours(stack, addr, sp);
      ensures *lowest == \max(stack->slot_lo, sp - redzone);
      ensures \let need = stack->hi - \min(addr, *lowest) + RT_STACK_MARGIN;
        need <= max ? \result == RT_FAULT_GROW &&
                        rt_firstdoubling(stack->hi - stack->lo, need, max, *size)
                    : \result == RT_FAULT_OVERFLOW && *size == need;
    complete behaviors;
    disjoint behaviors;
*/
enum rt_fault_verdict rt_faultdecide(const struct rt_stack *stack, size_t max, size_t redzone,
                                     uintptr_t addr, uintptr_t sp, size_t *size,
                                     uintptr_t *lowest);

#ifdef __cplusplus
}
#endif
#endif
