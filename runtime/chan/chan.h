// chan.h: channels inside the runtime (Go's chan.go).
#ifndef STACKLAB_RUNTIME_CHAN_CHAN_H_
#define STACKLAB_RUNTIME_CHAN_CHAN_H_

#include <string.h>
#include "runtime/go.h"
#include "runtime/sched/sched.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rt_waitq {
  struct rt_sudog *first, *last;
};

// One of recvq and sendq is always empty, but for a select that waits on both; and a buffer that
// is neither empty nor full has nobody waiting at all.
struct go_chan {
  struct rt_lock lock;
  uint32_t elem;   // bytes
  _Atomic size_t count;  // under lock, read without
  size_t cap;
  size_t sendx, recvx;   // where the next element goes to and comes from
  struct rt_waitq recvq, sendq;
  _Atomic bool closed;   // under lock, read without
  unsigned char buffer[] __attribute__((aligned(16)));
};

// All with c->lock held.  rt_chan_dequeue takes the first waiter that is still waiting, and claims
// it; NULL if there is none.  rt_chan_forget takes s out of q if it is there.
void rt_chan_enqueue(struct rt_waitq *q, struct rt_sudog *s);
struct rt_sudog *rt_chan_dequeue(struct rt_waitq *q);
void rt_chan_forget(struct rt_waitq *q, struct rt_sudog *s);

// rt_chan_sendnow and rt_chan_recvnow do what can be done without waiting: GO_OK or GO_ECLOSED;
// else GO_EAGAIN.  *wake becomes the goroutine to ready once the lock has been let go, or NULL.
int rt_chan_sendnow(struct go_chan *c, const void *elem, struct rt_g **wake);
int rt_chan_recvnow(struct go_chan *c, void *elem, struct rt_g **wake);

// rt_chan_trysend is go_chan_try_send for g0 too, with a P.
int rt_chan_trysend(struct go_chan *c, const void *elem);

#ifdef __cplusplus
}
#endif
#endif
