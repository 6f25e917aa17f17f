// The reference version of the word loops (see adjustwords.h): one word at a time in the source,
// whatever the compiler makes of it.  The versions written in vector instructions are in
// runtime/arch/<cpu>/adjustwords.c.
#include "runtime/stack/adjustwords.h"

RT_NOSANITIZE
static uint64_t adjust(uint64_t *image, size_t nwords, const struct rt_wordmove *mv) {
  uint64_t adjusted = 0;
  for (size_t i = 0; i < nwords; i++) image[i] = rt_adjustword(image[i], mv, &adjusted);
  return adjusted;
}

RT_NOSANITIZE
static uint64_t copy(uint64_t *dst, const uint64_t *src, size_t nwords,
                     const struct rt_wordmove *mv) {
  uint64_t adjusted = 0;
  for (size_t i = 0; i < nwords; i++) dst[i] = rt_adjustword(src[i], mv, &adjusted);
  return adjusted;
}

const struct rt_adjuster rt_adjuster_scalar = {"scalar", adjust, copy};
