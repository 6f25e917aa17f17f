// copybounds.h: which bytes of a stack a move takes where, as numbers.  Pure: no memory is touched,
// nothing is called.  copystack.h has the contract that these numbers serve.
#ifndef STACKLAB_RUNTIME_STACK_COPYBOUNDS_H_
#define STACKLAB_RUNTIME_STACK_COPYBOUNDS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "runtime/stack/adjustwords.h"
#include "runtime/stack/stack.h"

#ifdef __cplusplus
extern "C" {
#endif

// rt_wordmove_of returns the move of words from one stack to another: whatever names the old
// slot from its lowest address up to hi, hi included.
/*@ requires \valid_read(from) && \valid_read(to) && rt_stack_lies(from);
    assigns \nothing;
    ensures \result.first == from->slot_lo && \result.last == from->hi;
    ensures \result.first <= \result.last;
    ensures \result.delta == (uint64_t)(to->hi - from->hi);
*/
struct rt_wordmove rt_wordmove_of(const struct rt_stack *from, const struct rt_stack *to);

// The bytes that a move takes: those of the stack, and those that lie below its guard, where a
// frame skipped it.  The second range is most often empty.
struct rt_copybounds {
  uintptr_t lo, hi;
  uintptr_t reach_lo, reach_hi;
};

// rt_copybounds returns the bytes of [lowest, from->hi) without the guard of `from`.  lowest is in
// the slot or hi.
/*@ requires \valid_read(from) && rt_stack_lies(from) && from->slot_lo <= lowest <= from->hi;
    assigns \nothing;
    ensures \forall integer p;
      (\result.lo <= p < \result.hi || \result.reach_lo <= p < \result.reach_hi) <==>
      (lowest <= p < from->hi && !(from->lo - from->guard_bytes <= p < from->lo));
    ensures \result.reach_lo <= \result.reach_hi <= \result.lo <= \result.hi == from->hi;
*/
struct rt_copybounds rt_copybounds(const struct rt_stack *from, uintptr_t lowest);

// rt_firstword returns the first 8-byte aligned address at or above lo, which is not in the last
// page of the address space.
/*@ requires lo <= SIZE_MAX - 4095;
    assigns \nothing;
    ensures lo <= \result < lo + 8 && \result % 8 == 0;
*/
static inline uintptr_t rt_firstword(uintptr_t lo) { return (lo + 7) / 8 * 8; }

// rt_nwords returns how many whole words lie in [lo, hi), where hi is 8-byte aligned: they begin at
// rt_firstword(lo).  lo <= hi.
/*@ requires lo <= hi && hi % 8 == 0;
    assigns \nothing;
    ensures lo <= hi - 8 * \result < lo + 8;
*/
static inline size_t rt_nwords(uintptr_t lo, uintptr_t hi) { return (hi - lo) / 8; }

// rt_pagebounds says whether [lo, hi) can be moved by delta (modulo 2^64) as pages of `page` bytes:
// it can if it ends on a page before and after.  *page_lo is the page that holds lo.
/*@ requires page > 0 && lo <= hi && \valid(page_lo);
    assigns *page_lo;
    ensures \result <==> hi % page == 0 && delta % page == 0;
    ensures *page_lo <= lo < *page_lo + page && *page_lo % page == 0;
*/
bool rt_pagebounds(uintptr_t lo, uintptr_t hi, uint64_t delta, size_t page, uintptr_t *page_lo);

#ifdef __cplusplus
}
#endif
#endif
