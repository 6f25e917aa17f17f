// sync.h: what the primitives of runtime/sync share.
#ifndef STACKLAB_RUNTIME_SYNC_SYNC_H_
#define STACKLAB_RUNTIME_SYNC_SYNC_H_

#include <assert.h>
#include "runtime/arch/arch.h"
#include "runtime/go.h"
#include "runtime/sched/waitq.h"

// The public structures hold plain words, for C++; these are what they stand for.
static_assert(sizeof(struct rt_lock) == sizeof(uint32_t), "a lock is a word");
static_assert(sizeof(struct go_waiters) == sizeof(struct rt_waitq), "waiters are a queue");

static inline struct rt_lock *rt_locked_by(uint32_t *lock) { return (struct rt_lock *)lock; }
static inline struct rt_waitq *rt_queue_of(struct go_waiters *w) { return (struct rt_waitq *)w; }

// The caller is a goroutine, and object is not on its stack while that may move.  GO_E*.
static inline int rt_sync_check(const void *object) {
  const struct rt_g *g = rt_getg();
  if (!g || g == &g->m->g0) return GO_ENOTG;
  if (!object) return GO_EINVAL;
  if (!g->gs.growth->moves) return 0;
  const uintptr_t w = (uintptr_t)object;  // as rt_mystack, which would ask all that again
  return w >= g->gs.stack.slot_lo && w <= g->gs.stack.hi ? GO_EMOVES : 0;
}

// A deadline of the past is one all the same.
static inline int64_t rt_deadline(int64_t deadline) { return deadline > 0 ? deadline : 1; }

#endif
