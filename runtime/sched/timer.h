// timer.h: timers, in a 4-ary heap per P (Go's time.go).  Those of a P are run by its M when it
// looks for work, by Ms that steal, and the first of all bounds how long an idle M sleeps.
#ifndef STACKLAB_RUNTIME_SCHED_TIMER_H_
#define STACKLAB_RUNTIME_SCHED_TIMER_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "runtime/sched/clock.h"
#include "runtime/sched/lock.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rt_timers;

// Called when the timer is due, on g0 with a P, no lock held: it must not block, may ready
// goroutines, and may start and stop timers.
typedef void (*rt_timerfn)(void *arg, uint64_t seq);

// A timer; zero is a stopped one.  The owner sets fn, arg and seq while it is stopped, and
// keeps it where it stays: not on a stack that moves.
struct rt_timer {
  rt_timerfn fn;
  void *arg;
  uint64_t seq;      // not 0; handed to fn: tells a late call from its successor
  int64_t when;      // ns of rt_nanotime
  _Atomic(struct rt_timers *) in;  // the heap it is in; NULL if stopped
  size_t index;      // its place there
};

struct rt_timerslot {  // when, beside the pointer: sifting touches no timers but those it moves
  int64_t when;
  struct rt_timer *timer;
};

// The timers of one P.  Zero is empty.
struct rt_timers {
  struct rt_lock lock;
  struct rt_timerslot *heap;
  size_t n, cap;
  _Atomic int64_t first;  // when of the first; 0 if there is none
  _Atomic uint64_t fired;  // fn was called; written under lock
};

// rt_timer_start starts a stopped timer for `when` on the current P's heap.  A goroutine, or g0
// with a P.  GO_ENOMEM, GO_EPOLL, with the timer stopped.
int rt_timer_start(struct rt_timer *t, int64_t when);

// rt_timer_stop stops it: true if it was pending (fn will not be called for it), false if it was
// stopped or fn has been, or is being, called.  Any thread of the runtime.
bool rt_timer_stop(struct rt_timer *t);

// rt_timers_run calls the fn of every timer that is due at `now`.  Returns whether it called any.
// g0, with a P (not necessarily the heap's).
bool rt_timers_run(struct rt_timers *ts, int64_t now);

// rt_timers_free stops all and calls the fn of each with a seq of 0, to let go of what the heap
// held: it may outlive go_run.  The scheduler has stopped, its goroutines are still there.  Off g0.
void rt_timers_free(struct rt_timers *ts);

#ifdef __cplusplus
}
#endif
#endif
