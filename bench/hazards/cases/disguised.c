// disguised.c: a pointer to a local that lies on the stack itself, but not as a pointer does: and,
// for comparison, the forms in which it is found.
#include "bench/hazards/cases/cases.h"
#include "bench/hazards/hazard.h"

#include <string.h>

#include "runtime/go.h"

// Changes *local, then reads it through p, which the case has found again.
NOINLINE static uint64_t changed(uint64_t *local, const uint64_t *p) {
  HIDE(local);
  HIDE(p);
  *local += 1;
  __asm__ volatile("" : : : "memory");
  return *p;
}

uint64_t pointer_plain(uint64_t n) {
  uint64_t local = n;
  uint64_t *volatile p = &local;
  hazard_grow();
  return changed(&local, p);
}

uint64_t pointer_xored(uint64_t n) {
  uint64_t local = n;
  uintptr_t key = 0x5a5a5a5a5a5a5a5a;
  HIDE(key);
  volatile uintptr_t x = (uintptr_t)&local ^ key;
  hazard_grow();
  return changed(&local, (uint64_t *)(x ^ 0x5a5a5a5a5a5a5a5a));
}

uint64_t pointer_tagged_high(uint64_t n) {
  uint64_t local = n;
  volatile uintptr_t x = (uintptr_t)&local | (uintptr_t)0xa5 << 56;
  hazard_grow();
  return changed(&local, (uint64_t *)(x << 8 >> 8));
}

uint64_t pointer_tagged_low(uint64_t n) {
  uint64_t local = n;
  volatile uintptr_t x = (uintptr_t)&local | 3;
  hazard_grow();
  return changed(&local, (uint64_t *)(x & ~(uintptr_t)7));
}

// Each half in a word of its own, whose other half is 0.
uint64_t pointer_in_halves(uint64_t n) {
  uint64_t local = n;
  volatile uint64_t low = (uint32_t)(uintptr_t)&local, high = (uintptr_t)&local >> 32;
  hazard_grow();
  return changed(&local, (uint64_t *)(high << 32 | low));
}

// From an object that does not move, as self-relative pointers are.
uint64_t pointer_as_difference(uint64_t n) {
  static char base;
  uint64_t local = n;
  volatile intptr_t d = (intptr_t)((uintptr_t)&local - (uintptr_t)&base);
  hazard_grow();
  return changed(&local, (uint64_t *)((uintptr_t)&base + (uintptr_t)d));
}

struct __attribute__((packed)) packed {
  char tag;
  uint64_t *p;
  char more[7];
};

uint64_t pointer_packed(uint64_t n) {
  uint64_t local = n;
  _Alignas(16) struct packed s;
  struct packed *at = &s;
  memset(at, 0x11, sizeof *at);
  at->p = &local;
  HIDE(at);
  hazard_grow();
  HIDE(at);
  return changed(&local, at->p);
}

// One past the end of the array that ends nearest to the top of the stack.
uint64_t pointer_past_end(uint64_t n) {
  uint64_t words[16];
  uint64_t *volatile end = words + 16;
  for (unsigned i = 0; i < 16; i++)
    words[i] = n + i;
  hazard_grow();
  uint64_t sum = 0;
  for (uint64_t *p = end, *begin = words; p != begin;) {
    HIDE(p);
    p--;
    sum = sum * 31 + *p;
    *p = 0;
  }
  for (unsigned i = 0; i < 16; i++)
    sum += words[i];
  return sum;
}

// One past the end of the uppermost array there can be: the pointer is the stack's `hi`, whose own
// word belongs to somebody else.  The runtime leaves the top 16 bytes free (rt_gostack).
uint64_t pointer_to_top(uint64_t n) {
  struct go_stack_bounds b;
  if (go_stack_bounds(&b) != GO_OK)
    return 1;
  uint64_t *volatile end = (uint64_t *)b.hi;
  end[-1] = n;
  end[-2] = n + 1;
  hazard_grow();
  uint64_t *p = end;
  HIDE(p);
  return p[-1] != n || p[-2] != n + 1;
}

// What compilers make of a[i - 1000000]: a base far below the array, and below the stack.
uint64_t pointer_biased(uint64_t n) {
  enum { BIAS = 1000000 };
  uint64_t words[4] = {n, n + 1, n + 2, n + 3};
  volatile uintptr_t base = (uintptr_t)words - BIAS;
  hazard_grow();
  return changed(&words[2], (uint64_t *)(base + BIAS) + 2);
}
