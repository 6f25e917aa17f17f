// signal_frames.c: ordinary C that runs out of stack (signal_frames.h).
#include "tests/signal_frames.h"

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Hides a pointer's origin from the optimiser, which then cannot remove what it points at.
#define HIDE(p) __asm__ volatile("" : "+r"(p) : : "memory")
#define NOINLINE __attribute__((noinline))

NOINLINE uint64_t frame_leaf(uint64_t seed) {
  volatile uint64_t words[12];
  for (unsigned i = 0; i < 12; i++) words[i] = seed * (i + 1);
  uint64_t sum = 0;
  for (unsigned i = 0; i < 12; i++) sum += words[i];
  return sum;
}

struct pointers {
  uint64_t *p[8];
};

NOINLINE static uint64_t copy_below(const struct pointers *s) {
  struct pointers here[3];
  struct pointers *h = here;
  HIDE(h);
  h[0] = *s;
  h[1] = *s;
  h[2] = *s;
  HIDE(h);
  uint64_t sum = 0;
  for (int k = 0; k < 3; k++)
    for (int i = 0; i < 8; i++) sum += *h[k].p[i];
  return sum;
}

NOINLINE uint64_t frame_copy(uint64_t seed) {
  uint64_t words[8];
  struct pointers s;
  for (unsigned i = 0; i < 8; i++) {
    words[i] = seed + i;
    s.p[i] = &words[i];
  }
  const struct pointers *hidden = &s;
  HIDE(hidden);
  return copy_below(hidden);
}

NOINLINE uint64_t frame_fill(uint64_t seed) {
  unsigned char bytes[3000];
  unsigned char *p = bytes;
  HIDE(p);
  memset(p, (int)(seed & 0x7f), sizeof bytes);
  HIDE(p);
  uint64_t sum = 0;
  for (size_t i = 0; i < sizeof bytes; i++) sum += p[i];
  return sum;
}

NOINLINE static void accumulate(uint64_t depth, uint64_t *sum) {
  uint64_t *here = sum;
  HIDE(here);
  *here += depth;
  if (depth > 0) accumulate(depth - 1, here);
  HIDE(here);
  *here += 1;
}

uint64_t frame_accumulate(uint64_t depth) {
  uint64_t sum = 0;
  accumulate(depth, &sum);
  return sum;
}

struct link {
  const struct link *up;
  uint64_t n;
};

NOINLINE static uint64_t chain(const struct link *up, uint64_t depth) {
  struct link here = {up, depth};
  const struct link *p = &here;
  HIDE(p);
  if (depth > 0) {
    const uint64_t below = chain(p, depth - 1);
    HIDE(p);
    return below + p->n - depth;
  }
  uint64_t sum = 0;
  for (; p; p = p->up) sum += p->n;
  return sum;
}

uint64_t frame_chain(uint64_t depth) { return chain(NULL, depth); }

NOINLINE static uint64_t array(const uint64_t *above, uint64_t depth) {
  uint64_t here[16];
  for (int i = 0; i < 16; i++) here[i] = above[i] + depth;
  const uint64_t below = depth > 0 ? array(here, depth - 1) : here[15];
  for (int i = 0; i < 16; i++)
    if (here[i] != above[i] + depth) return 0;
  return below;
}

uint64_t frame_array(uint64_t depth) {
  uint64_t seed[16];
  for (unsigned i = 0; i < 16; i++) seed[i] = i;
  return array(seed, depth);
}

NOINLINE static uint64_t format(const char *above, uint64_t depth) {
  char here[64];
  snprintf(here, sizeof here, "%.40s/%d", above, (int)depth % 10);
  if (depth == 0) return strlen(here);
  const uint64_t below = format(here, depth - 1);
  char again[64];
  snprintf(again, sizeof again, "%.40s/%d", above, (int)depth % 10);
  return strcmp(here, again) == 0 ? below : 0;
}

uint64_t frame_format(uint64_t depth) { return format("root", depth); }

static int compare(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

NOINLINE uint64_t frame_sort(uint64_t n) {
  uint64_t words[128];
  for (uint64_t i = 0; i < 128; i++) words[i] = (i * 7919 + n) % 128;
  qsort(words, 128, sizeof *words, compare);
  for (uint64_t i = 0; i < 128; i++)
    if (words[i] != i) return 0;
  return 1;
}

// Writes both ends and the middle of a frame that has been probed, through a pointer.
#define LARGE_FRAME(name, bytes)                            \
  NOINLINE uint64_t name(uint64_t seed) {                   \
    uint64_t words[(bytes) / 8];                            \
    uint64_t *p = words;                                    \
    HIDE(p);                                                \
    p[0] = seed;                                            \
    p[(bytes) / 16] = seed + 1;                             \
    p[(bytes) / 8 - 1] = seed + 2;                          \
    HIDE(p);                                                \
    return p[0] + p[(bytes) / 16] + p[(bytes) / 8 - 1];     \
  }
LARGE_FRAME(frame_5_pages, 5 * 4096)
LARGE_FRAME(frame_64k, 64 << 10)
LARGE_FRAME(frame_1m, 1 << 20)
LARGE_FRAME(frame_8m, 8 << 20)

NOINLINE uint64_t frame_variable(uint64_t bytes) {
  uint64_t *p = alloca(bytes);
  HIDE(p);
  p[0] = bytes;
  p[bytes / 8 - 1] = 1;
  HIDE(p);
  return p[0] + p[bytes / 8 - 1];
}

NOINLINE static void touch(volatile unsigned char *p) { *p = 1; }

NOINLINE uint64_t frame_end_pointer(uint64_t n) {
  uint64_t words[32];
  const uint64_t *p = words, *end = words + 32;
  for (unsigned i = 0; i < 32; i++) words[i] = n + i;
  HIDE(p);
  HIDE(end);
  uint64_t sum = 0;
  for (; p != end; p++) {
    unsigned char deep[512];
    sum += *p;
    touch(deep);
  }
  return sum;
}
