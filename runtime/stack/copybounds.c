// The arithmetic of a move (copybounds.h).
#include "runtime/stack/copybounds.h"

struct rt_wordmove rt_wordmove_of(const struct rt_stack *from, const struct rt_stack *to) {
  return (struct rt_wordmove){from->slot_lo, from->hi, to->hi - from->hi};
}

struct rt_copybounds rt_copybounds(const struct rt_stack *from, uintptr_t lowest) {
  const uintptr_t guard_lo = from->lo - from->guard_bytes;
  return (struct rt_copybounds){
      .lo = lowest > from->lo ? lowest : from->lo,
      .hi = from->hi,
      .reach_lo = lowest < guard_lo ? lowest : guard_lo,
      .reach_hi = guard_lo,
  };
}

bool rt_pagebounds(uintptr_t lo, uintptr_t hi, uint64_t delta, size_t page, uintptr_t *page_lo) {
  *page_lo = lo - lo % page;
  return hi % page == 0 && delta % page == 0;
}
