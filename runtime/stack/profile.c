// The table of a growth profile (profile.h).
#include "runtime/stack/profile.h"

#include <stdatomic.h>
#include <stddef.h>
#include "runtime/os/os.h"

enum { FREE, FILLING, LEAST_HASH };
enum { PROBES = 64, LOOK_US = 50 };

_Atomic bool rt_profiling;
uint32_t rt_profile_entries = RT_PROFILE_ENTRIES;

static struct {
  // Who records counts itself in, then looks whether it may; who begins or ends says no, then waits
  // until nobody is in: one of them sees the other (both are sequentially consistent).
  _Atomic uint32_t inside;
  uint32_t rate, entries;  // changed while nobody is in
  _Atomic uint64_t growths, recorded, dropped;
  struct rt_growentry table[RT_PROFILE_ENTRIES];
} profile = {.rate = 1, .entries = RT_PROFILE_ENTRIES};

// ---- Recording -------------------------------------------------------------------------------

static uint64_t mix(uint64_t h, uint64_t w) {  // the finalizer of MurmurHash3 (Appleby)
  h ^= w;
  h = (h ^ h >> 33) * 0xff51afd7ed558ccd;
  h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53;
  return h ^ h >> 33;
}

static uint64_t hash_of(const struct rt_growsite *s) {
  uint64_t h = mix(s->entry, (uint64_t)s->from_bytes << 32 | s->to_bytes);
  h = mix(h, (uint64_t)s->cause << 16 | (uint64_t)s->nframes << 8 | s->cut);
  for (int i = 0; i < s->nframes; i++) h = mix(h, s->frames[i]);
  return h < LEAST_HASH ? LEAST_HASH : h;
}

static bool same(const struct rt_growsite *a, const struct rt_growsite *b) {
  if (a->entry != b->entry || a->from_bytes != b->from_bytes || a->to_bytes != b->to_bytes ||
      a->cause != b->cause || a->nframes != b->nframes || a->cut != b->cut)
    return false;
  for (int i = 0; i < a->nframes; i++)
    if (a->frames[i] != b->frames[i]) return false;
  return true;
}

// NULL: no room.
static struct rt_growentry *entry_of(const struct rt_growsite *site) {
  const uint64_t hash = hash_of(site);
  const uint32_t mask = profile.entries - 1;
  for (uint32_t i = 0; i < PROBES && i <= mask; i++) {
    struct rt_growentry *e = &profile.table[(hash + i) & mask];
    uint64_t state = atomic_load_explicit(&e->state, memory_order_acquire);
    if (state == FREE &&
        atomic_compare_exchange_strong_explicit(&e->state, &state, FILLING, memory_order_acquire,
                                                memory_order_acquire)) {
      e->site = *site;
      atomic_store_explicit(&e->state, hash, memory_order_release);
      return e;
    }
    if (state == hash && same(&e->site, site)) return e;
  }
  return NULL;
}

bool rt_profile_take(void) {
  atomic_fetch_add(&profile.inside, 1);
  if (atomic_load(&rt_profiling) &&
      atomic_fetch_add_explicit(&profile.growths, 1, memory_order_relaxed) % profile.rate == 0)
    return true;
  atomic_fetch_sub_explicit(&profile.inside, 1, memory_order_release);
  return false;
}

void rt_profile_add(const struct rt_growsite *site, uint64_t bytes_copied) {
  struct rt_growentry *e = entry_of(site);
  if (e) {
    atomic_fetch_add_explicit(&e->growths, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&e->bytes_copied, bytes_copied, memory_order_relaxed);
  }
  atomic_fetch_add_explicit(e ? &profile.recorded : &profile.dropped, 1, memory_order_relaxed);
  atomic_fetch_sub_explicit(&profile.inside, 1, memory_order_release);
}

// ---- Beginning, ending, reading --------------------------------------------------------------

void rt_profile_end(void) {
  atomic_store(&rt_profiling, false);
  while (atomic_load(&profile.inside) != 0) os_usleep(LOOK_US);
}

void rt_profile_begin(uint32_t rate) {
  rt_profile_end();
  for (uint32_t i = 0; i < RT_PROFILE_ENTRIES; i++) {
    struct rt_growentry *e = &profile.table[i];
    if (atomic_load_explicit(&e->state, memory_order_relaxed) == FREE) continue;  // untouched pages
    atomic_store_explicit(&e->growths, 0, memory_order_relaxed);
    atomic_store_explicit(&e->bytes_copied, 0, memory_order_relaxed);
    atomic_store_explicit(&e->state, FREE, memory_order_relaxed);
  }
  atomic_store(&profile.growths, 0);
  atomic_store(&profile.recorded, 0);
  atomic_store(&profile.dropped, 0);
  profile.rate = rate;
  profile.entries = rt_profile_entries;
  atomic_store(&rt_profiling, true);
}

const struct rt_growsite *rt_profile_at(uint32_t i, uint64_t *growths, uint64_t *bytes_copied) {
  if (i >= RT_PROFILE_ENTRIES) return NULL;
  const struct rt_growentry *e = &profile.table[i];
  const bool there = atomic_load_explicit(&e->state, memory_order_acquire) >= LEAST_HASH;
  *growths = there ? atomic_load_explicit(&e->growths, memory_order_relaxed) : 0;
  *bytes_copied = there ? atomic_load_explicit(&e->bytes_copied, memory_order_relaxed) : 0;
  return &e->site;
}

void rt_profile_read(struct rt_profile_totals *out) {
  out->growths = atomic_load(&profile.growths);
  out->recorded = atomic_load(&profile.recorded);
  out->dropped = atomic_load(&profile.dropped);
  out->rate = profile.rate;
}
