// numbers.c: what programs decide from addresses, and data that look like addresses.
#include "bench/hazards/cases/cases.h"
#include "bench/hazards/hazard.h"

static uint64_t hash(const void *p) { return (uint64_t)(uintptr_t)p * 0x9e3779b97f4a7c15 >> 32; }

uint64_t address_hashed(uint64_t n) {
  uint64_t local = n;
  uint64_t *p = &local;
  HIDE(p);
  volatile uint64_t bucket = hash(p);
  hazard_grow();
  p = &local;
  HIDE(p);
  return bucket == hash(p) ? *p : ~*p;
}

// A sorted list of addresses, as a tree keyed by them has: halved, because its low bit is a colour.
// The place of the local in it is looked up before and after.
static unsigned place(const uint64_t *keys, unsigned nkeys, const void *p) {
  unsigned at = 0;
  while (at < nkeys && keys[at] < (uintptr_t)p >> 1)
    at++;
  return at;
}

uint64_t address_ordered(uint64_t n) {
  enum { KEYS = 9 };
  uint64_t local = n;
  uint64_t *p = &local, *keys = hazard_heap();
  HIDE(p);
  for (unsigned i = 0; i < KEYS; i++)
    keys[i] = ((uintptr_t)p >> 1) + 8 * i - 4 * KEYS;
  volatile unsigned before = place(keys, KEYS, p);
  hazard_grow();
  p = &local;
  HIDE(p);
  return place(keys, KEYS, p) * 1000 + before + *p;
}

// A number that happens to equal an address of this stack: a random seed, a counter, a hash.
uint64_t number_equals_address(uint64_t n) {
  uint64_t local = n, *heap = hazard_heap();
  volatile uint64_t number = (uint64_t)(uintptr_t)&local;
  heap[0] = number ^ 0x5a5a5a5a5a5a5a5a;
  hazard_grow();
  return local + ((number ^ 0x5a5a5a5a5a5a5a5a) == heap[0]);
}

// A live 32-bit integer in the low half of a word whose high half is a dead pointer's.  It is
// compared with a copy on the heap: one on the stack may be spilled to such a word as well.
static uint64_t half_over_pointer(uint64_t n, uint32_t number) {
  uint64_t local = n, *copy = hazard_heap();
  union {
    uint64_t *pointer;
    uint32_t half[2];  // the low one first
  } word, *w = &word;
  *copy = ~(uint64_t)number;
  w->pointer = &local;
  HIDE(w);
  w->half[0] = number;
  HIDE(w);
  hazard_grow();
  HIDE(w);
  return local + (w->half[0] == ~*copy);
}

// The counters and lengths of programs.
uint64_t half_over_pointer_low(uint64_t n) { return half_over_pointer(n, 1234567890); }

// The low half of an address of this very stack, as a hash may be.
uint64_t half_over_pointer_high(uint64_t n) {
  uint64_t local = n;
  uint64_t *p = &local;
  HIDE(p);
  uint32_t number = (uint32_t)(uintptr_t)p;
  HIDE(number);
  return half_over_pointer(n, number);
}

static void align(void *arg) {
  _Alignas(8192) unsigned char object[64];
  uint64_t *n = arg;
  unsigned char *p = object;
  HIDE(p);
  p[0] = (unsigned char)*n;
  hazard_grow();
  p = object;
  HIDE(p);
  *n = ((uintptr_t)p & 8191) * 1000 + p[0];
}

// The aligned frame may take four pages.
uint64_t alignment_of_two_pages(uint64_t n) {
  hazard_with_room(16 << 10, align, &n);
  return n;
}
