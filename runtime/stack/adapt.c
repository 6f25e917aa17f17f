// First sizes of stacks, by first function (adapt.h).
#include "runtime/stack/adapt.h"

#include <stdatomic.h>

enum { PROBES = 16 };

// An entry belongs to its function for as long as the process lives.  The rest are numbers that
// several threads change as they come by: each change leaves all of them right, and nothing is read
// through them, so that they need no order.
struct learnt {
  _Atomic uintptr_t fn;     // 0: free
  _Atomic uint32_t size;    // a power of two; 0: nothing
  _Atomic uint32_t starts;  // since the last trial
  _Atomic uint32_t every;   // 0: RT_ADAPT_EVERY
  _Atomic bool halved;      // size is what a trial has made it
  _Atomic uint64_t larger;
};

size_t rt_adapt_most;
static struct learnt table[RT_ADAPT_ENTRIES];

static uint32_t get(const _Atomic uint32_t *n) {
  return atomic_load_explicit(n, memory_order_relaxed);
}

static void set(_Atomic uint32_t *n, uint32_t to) {
  atomic_store_explicit(n, to, memory_order_relaxed);
}

// The largest power of two that is no larger.
static uint32_t round_down(size_t size) { return 1u << (31 - __builtin_clz((uint32_t)size)); }

// NULL: there is none, and with `add`, no room for one.
static struct learnt *entry_of(uintptr_t fn, bool add) {
  const uint64_t hash = fn * 0x9e3779b97f4a7c15 >> 32;
  for (uint32_t i = 0; i < PROBES; i++) {
    struct learnt *e = &table[(hash + i) % RT_ADAPT_ENTRIES];
    uintptr_t at = atomic_load_explicit(&e->fn, memory_order_relaxed);
    if (at == 0 && !add) return NULL;
    if (at == 0 && atomic_compare_exchange_strong_explicit(&e->fn, &at, fn, memory_order_relaxed,
                                                           memory_order_relaxed))
      return e;
    if (at == fn) return e;
  }
  return NULL;
}

static uint32_t every_of(const struct learnt *e) {
  const uint32_t every = get(&e->every);
  return every ? every : RT_ADAPT_EVERY;
}

static void try_later(struct learnt *e) {
  const uint32_t every = every_of(e);
  if (every < RT_ADAPT_EVERY_MOST) set(&e->every, 2 * every);
}

static void try_sooner(struct learnt *e) {
  const uint32_t every = every_of(e);
  if (every > RT_ADAPT_EVERY) set(&e->every, every / 2);
}

// Counts a goroutine, and tells whether it is one to try with less: one thread's of each round.
static bool is_trial(struct learnt *e) {
  uint32_t n = atomic_fetch_add_explicit(&e->starts, 1, memory_order_relaxed) + 1;
  return n >= every_of(e) && atomic_compare_exchange_strong_explicit(
                                 &e->starts, &n, 0, memory_order_relaxed, memory_order_relaxed);
}

size_t rt_adapt_first(uintptr_t fn, size_t initial, size_t max, bool *trial) {
  *trial = false;
  struct learnt *e = entry_of(fn, false);
  size_t size = e ? get(&e->size) : 0;
  if (size <= initial) return initial;
  if (size > max) {
    size = round_down(max);
  } else if (is_trial(e)) {
    *trial = true;
    size /= 2;
  }
  if (size <= initial) return initial;
  atomic_fetch_add_explicit(&e->larger, 1, memory_order_relaxed);
  return size;
}

void rt_adapt_grown(uintptr_t fn, size_t size, bool trial) {
  struct learnt *e = entry_of(fn, true);
  if (!e) return;
  const uint32_t to = round_down(size < rt_adapt_most ? size : rt_adapt_most);
  uint32_t from = get(&e->size);
  while (from < to && !atomic_compare_exchange_weak_explicit(
                          &e->size, &from, to, memory_order_relaxed, memory_order_relaxed)) {
  }
  // Of a trial that has failed, or of one that seemed not to, and has halved `every`, too.
  const bool misled =
      from < to && atomic_exchange_explicit(&e->halved, false, memory_order_relaxed);
  if (trial || misled) try_later(e);
  if (misled) try_later(e);
}

void rt_adapt_fitted(uintptr_t fn, size_t size) {
  struct learnt *e = entry_of(fn, false);
  uint32_t twice = (uint32_t)size * 2;
  if (!e || !atomic_compare_exchange_strong_explicit(&e->size, &twice, (uint32_t)size,
                                                     memory_order_relaxed, memory_order_relaxed))
    return;
  atomic_store_explicit(&e->halved, true, memory_order_relaxed);
  try_sooner(e);
}

void rt_adapt_forget(void) {
  for (int i = 0; i < RT_ADAPT_ENTRIES; i++) {
    struct learnt *e = &table[i];
    if (atomic_load_explicit(&e->fn, memory_order_relaxed) == 0) continue;
    set(&e->size, 0);
    set(&e->starts, 0);
    set(&e->every, 0);
    atomic_store_explicit(&e->halved, false, memory_order_relaxed);
    atomic_store_explicit(&e->larger, 0, memory_order_relaxed);
  }
}

void rt_adapt_init(size_t most) {
  rt_adapt_forget();
  rt_adapt_most = most;
}

bool rt_adapt_at(uint32_t i, struct rt_adapt_entry *out) {
  if (i >= RT_ADAPT_ENTRIES) return false;
  const struct learnt *e = &table[i];
  *out = (struct rt_adapt_entry){atomic_load_explicit(&e->fn, memory_order_relaxed),
                                 get(&e->size),
                                 atomic_load_explicit(&e->larger, memory_order_relaxed),
                                 every_of(e)};
  return true;
}
