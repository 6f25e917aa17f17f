// netpoll.h: waiting for the system (Go's netpoll.go).  The poller is where an idle M sleeps with a
// time limit, and what tells which goroutines can go on with their input and output.
#ifndef STACKLAB_RUNTIME_SCHED_NETPOLL_H_
#define STACKLAB_RUNTIME_SCHED_NETPOLL_H_

#include "runtime/sched/sched.h"

#ifdef __cplusplus
extern "C" {
#endif

// rt_netpoll_init opens the poller unless it is open: before the first timer or descriptor.
// GO_EPOLL.  Any thread of the runtime.
int rt_netpoll_init(void);
bool rt_netpoll_inited(void);
void rt_netpoll_done(void);  // closes it; the scheduler has stopped

// rt_netpoll_waiters tells whether any goroutine is parked on a descriptor.
bool rt_netpoll_waiters(void);

// rt_netpoll waits up to `ns` (0: not at all; negative: without limit) for descriptors and appends
// the goroutines that can go on, still waiting, to *ready.  g0.
void rt_netpoll(int64_t ns, struct rt_gqueue *ready);

// rt_netpoll_stats fills in the counters that are the poller's.  Any thread.
void rt_netpoll_stats(struct go_stats *out);

// rt_netpoll_wake makes an M notice that a timer is due at `when`: the one that sleeps in the
// poller for longer, or a new one.  Any stack, with a P.
void rt_netpoll_wake(int64_t when);

// rt_netpoll_break wakes the M that sleeps in the poller, or the next to do so.  Any thread.
void rt_netpoll_break(void);

#ifdef __cplusplus
}
#endif
#endif
