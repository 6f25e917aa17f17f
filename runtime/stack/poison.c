// Poison patterns (poison.h).
#include "runtime/stack/poison.h"

#include "runtime/nosanitize.h"

enum { POISON_BYTES_MAX = 1 << 20 };

RT_NOSANITIZE static void fill(const struct rt_stack *s, unsigned char pattern) {
  const size_t size = rt_stack_size(s);
  const size_t bytes = size < POISON_BYTES_MAX ? size : POISON_BYTES_MAX;
  volatile unsigned char *p = (volatile unsigned char *)(s->hi - bytes);
  for (size_t i = 0; i < bytes; i++) p[i] = pattern;
}

void rt_poison_fresh(const struct rt_stack *s) { fill(s, RT_POISON_FRESH); }
void rt_poison_freed(const struct rt_stack *s) { fill(s, RT_POISON_FREED); }
