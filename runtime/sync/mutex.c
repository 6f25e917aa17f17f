// go_mutex, after Go's sync.Mutex: normally a lock that is free goes to whoever comes; when one
// has waited too long, it is handed on in order.
//
// state says LOCKED, WAITERS (the queue is not empty: unlock must look), HANDOFF (starvation) and
// WOKEN: a goroutine that runs, woken from the queue or about to join it, has yet to try; unlock
// need not wake another.  The lock of the queue is held whenever WAITERS or HANDOFF change.
//
// Nobody waits in vain: while WAITERS is set, either LOCKED is, and its holder will look at the
// queue, or WOKEN is, and whoever set it takes the mutex or, in one step, clears WOKEN and finds
// LOCKED set.
#include "runtime/sync/sync.h"

enum { LOCKED = 1, WAITERS = 2, HANDOFF = 4, WOKEN = 8 };
enum { LOOKS = 4, PAUSES = 30, STARVING_NS = 1000000 };

// With one P nothing comes in between, and locked instructions are most of the price.
static bool change(uint32_t *state, uint32_t from, uint32_t to) {
  if (rt_onep()) {
    if (*state != from) return false;
    *state = to;
    return true;
  }
  rt_point();
  return __atomic_compare_exchange_n(state, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static uint32_t load(const uint32_t *state) { return __atomic_load_n(state, __ATOMIC_RELAXED); }

// Free for whoever comes: takes it, others may keep waiting.  woken: WOKEN, if the caller set it.
static bool barge(struct go_mutex *m, uint32_t woken) {
  const uint32_t s = load(&m->state);
  return !(s & (LOCKED | HANDOFF)) && change(&m->state, s, (s & ~woken) | LOCKED);
}

// Its holder runs on another CPU, as a rule, and will be done in a moment; and nobody else wants to
// run here.
static bool worth_spinning(void) {
  if (__c11_atomic_load(&rt_sched.nallp, __ATOMIC_RELAXED) == 1) return false;
  const int32_t idle = __c11_atomic_load(&rt_sched.npidle, __ATOMIC_RELAXED) +
                       __c11_atomic_load(&rt_sched.nmspinning, __ATOMIC_RELAXED);
  return __c11_atomic_load(&rt_sched.maxprocs, __ATOMIC_RELAXED) > idle + 1 &&
         rt_runqempty(rt_getg()->m->p);
}

// True: m is ours.  Looks are rare, as in lock.c: each takes the cache line from the holder.
static bool spin(struct go_mutex *m, uint32_t *woken) {
  for (int i = 0; i < LOOKS && worth_spinning(); i++) {
    if (barge(m, *woken)) return true;
    const uint32_t s = load(&m->state);
    if (s & HANDOFF) return false;
    if (!*woken && (s & (WAITERS | WOKEN)) == WAITERS && change(&m->state, s, s | WOKEN))
      *woken = WOKEN;
    for (int k = 0; k < PAUSES; k++) rt_cpu_relax();
    rt_mpoint();
  }
  return false;
}

// The queue's lock is held.  True: m is ours.  False: it is locked, and will tell us.
static bool take_or_announce(struct go_mutex *m, bool starving, uint32_t woken) {
  for (;;) {
    const uint32_t s = load(&m->state);
    if (!(s & LOCKED) && (!(s & HANDOFF) || starving)) {
      if (change(&m->state, s, (s & ~woken) | LOCKED)) return true;
    } else if (change(&m->state, s, (s & ~woken) | WAITERS | (starving ? HANDOFF : 0))) {
      return false;
    }
  }
}

// After a wait in vain the flags must not promise waiters that are gone.
static void retract(struct go_mutex *m) {
  struct rt_lock *lock = rt_locked_by(&m->lock);
  rt_plock(lock);
  uint32_t s = load(&m->state);
  while (!m->waiters.first && !change(&m->state, s, s & ~(uint32_t)(WAITERS | HANDOFF)))
    s = load(&m->state);
  rt_punlock(lock);
}

// Ours, and we have not waited long: the others have not either.
static void stop_handing(struct go_mutex *m) {
  struct rt_lock *lock = rt_locked_by(&m->lock);
  rt_plock(lock);
  uint32_t s = load(&m->state);
  while (!change(&m->state, s, s & ~(uint32_t)HANDOFF)) s = load(&m->state);
  rt_punlock(lock);
}

static int lock_slow(struct go_mutex *m, int64_t until) {
  struct rt_lock *lock = rt_locked_by(&m->lock);
  int64_t since = 0;
  for (uint32_t woken = 0;; woken = WOKEN) {
    if (spin(m, &woken)) return 0;
    const int64_t now = rt_nanotime();
    const bool again = since != 0, starving = again && now - since > STARVING_NS;
    if (!again) since = now;
    rt_plock(lock);
    if (take_or_announce(m, starving, woken)) {
      rt_punlock(lock);
      return 0;
    }
    const struct rt_wait wait = {.lock = lock,
                                 .q = rt_queue_of(&m->waiters),
                                 .front = again,
                                 .why = RT_WAIT_MUTEX,
                                 .until = until};
    const int error = rt_waitq_wait(&wait);
    if (error == 0) {  // handed on: it is ours
      if (rt_nanotime() - since < STARVING_NS) stop_handing(m);
      return 0;
    }
    if (error == GO_ECLOSED) continue;  // free, for us or for whoever is quicker
    retract(m);
    return error;
  }
}

int go_mutex_lock(struct go_mutex *m) {
  const int error = rt_sync_check(m);
  if (error) return error;
  return barge(m, 0) ? 0 : lock_slow(m, 0);
}

int go_mutex_lock_until(struct go_mutex *m, int64_t deadline) {
  const int error = rt_sync_check(m);
  if (error) return error;
  return barge(m, 0) ? 0 : lock_slow(m, rt_deadline(deadline));
}

int go_mutex_trylock(struct go_mutex *m) {
  const int error = rt_sync_check(m);
  if (error) return error;
  return barge(m, 0) ? 0 : GO_EAGAIN;
}

static inline bool is_to_wake(uint32_t s) {
  return (s & HANDOFF) || (s & (WAITERS | WOKEN)) == WAITERS;
}

// Lets m go if there is nobody to wake: it may be gone then.
static inline bool let_go(struct go_mutex *m) {
  const uint32_t s = load(&m->state);
  return (s & LOCKED) && !is_to_wake(s) && change(&m->state, s, s & ~(uint32_t)LOCKED);
}

// Not inline: go_mutex_unlock would save registers for it that the usual case does not need.
__attribute__((noinline)) static int unlock_slow(struct go_mutex *m) {
  struct rt_lock *lock = rt_locked_by(&m->lock);
  rt_plock(lock);
  uint32_t s = load(&m->state);
  // Somebody may have come meanwhile who will try, or whoever waited has given up, and nobody else
  // waits: then whoever takes m next may forget it at once, and its lock must have been let go.
  while (!is_to_wake(s)) {
    rt_punlock(lock);
    if (!(s & LOCKED)) return GO_EINVAL;
    if (let_go(m)) return 0;
    rt_plock(lock);
    s = load(&m->state);
  }
  struct rt_sudog *w = rt_waitq_pop(rt_queue_of(&m->waiters));
  const bool hand = w && (s & HANDOFF);
  if (w) w->woken = hand ? RT_WOKEN_DONE : RT_WOKEN_CLOSED;
  for (;; s = load(&m->state)) {  // whoever spins may set WOKEN meanwhile
    uint32_t next = m->waiters.first ? WAITERS : 0;
    if (hand) next |= LOCKED | (next ? HANDOFF : 0);
    next |= w && !hand ? WOKEN : s & WOKEN;
    if (change(&m->state, s, next)) break;
  }
  rt_punlock(lock);
  if (w) rt_goready(w->g);
  return 0;
}

int go_mutex_unlock(struct go_mutex *m) {
  const int error = rt_sync_check(m);
  if (error) return error;
  return let_go(m) ? 0 : unlock_slow(m);
}
