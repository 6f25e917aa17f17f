// frames.c: pointers that a compiler keeps in registers over a growth; tests/signal_frames.c has
// the frames that run out in the middle.
#include "bench/hazards/cases/cases.h"
#include "bench/hazards/hazard.h"

#include <stdlib.h>

#define HIDE_ALL                                                                              \
  __asm__ volatile(""                                                                         \
                   : "+rm"(pa), "+rm"(pb), "+rm"(pc), "+rm"(pd), "+rm"(pe), "+rm"(pf), "+rm"(pg) \
                   :                                                                          \
                   : "memory")

// More pointers than there are callee-saved registers.
uint64_t callee_saved(uint64_t n) {
  uint64_t a = n, b = n + 1, c = n + 2, d = n + 3, e = n + 4, f = n + 5, g = n + 6;
  uint64_t *pa = &a, *pb = &b, *pc = &c, *pd = &d, *pe = &e, *pf = &f, *pg = &g;
  for (int i = 0; i < 3; i++) {
    HIDE_ALL;
    hazard_grow();
    HIDE_ALL;
    ++*pa, ++*pb, ++*pc, ++*pd, ++*pe, ++*pf, ++*pg;
  }
  return a + b * 3 + c * 5 + d * 7 + e * 11 + f * 13 + g * 17;
}

struct pointers {
  uint64_t *p[8];
};

NOINLINE static uint64_t copy_below(const struct pointers *s) {
  struct pointers here[3], *h = here;
  HIDE(h);
  h[0] = *s;
  h[1] = *s;
  h[2] = *s;
  HIDE(h);
  HIDE(s);
  uint64_t sum = 0;
  for (int i = 0; i < 8; i++)
    ++*s->p[i];
  for (int k = 0; k < 3; k++)
    for (int i = 0; i < 8; i++)
      sum += *h[k].p[i];
  return sum;
}

// Eight pointers are loaded into vector registers, and the first store of them faults.
uint64_t copy_of_struct(uint64_t n) {
  uint64_t words[8];
  struct pointers s;
  for (unsigned i = 0; i < 8; i++) {
    words[i] = n + i;
    s.p[i] = &words[i];
  }
  const struct pointers *hidden = &s;
  HIDE(hidden);
  return copy_below(hidden);
}

// The same over a call: a chain of frames, each with a pointer to the one above, that is followed
// after the innermost has grown the stack.
NOINLINE static uint64_t link_below(uint64_t *above, uint64_t depth) {
  uint64_t here = depth, sum = 0;
  HIDE(above);
  if (depth > 0)
    sum = link_below(&here, depth - 1);
  else
    hazard_grow();
  HIDE(above);
  *above += depth;
  return sum * 3 + here;
}

uint64_t chain_over_a_call(uint64_t n) {
  uint64_t top = n;
  const uint64_t sum = link_below(&top, n);
  return sum + top;
}

static int by_value(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  if ((x ^ y) % 8 == 0)
    hazard_grow();
  return (x > y) - (x < y);
}

// qsort's own variables point into the array and into its copy on the stack.
uint64_t sort_on_stack(uint64_t n) {
  uint64_t words[48], sum = 0;
  for (uint64_t i = 0; i < 48; i++)
    words[i] = (i * 29 + n) % 48;
  qsort(words, 48, sizeof *words, by_value);
  for (uint64_t i = 0; i < 48; i++)
    sum = sum * 31 + words[i];
  return sum;
}
