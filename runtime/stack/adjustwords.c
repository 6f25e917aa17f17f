// The reference version of the word loops (see adjustwords.h): one word at a time in the source,
// whatever the compiler makes of it.  The versions written in vector instructions are in
// runtime/arch/<cpu>/adjustwords.c.
#include "runtime/stack/adjustwords.h"

/*@ requires \valid(image + (0 .. nwords - 1)) && \valid_read(mv) && mv->first <= mv->last;
    requires \separated(image + (0 .. nwords - 1), mv);
    assigns image[0 .. nwords - 1];
    ensures \forall integer k; 0 <= k < nwords ==> image[k] == rt_moved(*mv, \old(image[k]));
    ensures \result == rt_nmoves{Pre}(*mv, image, nwords);
*/
RT_NOSANITIZE
static uint64_t adjust(uint64_t *image, size_t nwords, const struct rt_wordmove *mv) {
  uint64_t adjusted = 0;
  /*@ loop invariant 0 <= i <= nwords;
      loop invariant \forall integer k; 0 <= k < i ==>
        image[k] == rt_moved(*mv, \at(image[k], Pre));
      loop invariant \forall integer k; i <= k < nwords ==> image[k] == \at(image[k], Pre);
      loop invariant adjusted == rt_nmoves{Pre}(*mv, image, i) && adjusted <= i;
      loop assigns i, adjusted, image[0 .. nwords - 1];
      loop variant nwords - i; */
  for (size_t i = 0; i < nwords; i++) image[i] = rt_adjustword(image[i], mv, &adjusted);
  return adjusted;
}

/*@ requires \valid(dst + (0 .. nwords - 1)) && \valid_read(src + (0 .. nwords - 1));
    requires \valid_read(mv) && mv->first <= mv->last;
    requires \separated(dst + (0 .. nwords - 1), src + (0 .. nwords - 1));
    requires \separated(dst + (0 .. nwords - 1), mv);
    assigns dst[0 .. nwords - 1];
    ensures \forall integer k; 0 <= k < nwords ==> dst[k] == rt_moved(*mv, \old(src[k]));
    ensures \result == rt_nmoves{Pre}(*mv, src, nwords);
*/
RT_NOSANITIZE
static uint64_t copy(uint64_t *dst, const uint64_t *src, size_t nwords,
                     const struct rt_wordmove *mv) {
  uint64_t adjusted = 0;
  /*@ loop invariant 0 <= i <= nwords;
      loop invariant \forall integer k; 0 <= k < i ==> dst[k] == rt_moved(*mv, src[k]);
      loop invariant adjusted == rt_nmoves{Pre}(*mv, src, i) && adjusted <= i;
      loop assigns i, adjusted, dst[0 .. nwords - 1];
      loop variant nwords - i; */
  for (size_t i = 0; i < nwords; i++) dst[i] = rt_adjustword(src[i], mv, &adjusted);
  return adjusted;
}

const struct rt_adjuster rt_adjuster_scalar = {"scalar", adjust, copy};
