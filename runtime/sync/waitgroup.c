// go_waitgroup.
#include "runtime/sync/sync.h"

int go_waitgroup_add(struct go_waitgroup *wg, int n) {
  const int error = rt_sync_check(wg);
  if (error) return error;
  struct rt_lock *lock = rt_locked_by(&wg->lock);
  rt_plock(lock);
  const int64_t count = (int64_t)wg->count + n;
  if (count < 0 || count > INT32_MAX) {
    rt_punlock(lock);
    return GO_EINVAL;
  }
  wg->count = (int32_t)count;
  struct rt_gqueue woken = {0};
  if (count == 0) rt_waitq_drain(rt_queue_of(&wg->waiters), RT_WOKEN_DONE, &woken);
  rt_punlock(lock);
  rt_waitq_readyall(&woken);
  return 0;
}

int go_waitgroup_done(struct go_waitgroup *wg) { return go_waitgroup_add(wg, -1); }

static int wait(struct go_waitgroup *wg, int64_t until) {
  const int error = rt_sync_check(wg);
  if (error) return error;
  struct rt_lock *lock = rt_locked_by(&wg->lock);
  rt_plock(lock);
  if (wg->count == 0) {
    rt_punlock(lock);
    return 0;
  }
  return rt_waitq_wait(&(struct rt_wait){.lock = lock,
                                         .q = rt_queue_of(&wg->waiters),
                                         .why = RT_WAIT_WAITGROUP,
                                         .until = until});
}

int go_waitgroup_wait(struct go_waitgroup *wg) { return wait(wg, 0); }

int go_waitgroup_wait_until(struct go_waitgroup *wg, int64_t deadline) {
  return wait(wg, rt_deadline(deadline));
}
