// go_sem: permits, first come first served.
#include "runtime/sync/sync.h"

// Locked.  Gives permits to those that wait, in order, as far as they go.
static void serve(struct go_sem *s, struct rt_gqueue *woken) {
  for (struct rt_sudog *w; (w = rt_waitq_popupto(rt_queue_of(&s->waiters), s->permits)) != NULL;) {
    s->permits -= w->ticket;
    w->woken = RT_WOKEN_DONE;
    rt_gqueue_push(woken, w->g);
  }
}

static int acquire(struct go_sem *s, uint32_t n, bool wait, int64_t until) {
  int error = rt_sync_check(s);
  if (error) return error;
  struct rt_lock *lock = rt_locked_by(&s->lock);
  rt_plock(lock);
  const bool mine = !s->waiters.first && s->permits >= n;
  if (mine || !wait) {
    if (mine) s->permits -= n;
    rt_punlock(lock);
    return mine ? 0 : GO_EAGAIN;
  }
  error = rt_waitq_wait(&(struct rt_wait){.lock = lock,
                                          .q = rt_queue_of(&s->waiters),
                                          .ticket = n,
                                          .why = RT_WAIT_SEMAPHORE,
                                          .until = until});
  if (!error) return 0;
  // Those behind us may be content with less.
  struct rt_gqueue woken = {0};
  rt_plock(lock);
  serve(s, &woken);
  rt_punlock(lock);
  rt_waitq_readyall(&woken);
  return error;
}

int go_sem_acquire(struct go_sem *s, uint32_t n) { return acquire(s, n, true, 0); }
int go_sem_tryacquire(struct go_sem *s, uint32_t n) { return acquire(s, n, false, 0); }
int go_sem_acquire_until(struct go_sem *s, uint32_t n, int64_t deadline) {
  return acquire(s, n, true, rt_deadline(deadline));
}

int go_sem_release(struct go_sem *s, uint32_t n) {
  const int error = rt_sync_check(s);
  if (error) return error;
  struct rt_gqueue woken = {0};
  rt_plock(rt_locked_by(&s->lock));
  const bool fits = s->permits <= UINT32_MAX - n;
  if (fits) s->permits += n;
  if (fits) serve(s, &woken);
  rt_punlock(rt_locked_by(&s->lock));
  rt_waitq_readyall(&woken);
  return fits ? 0 : GO_EINVAL;
}
