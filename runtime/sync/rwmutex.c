// go_rwmutex: the lock is handed on by whoever leaves it, so that nobody who is woken finds it
// taken.
#include "runtime/sync/sync.h"

enum { WRITER = -1 };

static struct rt_waitq *readers(struct go_rwmutex *rw) { return rt_queue_of(&rw->read_waiters); }
static struct rt_waitq *writers(struct go_rwmutex *rw) { return rt_queue_of(&rw->write_waiters); }

// Locked.  Every reader that waits holds it from now on.
static void admit_readers(struct go_rwmutex *rw, struct rt_gqueue *woken) {
  rt_waitq_drain(readers(rw), RT_WOKEN_DONE, woken);
  rw->readers += woken->n;
}

// Locked, and nobody holds it.  True: it is a writer's now.
static bool admit_writer(struct go_rwmutex *rw, struct rt_gqueue *woken) {
  struct rt_sudog *w = rt_waitq_pop(writers(rw));
  if (!w) return false;
  w->woken = RT_WOKEN_DONE;
  rw->readers = WRITER;
  rt_gqueue_push(woken, w->g);
  return true;
}

static bool may_read(const struct go_rwmutex *rw) {
  return rw->readers != WRITER && !rw->write_waiters.first;
}

static int rlock(struct go_rwmutex *rw, bool wait, int64_t until) {
  const int error = rt_sync_check(rw);
  if (error) return error;
  struct rt_lock *lock = rt_locked_by(&rw->lock);
  rt_plock(lock);
  if (!may_read(rw) && wait)
    return rt_waitq_wait(&(struct rt_wait){
        .lock = lock, .q = readers(rw), .why = RT_WAIT_RWMUTEXRLOCK, .until = until});
  const bool mine = may_read(rw);
  if (mine) rw->readers++;
  rt_punlock(lock);
  return mine ? 0 : GO_EAGAIN;
}

// A writer that has given up no longer keeps the readers out that came after it.
static void gave_up(struct go_rwmutex *rw) {
  struct rt_gqueue woken = {0};
  rt_plock(rt_locked_by(&rw->lock));
  if (may_read(rw)) admit_readers(rw, &woken);
  rt_punlock(rt_locked_by(&rw->lock));
  rt_waitq_readyall(&woken);
}

static int wlock(struct go_rwmutex *rw, bool wait, int64_t until) {
  int error = rt_sync_check(rw);
  if (error) return error;
  struct rt_lock *lock = rt_locked_by(&rw->lock);
  rt_plock(lock);
  if (rw->readers != 0 && wait) {
    error = rt_waitq_wait(&(struct rt_wait){
        .lock = lock, .q = writers(rw), .why = RT_WAIT_RWMUTEXLOCK, .until = until});
    if (error) gave_up(rw);
    return error;
  }
  const bool mine = rw->readers == 0;
  if (mine) rw->readers = WRITER;
  rt_punlock(lock);
  return mine ? 0 : GO_EAGAIN;
}

int go_rwmutex_rlock(struct go_rwmutex *rw) { return rlock(rw, true, 0); }
int go_rwmutex_tryrlock(struct go_rwmutex *rw) { return rlock(rw, false, 0); }
int go_rwmutex_rlock_until(struct go_rwmutex *rw, int64_t deadline) {
  return rlock(rw, true, rt_deadline(deadline));
}
int go_rwmutex_lock(struct go_rwmutex *rw) { return wlock(rw, true, 0); }
int go_rwmutex_trylock(struct go_rwmutex *rw) { return wlock(rw, false, 0); }
int go_rwmutex_lock_until(struct go_rwmutex *rw, int64_t deadline) {
  return wlock(rw, true, rt_deadline(deadline));
}

int go_rwmutex_runlock(struct go_rwmutex *rw) {
  const int error = rt_sync_check(rw);
  if (error) return error;
  struct rt_gqueue woken = {0};
  rt_plock(rt_locked_by(&rw->lock));
  const bool held = rw->readers > 0;
  if (held && --rw->readers == 0 && !admit_writer(rw, &woken)) admit_readers(rw, &woken);
  rt_punlock(rt_locked_by(&rw->lock));
  rt_waitq_readyall(&woken);
  return held ? 0 : GO_EINVAL;
}

int go_rwmutex_unlock(struct go_rwmutex *rw) {
  const int error = rt_sync_check(rw);
  if (error) return error;
  struct rt_gqueue woken = {0};
  rt_plock(rt_locked_by(&rw->lock));
  const bool held = rw->readers == WRITER;
  if (held) {
    rw->readers = 0;
    admit_readers(rw, &woken);
    if (rw->readers == 0) admit_writer(rw, &woken);
  }
  rt_punlock(rt_locked_by(&rw->lock));
  rt_waitq_readyall(&woken);
  return held ? 0 : GO_EINVAL;
}
