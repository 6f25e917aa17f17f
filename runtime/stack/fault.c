// The arithmetic of a stack overflow (fault.h).
#include "runtime/stack/fault.h"

size_t rt_stackneed(size_t size, size_t live, size_t more, size_t max) {
  if (live > max || more > max - live) return 0;
  const size_t need = live + more;
  /*@ loop invariant \at(size, Pre) <= size <= max;
      loop invariant size < max ==> rt_doubling(\at(size, Pre), size);
      loop invariant size == \at(size, Pre) ||
        \exists integer s; rt_doubling(\at(size, Pre), s) && s < need && size == \min(2 * s, max);
      loop assigns size;
      loop variant max - size; */
  while (size < need) size = size > max / 2 ? max : size * 2;
  return size;
}

enum rt_fault_verdict rt_faultdecide(const struct rt_stack *stack, size_t max, size_t redzone,
                                     uintptr_t addr, uintptr_t sp, size_t *size,
                                     uintptr_t *lowest) {
  if (addr < stack->slot_lo || addr >= stack->lo) return RT_FAULT_FOREIGN;
  if (sp < stack->slot_lo || sp > stack->hi) return RT_FAULT_FOREIGN;
  *lowest = sp - stack->slot_lo > redzone ? sp - redzone : stack->slot_lo;
  const uintptr_t deepest = addr < *lowest ? addr : *lowest;
  const size_t old = rt_stack_size(stack);
  *size = rt_stackneed(old, stack->hi - deepest, RT_STACK_MARGIN, max);
  if (*size > old) return RT_FAULT_GROW;
  *size = stack->hi - deepest + RT_STACK_MARGIN;
  return RT_FAULT_OVERFLOW;
}
