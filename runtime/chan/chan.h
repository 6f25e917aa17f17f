// chan.h: channels inside the runtime (Go's chan.go).
#ifndef STACKLAB_RUNTIME_CHAN_CHAN_H_
#define STACKLAB_RUNTIME_CHAN_CHAN_H_

#include <string.h>
#include "runtime/go.h"
#include "runtime/sched/waitq.h"

#ifdef __cplusplus
extern "C" {
#endif

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

// With c->lock held, rt_chan_sendnow and rt_chan_recvnow do what can be done without waiting: GO_OK
// or GO_ECLOSED; else GO_EAGAIN.  *wake becomes the goroutine to ready once the lock has been let
// go, or NULL.
int rt_chan_sendnow(struct go_chan *c, const void *elem, struct rt_g **wake);
int rt_chan_recvnow(struct go_chan *c, void *elem, struct rt_g **wake);

// rt_chan_looksready says, without the lock, whether a send or a receive can probably go on: what
// it says is of no one moment.
static inline bool rt_chan_looksready(struct go_chan *c, bool send) {
  if (__c11_atomic_load(&c->closed, __ATOMIC_RELAXED)) return true;
  const size_t n = __c11_atomic_load(&c->count, __ATOMIC_RELAXED);
  if (send ? n < c->cap : n > 0) return true;
  return rt_waitq_looksfull(send ? &c->recvq : &c->sendq);
}

// rt_chan_close is go_chan_close for g0 too, with a P.
int rt_chan_close(struct go_chan *c);

#ifdef __cplusplus
}
#endif
#endif
