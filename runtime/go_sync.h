// go_sync.h: what goroutines wait on besides channels; part of go.h.
//
// Everything here is a plain structure: zero-initialised it is ready, it owns no memory, and it may
// be forgotten whenever nobody waits on it.  Only goroutines may call (GO_ENOTG); none of it holds
// up a thread.  It must not lie on a stack that may move: a call from that stack's own goroutine is
// refused with GO_EMOVES; from another goroutine the runtime cannot see it.  A deadline is in ns of
// go_nanotime; GO_ETIMEDOUT: it came first, and nothing was done (GO_ENOMEM and GO_EPOLL likewise:
// no timer could be had).
#ifndef STACKLAB_RUNTIME_GO_SYNC_H_
#define STACKLAB_RUNTIME_GO_SYNC_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "runtime/go_api.h"

GO_API_BEGIN

struct go_waiters {  // the runtime's
  void *first, *last;
};

// ---- WaitGroup: counts goroutines that have yet to finish -------------------------------------
struct go_waitgroup {
  uint64_t state;
  uint32_t lock;
  struct go_waiters waiters;
};
// go_waitgroup_add adds n (may be negative) to the count and wakes the waiters when it reaches 0.
// Does not park.  GO_EINVAL if the count would go below 0 or above INT32_MAX.
int go_waitgroup_add(struct go_waitgroup *wg, int n);
int go_waitgroup_done(struct go_waitgroup *wg);  // go_waitgroup_add(wg, -1)
// go_waitgroup_wait parks until the count is 0.
int go_waitgroup_wait(struct go_waitgroup *wg);
int go_waitgroup_wait_until(struct go_waitgroup *wg, int64_t deadline);

// ---- Mutex ------------------------------------------------------------------------------------
// As Go's sync.Mutex: whoever comes while it is free takes it, before those that are being woken;
// but once one has waited for 1 ms (Go's starvationThresholdNs), it is handed on in order until
// nobody has.  Not recursive.  Any goroutine may unlock it.
struct go_mutex {
  uint32_t state;
  uint32_t lock;
  struct go_waiters waiters;
};
int go_mutex_lock(struct go_mutex *m);     // parks
int go_mutex_trylock(struct go_mutex *m);  // GO_EAGAIN: it is locked.  Does not park
int go_mutex_lock_until(struct go_mutex *m, int64_t deadline);
int go_mutex_unlock(struct go_mutex *m);   // GO_EINVAL: it is not locked.  Does not park

// ---- RWMutex: many readers or one writer -----------------------------------------------------
// A writer that waits keeps new readers out; when a writer leaves, the readers that have come while
// it held the lock go first (Go's sync.RWMutex): neither side starves.
struct go_rwmutex {
  uint32_t lock;
  int32_t readers;  // that hold it; -1: a writer does
  struct go_waiters read_waiters, write_waiters;
};
int go_rwmutex_rlock(struct go_rwmutex *rw);    // parks
int go_rwmutex_lock(struct go_rwmutex *rw);     // parks
int go_rwmutex_tryrlock(struct go_rwmutex *rw);  // GO_EAGAIN
int go_rwmutex_trylock(struct go_rwmutex *rw);   // GO_EAGAIN
int go_rwmutex_rlock_until(struct go_rwmutex *rw, int64_t deadline);
int go_rwmutex_lock_until(struct go_rwmutex *rw, int64_t deadline);
int go_rwmutex_runlock(struct go_rwmutex *rw);  // GO_EINVAL: no reader holds it
int go_rwmutex_unlock(struct go_rwmutex *rw);   // GO_EINVAL: no writer holds it

// ---- Cond: goroutines that wait for a condition, in order -------------------------------------
struct go_cond {
  uint32_t lock;
  struct go_waiters waiters;
};
// go_cond_wait unlocks m, waits to be woken, and locks m again: the wake-ups of whoever locks m
// after it do reach it.  Look at the condition again afterwards, as always.  Parks.  GO_EINVAL: m
// is not locked.  With a deadline, m is locked again even if that came.
int go_cond_wait(struct go_cond *c, struct go_mutex *m);
int go_cond_wait_until(struct go_cond *c, struct go_mutex *m, int64_t deadline);
int go_cond_signal(struct go_cond *c);     // wakes the one that has waited longest, if any
int go_cond_broadcast(struct go_cond *c);  // wakes all

// ---- Once ------------------------------------------------------------------------------------
struct go_once {
  uint32_t lock;
  uint32_t state;
  struct go_waiters waiters;
};
// go_once_do runs fn(arg) if nobody has called it before; everybody returns only once fn has
// returned, or its goroutine has ended.  fn must not call it for the same once.  Parks.
int go_once_do(struct go_once *once, void (*fn)(void *), void *arg);

// ---- Semaphore -------------------------------------------------------------------------------
// Counts permits, first come first served: a request that waits for many is not overtaken by small
// ones.  Zero-initialised it has none; the first ones come by go_sem_release.
struct go_sem {
  uint32_t lock;
  uint32_t permits;
  struct go_waiters waiters;
};
int go_sem_acquire(struct go_sem *s, uint32_t n);     // parks
int go_sem_tryacquire(struct go_sem *s, uint32_t n);  // GO_EAGAIN: not so many, or others wait
int go_sem_acquire_until(struct go_sem *s, uint32_t n, int64_t deadline);
int go_sem_release(struct go_sem *s, uint32_t n);     // GO_EINVAL: more than UINT32_MAX in all

// ---- Scope: goroutines that end before their parent goes on -----------------------------------
struct go_scope;
struct go_task;
struct go_spawn_options;

// go_scope_run calls body(scope, arg), waits for every goroutine that was spawned in the scope, by
// body or by its children, and returns the first result among them and body's that was not 0, or
// 0; GO_EPANIC is that of one that go_panic or go_goexit ended.  Scopes may be nested.  GO_ENOMEM,
// GO_EINVAL: body was not called.  Goroutine only; parks.
int go_scope_run(int (*body)(struct go_scope *scope, void *arg), void *arg);
// go_scope_spawn runs fn(scope, arg) in a goroutine of the scope; options may be NULL.  *task, if
// asked for, is good until the scope ends.  Call it from body or from goroutines of the scope.
// Errors: those of go_spawn.  Does not park.
int go_scope_spawn(struct go_scope *scope, const struct go_spawn_options *options,
                   int (*fn)(struct go_scope *scope, void *arg), void *arg, struct go_task **task);
// go_scope_failed returns the first result so far that was not 0: a reason to stop early.
int go_scope_failed(struct go_scope *scope);
// go_task_join waits until the task has ended and stores what its function returned.  Parks.
int go_task_join(struct go_task *task, int *result);

GO_API_END
#endif
