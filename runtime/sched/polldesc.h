// polldesc.h: descriptors that goroutines wait for (Go's pollDesc).  The poller says once that a
// side has become ready (edge-triggered); what makes that safe for any number of goroutines on one
// side is a count of those events, taken before the system is asked:
//
//     do {
//       events = rt_pollevents(pd, RT_POLLREAD);
//       n = recv(pd->fd, ...);
//     } while (would block && rt_pollwait(pd, RT_POLLREAD, events) == 0);
//
// An event after the question moves the count: rt_pollwait returns at once.
#ifndef STACKLAB_RUNTIME_SCHED_POLLDESC_H_
#define STACKLAB_RUNTIME_SCHED_POLLDESC_H_

#include "runtime/sched/sched.h"
#include "runtime/sched/waitq.h"

#ifdef __cplusplus
extern "C" {
#endif

enum rt_pollmode { RT_POLLREAD, RT_POLLWRITE, RT_POLLMODES };

struct rt_pollside {
  _Atomic uint32_t events;  // so many times has it become ready
  _Atomic uint32_t drained; // nothing was left when `events` was this
  struct rt_waitq waiting;
  struct rt_timer timer;    // its deadline
  _Atomic bool expired;     // which has passed
};

// Memory of poll descriptors is only reused as such: a late event or timer finds one, and at worst
// lets a goroutine ask once more.
struct rt_polldesc {
  struct rt_lock lock;
  int fd;
  _Atomic uint32_t refs;       // operations under way, and one until it is closed
  _Atomic bool closed;
  _Atomic bool hangup;         // OS_POLLHUP came: more may wait than events announce
  struct rt_pollside side[RT_POLLMODES];
  struct rt_polldesc *link;    // free list
};

// rt_pollopen gives fd, which does not block, to the poller, and to the caller a reference.
// Whatever fails, fd stays the caller's.  Goroutine.  GO_ENOMEM, GO_EPOLL, GO_ESYSTEM - errno.
int rt_pollopen(int fd, struct rt_polldesc **out);

// rt_pollref keeps pd open until rt_pollunref: false if it is closed.  The last unref closes fd.
bool rt_pollref(struct rt_polldesc *pd);
void rt_pollunref(struct rt_polldesc *pd);

// rt_pollclose ends all waits with GO_ECLOSED, now and later, and drops the caller's reference.
// GO_ECLOSED: it is closed already.  Goroutine.
int rt_pollclose(struct rt_polldesc *pd);

static inline uint32_t rt_pollevents(struct rt_polldesc *pd, enum rt_pollmode mode) {
  return __c11_atomic_load(&pd->side[mode].events, __ATOMIC_ACQUIRE);
}

// rt_pollwait parks until the side has had an event after `events`; 0, GO_ECLOSED, GO_ETIMEDOUT.
int rt_pollwait(struct rt_polldesc *pd, enum rt_pollmode mode, uint32_t events);

// rt_polldeadline ends waits on a side with GO_ETIMEDOUT from `until` (ns of rt_nanotime; 0: never)
// on.  GO_ENOMEM, GO_EPOLL: there is none.
int rt_polldeadline(struct rt_polldesc *pd, enum rt_pollmode mode, int64_t until);

// rt_pollevent notes events of the poller, and appends who waited for them to *ready.
void rt_pollevent(struct rt_polldesc *pd, uint32_t os_mode, struct rt_gqueue *ready);

// rt_pollcloseall closes what is still open and frees all memory; the scheduler has stopped.
void rt_pollcloseall(void);

// How many goroutines are parked on descriptors.
extern _Atomic int32_t rt_pollwaiters;

#ifdef __cplusplus
}
#endif
#endif
