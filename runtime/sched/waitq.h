// waitq.h: queues of goroutines that wait (Go's waitq and sudog queues), first in first out.  A
// queue belongs to the lock of what is waited for, an rt_plock.
#ifndef STACKLAB_RUNTIME_SCHED_WAITQ_H_
#define STACKLAB_RUNTIME_SCHED_WAITQ_H_

#include "runtime/sched/sched.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rt_waitq {
  struct rt_sudog *first, *last;  // first is written atomically, for rt_waitq_looksfull
};

// rt_waitq_looksfull tells, without the lock, whether somebody seems to wait.
static inline bool rt_waitq_looksfull(const struct rt_waitq *q) {
  return __atomic_load_n(&q->first, __ATOMIC_RELAXED) != NULL;
}

// All with the lock held.
void rt_waitq_push(struct rt_waitq *q, struct rt_sudog *s);
void rt_waitq_pushfront(struct rt_waitq *q, struct rt_sudog *s);
// rt_waitq_pop takes the first that is still waiting out of q, and claims its wait; NULL if there
// is none.  Say by whom it is woken, let the lock go, and ready its g.
struct rt_sudog *rt_waitq_pop(struct rt_waitq *q);
// The same, but NULL if that one's ticket is above `most`.
struct rt_sudog *rt_waitq_popupto(struct rt_waitq *q, uint32_t most);
// rt_waitq_forget takes s out of q if it is there.
void rt_waitq_forget(struct rt_waitq *q, struct rt_sudog *s);

// What a goroutine waits for, and how.
struct rt_wait {
  struct rt_lock *lock;   // held; let go once it is parked
  struct rt_waitq *q;
  void *elem;             // may point into the goroutine's stack
  uint32_t ticket;        // what pop's caller may want to know
  bool front;             // before those that wait already
  enum rt_waitreason why;
  int64_t until;          // ns of rt_nanotime; 0: for ever
};

// rt_waitq_wait queues the running goroutine with its own sudog, and parks.  0: woken by
// RT_WOKEN_DONE; GO_ECLOSED: by RT_WOKEN_CLOSED; GO_ETIMEDOUT, GO_ENOMEM or GO_EPOLL: not woken,
// and no longer queued.  The lock is not held afterwards.
int rt_waitq_wait(const struct rt_wait *w);

// rt_waitq_drain pops all, marks them woken, and links them into *out for rt_waitq_readyall, which
// is called without the lock.
void rt_waitq_drain(struct rt_waitq *q, enum rt_woken woken, struct rt_gqueue *out);
void rt_waitq_readyall(struct rt_gqueue *woken);

#ifdef __cplusplus
}
#endif
#endif
