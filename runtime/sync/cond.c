// go_cond.
#include "runtime/sync/sync.h"

static int wait(struct go_cond *c, struct go_mutex *m, int64_t until) {
  int error = rt_sync_check(c);
  if (!error) error = rt_sync_check(m);
  if (error) return error;
  struct rt_lock *lock = rt_locked_by(&c->lock);
  rt_plock(lock);
  // Whoever locks m from here on finds us in the queue: it is let go once we are parked.
  error = go_mutex_unlock(m);
  if (error) {
    rt_punlock(lock);
    return error;
  }
  error = rt_waitq_wait(&(struct rt_wait){
      .lock = lock, .q = rt_queue_of(&c->waiters), .why = RT_WAIT_COND, .until = until});
  go_mutex_lock(m);
  return error;
}

int go_cond_wait(struct go_cond *c, struct go_mutex *m) { return wait(c, m, 0); }

int go_cond_wait_until(struct go_cond *c, struct go_mutex *m, int64_t deadline) {
  return wait(c, m, rt_deadline(deadline));
}

int go_cond_signal(struct go_cond *c) {
  const int error = rt_sync_check(c);
  if (error) return error;
  rt_plock(rt_locked_by(&c->lock));
  struct rt_sudog *w = rt_waitq_pop(rt_queue_of(&c->waiters));
  if (w) w->woken = RT_WOKEN_DONE;
  rt_punlock(rt_locked_by(&c->lock));
  if (w) rt_goready(w->g);
  return 0;
}

int go_cond_broadcast(struct go_cond *c) {
  const int error = rt_sync_check(c);
  if (error) return error;
  struct rt_gqueue woken = {0};
  rt_plock(rt_locked_by(&c->lock));
  rt_waitq_drain(rt_queue_of(&c->waiters), RT_WOKEN_DONE, &woken);
  rt_punlock(rt_locked_by(&c->lock));
  rt_waitq_readyall(&woken);
  return 0;
}
