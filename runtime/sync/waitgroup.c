// go_waitgroup.
//
// state is one word, so that whoever is done sees in the same moment that it is the last and
// whether anybody waits: the count in the upper half, WAITERS in the lower.  The queue's lock is
// held when WAITERS changes, and when a count with WAITERS becomes 0; WAITERS is set only beside a
// count that is not 0.
//
// The structure may be gone as soon as the count is 0 and nobody waits.  The last to be done does
// not touch it after a step to 0 without WAITERS.  A step to 0 with WAITERS is made under the lock:
// whoever has set the flag is in the queue then, or on its way from there to the lock, and cannot
// have returned before the lock is let go; and those it readies after that hold it no more.
#include "runtime/sync/sync.h"

#define WAITERS ((uint64_t)1)

static uint64_t load(const struct go_waitgroup *wg) {
  return __atomic_load_n(&wg->state, __ATOMIC_ACQUIRE);
}

static int64_t count_of(uint64_t state) { return (int64_t)(state >> 32); }

// With one P nothing comes in between, and a locked instruction is most of the price.
static bool change(struct go_waitgroup *wg, uint64_t from, uint64_t to) {
  if (rt_onep()) {
    __atomic_store_n(&wg->state, to, __ATOMIC_RELEASE);
    return true;
  }
  rt_point();
  return __atomic_compare_exchange_n(&wg->state, &from, to, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED);
}

// The count becomes 0, unless somebody was quicker, with n from a state with WAITERS.  False: look
// again.
__attribute__((noinline)) static bool finish(struct go_waitgroup *wg, int n) {
  struct rt_lock *lock = rt_locked_by(&wg->lock);
  struct rt_gqueue woken = {0};
  rt_plock(lock);
  const uint64_t s = load(wg);
  // Whoever waited may have given up: then the last must not hold the lock (see above).
  const bool last = (s & WAITERS) && count_of(s) + n == 0 && change(wg, s, 0);
  if (last) rt_waitq_drain(rt_queue_of(&wg->waiters), RT_WOKEN_DONE, &woken);
  rt_punlock(lock);
  rt_waitq_readyall(&woken);
  return last;
}

int go_waitgroup_add(struct go_waitgroup *wg, int n) {
  const int error = rt_sync_check(wg);
  if (error) return error;
  for (;;) {
    const uint64_t s = load(wg);
    const int64_t count = count_of(s) + n;
    if (count < 0 || count > INT32_MAX) return GO_EINVAL;
    if (count == 0 && (s & WAITERS)) {
      if (finish(wg, n)) return 0;
    } else if (change(wg, s, (uint64_t)count << 32 | (s & WAITERS))) {
      return 0;
    }
  }
}

int go_waitgroup_done(struct go_waitgroup *wg) { return go_waitgroup_add(wg, -1); }

// The lock is held.  False: the count is 0, nothing to wait for.
static bool announce(struct go_waitgroup *wg) {
  for (;;) {
    const uint64_t s = load(wg);
    if (count_of(s) == 0) return false;
    if ((s & WAITERS) || change(wg, s, s | WAITERS)) return true;
  }
}

// After a wait in vain the flag must not promise waiters that are gone.
static void retract(struct go_waitgroup *wg) {
  struct rt_lock *lock = rt_locked_by(&wg->lock);
  rt_plock(lock);
  while (!wg->waiters.first) {
    const uint64_t s = load(wg);
    if (!(s & WAITERS) || change(wg, s, s & ~WAITERS)) break;
  }
  rt_punlock(lock);
}

static int wait(struct go_waitgroup *wg, int64_t until) {
  int error = rt_sync_check(wg);
  if (error) return error;
  if (load(wg) == 0) return 0;
  struct rt_lock *lock = rt_locked_by(&wg->lock);
  rt_plock(lock);
  if (!announce(wg)) {
    rt_punlock(lock);
    return 0;
  }
  error = rt_waitq_wait(&(struct rt_wait){.lock = lock,
                                          .q = rt_queue_of(&wg->waiters),
                                          .why = RT_WAIT_WAITGROUP,
                                          .until = until});
  if (error) retract(wg);
  return error;
}

int go_waitgroup_wait(struct go_waitgroup *wg) { return wait(wg, 0); }

int go_waitgroup_wait_until(struct go_waitgroup *wg, int64_t deadline) {
  return wait(wg, rt_deadline(deadline));
}
