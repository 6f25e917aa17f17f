// go_once.
#include "runtime/sync/sync.h"

enum { NEVER, RUNNING, DONE };

static void complete(void *arg) {
  struct go_once *once = arg;
  struct rt_lock *lock = rt_locked_by(&once->lock);
  struct rt_gqueue woken = {0};
  rt_plock(lock);
  __atomic_store_n(&once->state, DONE, __ATOMIC_RELEASE);
  rt_waitq_drain(rt_queue_of(&once->waiters), RT_WOKEN_DONE, &woken);
  rt_punlock(lock);
  rt_waitq_readyall(&woken);
}

int go_once_do(struct go_once *once, void (*fn)(void *), void *arg) {
  const int error = rt_sync_check(once);
  if (error) return error;
  if (!fn) return GO_EINVAL;
  if (__atomic_load_n(&once->state, __ATOMIC_ACQUIRE) == DONE) return 0;
  struct rt_lock *lock = rt_locked_by(&once->lock);
  rt_plock(lock);
  if (once->state == RUNNING)
    return rt_waitq_wait(&(struct rt_wait){
        .lock = lock, .q = rt_queue_of(&once->waiters), .why = RT_WAIT_ONCE});
  const bool first = once->state == NEVER;
  // Atomically: others look without the lock.
  if (first) __atomic_store_n(&once->state, RUNNING, __ATOMIC_RELAXED);
  rt_punlock(lock);
  if (!first) return 0;
  // If fn panics, it has been called all the same (sync.Once: "considers it to have returned").
  struct go_deferred abandoned;
  go_defer(&abandoned, complete, once);
  fn(arg);
  go_defer_drop(&abandoned);
  complete(once);
  return 0;
}
