// lock.h: the runtime's own lock and its one-shot wake-up.  Both block the thread, not the
// goroutine; a lock is held for a few instructions and never over a switch of stacks.
#ifndef STACKLAB_RUNTIME_SCHED_LOCK_H_
#define STACKLAB_RUNTIME_SCHED_LOCK_H_

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Zero is unlocked.
struct rt_lock {
  _Atomic uint32_t state;  // 0 free, 1 held, 2 held and somebody may sleep (Drepper 2011)
};
void rt_lock(struct rt_lock *l);
bool rt_trylock(struct rt_lock *l);  // false: somebody holds it
void rt_unlock(struct rt_lock *l);
// rt_plock_wait waits for a lock that nobody sleeps on, and takes it: see plock.h.
void rt_plock_wait(struct rt_lock *l);
// The same for a thread that is not the runtime's, of which a seed (deterministic.h) knows nothing,
// and where there must be no points.
void rt_lock_outside(struct rt_lock *l);
void rt_unlock_outside(struct rt_lock *l);

// A note: one sleeper, one waker.  Zero is clear.
struct rt_note {
  _Atomic uint32_t woken;
};
void rt_notesleep(struct rt_note *n);   // returns once rt_notewakeup has been called
bool rt_notesleep_for(struct rt_note *n, int64_t ns);  // false: the time was up first
void rt_notewakeup(struct rt_note *n);  // at most once between two clears
void rt_noteclear(struct rt_note *n);

#ifdef __cplusplus
}
#endif
#endif
