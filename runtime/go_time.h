// go_time.h: time and timers; part of go.h.
//
// All times are nanoseconds of one clock that only goes forward: CLOCK_MONOTONIC
// (clock_gettime(2)), or the virtual clock of a deterministic run.  A sleeping goroutine and a
// timer hold no thread.
#ifndef STACKLAB_RUNTIME_GO_TIME_H_
#define STACKLAB_RUNTIME_GO_TIME_H_

#include <stdbool.h>
#include <stdint.h>
#include "runtime/go_api.h"

GO_API_BEGIN

struct go_chan;
struct go_timer;

// Of 64 bits, so that a product of seconds does not overflow.
#define GO_MICROSECOND INT64_C(1000)
#define GO_MILLISECOND INT64_C(1000000)
#define GO_SECOND INT64_C(1000000000)

// go_nanotime returns the time now; never 0.  Any stack.
int64_t go_nanotime(void);

// go_sleep parks for at least `ns` nanoseconds; 0 and less only yield.  Goroutine only.  GO_ENOMEM,
// GO_EPOLL: it did not sleep.
int go_sleep(int64_t ns);

// go_timer_func makes a timer that, when it is due, runs fn(arg) in a goroutine of its own (Go's
// time.AfterFunc); go_timer_chan, one that sends the time, an int64_t, on c, which has elements of
// 8 bytes: where that would have to wait, the time is dropped.  Both are stopped at first.  The
// channel must be there until the timer is stopped for good or freed.  Goroutine only.  GO_EINVAL,
// GO_ENOMEM; GO_EMOVES: arg points into the caller's own stack, which may move.
int go_timer_func(void (*fn)(void *), void *arg, struct go_timer **out);
int go_timer_chan(struct go_chan *c, struct go_timer **out);

// go_timer_start makes it due in `ns` nanoseconds, and then, where period is not 0, every `period`
// nanoseconds (a ticker: those that come too late are left out); what it was due for before is
// forgotten (Go's Reset).  Goroutine only; does not park.  GO_EINVAL (a negative period), GO_ENOMEM
// or GO_EPOLL with the timer stopped.
int go_timer_start(struct go_timer *t, int64_t ns, int64_t period);
// go_timer_stop returns true if that kept the timer from its next time; false: it was stopped, or
// its one time has come.  A function that has begun is not undone; a send has ended.  Goroutine
// only.
bool go_timer_stop(struct go_timer *t);
// The end of go_run stops it, too.
// go_timer_free stops it and gives its memory back.  NULL does nothing.  Goroutine only.
void go_timer_free(struct go_timer *t);

GO_API_END
#endif
