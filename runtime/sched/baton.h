// baton.h: the Ms of a deterministic run with several Ps (deterministic.h).  They are threads, but
// one at a time runs: it has the baton.  At every point it may pass the baton on, and where it
// would wait it does; who is next comes from the seed (Musuvathi, Qadeer, Ball, Basler, Nainar and
// Neamtiu, "Finding and reproducing Heisenbugs in concurrent programs", OSDI 2008).
//
// The books say for each M what it waits for, and only who has the baton reads or writes them.
#ifndef STACKLAB_RUNTIME_SCHED_BATON_H_
#define STACKLAB_RUNTIME_SCHED_BATON_H_

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rt_m;

// What the books say of an M.
struct rt_turn {
  struct rt_m *next;            // all Ms, in the order in which they came
  const void *waits;            // where it is to be woken; NULL: it can run
  const _Atomic uint32_t *lock; // the lock it waits for, if it does
  int64_t until;                // in the poller: when it wakes up by itself; 0: it does not
  uint64_t priority;
  bool stands;                  // for election, just now
  uint32_t number;              // of Ms that came before it
  _Atomic uint32_t given;       // it has the baton
};

// rt_baton_begin opens the books with m, whose thread the caller is; rt_baton_end closes them, when
// all others have left.  Points before and after do nothing.
void rt_baton_begin(struct rt_m *m);
void rt_baton_end(void);

// A new M: rt_baton_add before its thread is started, rt_baton_remove if that fails.  The thread
// first calls rt_baton_arrive, which waits for its turn, and last rt_baton_leave.
void rt_baton_add(struct rt_m *m);
void rt_baton_remove(struct rt_m *m);
void rt_baton_arrive(struct rt_m *m);
void rt_baton_leave(void);
void rt_baton_join(struct rt_m *m);  // waits until m has left

// rt_baton_point passes the baton on, or not.  Signal-safe, as all that follows.
void rt_baton_point(void);
// rt_baton_pass passes it to another M if one can run: for whoever would spin or nap.
void rt_baton_pass(void);
// rt_baton_rest is for sysmon, between two looks: it goes on some time, but nobody counts on that.
void rt_baton_rest(void);

// rt_baton_wait waits at `where` until rt_baton_wake is called for it, which wakes up to n Ms.
// rt_baton_wait_lock does so for a lock that is held.
void rt_baton_wait(const void *where);
void rt_baton_wait_lock(const _Atomic uint32_t *lock);
void rt_baton_wake(const void *where, int n);

// rt_baton_poll waits in the poller, until the virtual time `until` (0: without limit) has come or
// rt_baton_break is called, now or since it last returned; or some time, if there are descriptors.
// If nobody else can run, time goes on to `until`.  True: nobody could, and there is no limit.
bool rt_baton_poll(int64_t until);
void rt_baton_break(void);

// rt_baton_asleep tells whether m waits for another to give it work, or for time: it does not run,
// need not, and holds up nobody.  For tests; who has the baton.
bool rt_baton_asleep(const struct rt_m *m);

// rt_baton_outside says that a thread which has no part in this takes a lock.  Any thread.
void rt_baton_outside(void);

#ifdef __cplusplus
}
#endif
#endif
