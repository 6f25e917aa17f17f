// Poison patterns (poison.h).
#include "runtime/stack/poison.h"

#include "runtime/nosanitize.h"

enum { POISON_BYTES_MAX = 1 << 20 };

// By words, of which a stack has a whole number: memset would be a sanitizer's, which checks, and
// each turn of a loop costs a fuzzer two calls.
RT_NOSANITIZE static void fill(const struct rt_stack *s, unsigned char pattern) {
  const size_t size = rt_stack_size(s);
  const size_t bytes = size < POISON_BYTES_MAX ? size : POISON_BYTES_MAX;
  volatile uint64_t *p = (volatile uint64_t *)(s->hi - bytes);
  const uint64_t word = UINT64_C(0x0101010101010101) * pattern;
  for (size_t i = 0; i < bytes / sizeof word; i++) p[i] = word;
}

void rt_poison_fresh(const struct rt_stack *s) { fill(s, RT_POISON_FRESH); }
void rt_poison_freed(const struct rt_stack *s) { fill(s, RT_POISON_FREED); }
