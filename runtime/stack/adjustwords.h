// adjustwords.h: the pure core of copystack.  Word arithmetic only: no locks, no allocation, no
// operating system, no scheduler.  The scalar version is the reference; every other version must
// give the same bytes and the same count on every input.
#ifndef STACKLAB_RUNTIME_STACK_ADJUSTWORDS_H_
#define STACKLAB_RUNTIME_STACK_ADJUSTWORDS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/nosanitize.h"

#ifdef __cplusplus
extern "C" {
#endif

// A move, seen by one word: a word w with first <= w <= last names the old stack, and becomes
// w + delta (modulo 2^64).  Both ends are inclusive: `last` is hi, so that a one-past-the-end
// pointer moves with its array, and `first` is the low end of the slot, not of the stack.
struct rt_wordmove {
  uint64_t first, last;  // first <= last
  uint64_t delta;        // new.hi - old.hi, modulo 2^64
};

/*@ logic integer rt_moves(struct rt_wordmove mv, integer w) =
      mv.first <= w && w <= mv.last ? 1 : 0;

    logic integer rt_moved(struct rt_wordmove mv, integer w) =
      mv.first <= w && w <= mv.last ? (uint64_t)(w + mv.delta) : w;

    logic integer rt_nmoves{L}(struct rt_wordmove mv, uint64_t *words, integer nwords) =
      nwords <= 0 ? 0 : rt_nmoves(mv, words, nwords - 1) + rt_moves(mv, words[nwords - 1]);
*/

// A version of the two loops.  Words are 8-byte aligned.
//
//   adjust  rewrites image[0..nwords) in place
//   copy    writes the rewritten image of src[0..nwords) to dst[0..nwords); src is not written;
//           the two do not overlap
//
// Both return the number of words that changed owner.  Neither fails: any bit pattern is a legal
// word, and no word is ever followed.  Async-signal-safe; run on any stack but the one moved.
struct rt_adjuster {
  const char *name;
  uint64_t (*adjust)(uint64_t *image, size_t nwords, const struct rt_wordmove *mv);
  uint64_t (*copy)(uint64_t *dst, const uint64_t *src, size_t nwords,
                   const struct rt_wordmove *mv);
};

extern const struct rt_adjuster rt_adjuster_scalar;

// rt_adjustword returns the new value of one word and counts it in *adjusted if it moved.
/*@ requires \valid_read(mv) && \valid(adjusted) && \separated(mv, adjusted);
    requires mv->first <= mv->last;
    assigns *adjusted;
    ensures \result == rt_moved(*mv, w);
    ensures *adjusted == (uint64_t)(\old(*adjusted) + rt_moves(*mv, w));
*/
RT_NOSANITIZE
static inline uint64_t rt_adjustword(uint64_t w, const struct rt_wordmove *mv, uint64_t *adjusted) {
  const uint64_t moved = w + mv->delta;
  const bool in = mv->first <= w && w <= mv->last;
  *adjusted += in;
  return in ? moved : w;
}

#ifdef __cplusplus
}
#endif
#endif
