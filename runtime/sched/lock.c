// Locks and notes over os_wait and os_wake (lock.h).
#include "runtime/sched/lock.h"

#include <stdatomic.h>
#include "runtime/arch/arch.h"
#include "runtime/os/os.h"
#include "runtime/sched/deterministic.h"

// A look at a lock takes its cache line from the holder, who then waits for that to come back; so
// looks are rare, and a holder that comes again at once does its work in batches between them.
enum { PAUSES = 30, LOOKS = 4, PLOOKS = 16, PLOCK_US = 20 };

static void pause_between_looks(void) {
  for (int i = 0; i < PAUSES; i++) rt_cpu_relax();
}

static inline bool try(struct rt_lock *l) {
  uint32_t free = 0;
  return atomic_compare_exchange_strong_explicit(&l->state, &free, 1, memory_order_acquire,
                                                 memory_order_relaxed);
}

static inline bool look(struct rt_lock *l) {
  return atomic_load_explicit(&l->state, memory_order_relaxed) == 0 && try(l);
}

// In a deterministic run Ms sleep and are woken in the books; who comes from outside, never.
static void sleep_on(struct rt_lock *l, bool outside) {
  if (!outside && rt_det.holder)
    rt_baton_wait_lock(&l->state);
  else
    os_wait(&l->state, 2);
}

static void wake_from(struct rt_lock *l, bool outside) {
  os_wake(&l->state, 1);
  if (!outside && rt_det.holder) rt_baton_wake(&l->state, 1);
}

static inline void acquire(struct rt_lock *l, bool outside) {
  if (try(l)) return;
  for (int i = 0; i < LOOKS; i++) {
    if (look(l)) return;
    pause_between_looks();
  }
  while (atomic_exchange_explicit(&l->state, 2, memory_order_acquire) != 0) sleep_on(l, outside);
}

void rt_lock(struct rt_lock *l) {
  rt_point();
  if (__builtin_expect(rt_det.on, 0)) rt_det.locks++;
  acquire(l, false);
}

void rt_lock_outside(struct rt_lock *l) {
  if (!rt_getg()) rt_baton_outside();
  acquire(l, true);
}

bool rt_trylock(struct rt_lock *l) {
  if (!try(l)) return false;
  if (__builtin_expect(rt_det.on, 0)) rt_det.locks++;
  return true;
}

static inline void release(struct rt_lock *l, bool outside) {
  if (atomic_exchange_explicit(&l->state, 0, memory_order_release) == 2) wake_from(l, outside);
}

void rt_unlock_outside(struct rt_lock *l) { release(l, true); }

void rt_unlock(struct rt_lock *l) {
  release(l, false);
  if (__builtin_expect(rt_det.on, 0)) {
    rt_det.locks--;
    rt_point();
  }
}

void rt_plock_wait(struct rt_lock *l) {
  for (int i = 0; !look(l); i++) {
    // The thread that holds it may not run just now.
    if (i < PLOOKS)
      pause_between_looks();
    else
      os_usleep(PLOCK_US);
  }
}

void rt_notesleep(struct rt_note *n) {
  while (atomic_load_explicit(&n->woken, memory_order_acquire) == 0) {
    if (rt_det.holder)
      rt_baton_wait(&n->woken);
    else
      os_wait(&n->woken, 0);
  }
}

bool rt_notesleep_for(struct rt_note *n, int64_t ns) {
  const int64_t until = os_nanotime() + ns;
  while (atomic_load_explicit(&n->woken, memory_order_acquire) == 0) {
    const int64_t left = until - os_nanotime();
    if (left <= 0) return false;
    os_wait_for(&n->woken, 0, left);
  }
  return true;
}

void rt_notewakeup(struct rt_note *n) {
  atomic_store_explicit(&n->woken, 1, memory_order_release);
  if (rt_det.holder)
    rt_baton_wake(&n->woken, 1);
  else
    os_wake(&n->woken, 1);
}

void rt_noteclear(struct rt_note *n) { atomic_store_explicit(&n->woken, 0, memory_order_relaxed); }
