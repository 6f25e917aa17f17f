// timer.h: timers, in a 4-ary heap per P (Go's time.go).  Those of a P are run by its M when it
// looks for work, by Ms that steal, and the first of all bounds how long an idle M sleeps.
//
// Most timers are deadlines that never come, so stopping and starting are cheap and the heap is
// late: a stopped timer stays in it, and one that is started again for later stays where it is.
//
//     OUT ---start, under the lock---> due at `when` --stop--> DEAD: stopped, still in the heap
//      ^                                  |      ^---start------' |
//      '------------- TAKEN <-------------'                       |  under the lock: it came up,
//                       ^-----------------------------------------'  or the heap was full
//
// The heap goes by `key`.  That is never later than `when`, but for the moment in which
// rt_timer_start makes it earlier; a timer that comes up too early is put where it belongs.
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

// The states of a timer that is not due at some time.
enum { RT_TIMER_OUT = 0, RT_TIMER_DEAD = -1, RT_TIMER_TAKEN = -2 };

// A timer; zero is a stopped one.  The owner sets fn, arg and seq while it is stopped, and
// keeps it where it stays: not on a stack that moves.  One at a time may start it.
struct rt_timer {
  rt_timerfn fn;
  void *arg;
  uint64_t seq;          // not 0; handed to fn: tells a late call from its successor
  _Atomic int64_t when;  // ns of rt_nanotime, or one of the states above
  _Atomic int64_t key;   // its slot's; written under the heap's lock
  struct rt_timers *_Atomic in;  // the heap it is in, or NULL; likewise
  size_t index;          // its place there; the heap's lock
};

struct rt_timerslot {  // the key, beside the pointer: sifting touches no timers but those it moves
  int64_t key;
  struct rt_timer *timer;
};

// The timers of one P.  Zero is empty.
struct rt_timers {
  struct rt_lock lock;     // an rt_plock: whoever has a P
  struct rt_timerslot *heap;
  size_t n, cap;
  _Atomic int64_t first;   // key of the first; 0 if there is none
  _Atomic uint64_t fired;  // fn was called; written under lock
};

// rt_timer_start starts a stopped timer for `when`: where it still is in a heap, there, and
// otherwise on the current P's.  Whoever has a P.  GO_ENOMEM, GO_EPOLL, with the timer stopped.
int rt_timer_start(struct rt_timer *t, int64_t when);

// rt_timer_stop stops it: true if it was pending (fn will not be called for it), false if it was
// stopped or fn has been, or is being, called.  A heap may go on to point to it.  Whoever has a P.
bool rt_timer_stop(struct rt_timer *t);

// rt_timer_remove stops it likewise; afterwards no heap points to it, and its memory may go.
bool rt_timer_remove(struct rt_timer *t);

// rt_timers_run calls the fn of every timer that is due at `now`.  Returns whether it called any.
// g0, with a P (not necessarily the heap's).
bool rt_timers_run(struct rt_timers *ts, int64_t now);

// rt_timers_tidy makes ts->first the time of a timer that is not stopped.  Returns whether it was
// not.  g0, with a P.
bool rt_timers_tidy(struct rt_timers *ts);

// rt_timers_free stops all and calls the fn of each that was pending with a seq of 0, to let go of
// what the heap held: it may outlive go_run.  The scheduler has stopped, its goroutines are still
// there.  Off g0.
void rt_timers_free(struct rt_timers *ts);

#ifdef __cplusplus
}
#endif
#endif
