// go_waitgroup.  Waiters are linked through their own schedlink, not through records on their
// stacks: nothing here needs to follow a stack that moves.
#include "runtime/arch/arch.h"
#include "runtime/sched/sched.h"

static struct rt_lock *lock_of(struct go_waitgroup *wg) { return (struct rt_lock *)&wg->lock; }

static int check(const struct go_waitgroup *wg) {
  const struct rt_g *g = rt_getg();
  if (!g || g == &g->m->g0) return GO_ENOTG;
  if (!wg) return GO_EINVAL;
  return rt_mystack(wg) ? GO_EMOVES : 0;
}

int go_waitgroup_add(struct go_waitgroup *wg, int n) {
  const int error = check(wg);
  if (error) return error;
  rt_lock(lock_of(wg));
  const int64_t count = (int64_t)wg->count + n;
  if (count < 0 || count > INT32_MAX) {
    rt_unlock(lock_of(wg));
    return GO_EINVAL;
  }
  wg->count = (int32_t)count;
  struct rt_g *waiter = NULL;
  if (count == 0) {
    waiter = wg->waiters;
    wg->waiters = NULL;
  }
  rt_unlock(lock_of(wg));
  while (waiter) {
    struct rt_g *next = waiter->schedlink;
    rt_goready(waiter);
    waiter = next;
  }
  return 0;
}

int go_waitgroup_done(struct go_waitgroup *wg) { return go_waitgroup_add(wg, -1); }

int go_waitgroup_wait(struct go_waitgroup *wg) {
  const int error = check(wg);
  if (error) return error;
  rt_lock(lock_of(wg));
  if (wg->count == 0) {
    rt_unlock(lock_of(wg));
    return 0;
  }
  struct rt_g *g = rt_getg();
  g->schedlink = wg->waiters;
  wg->waiters = g;
  // The lock is let go on g0, once we are parked: until then nobody can ready us.
  rt_gopark(rt_gounlock, lock_of(wg), RT_WAIT_WAITGROUP);
  return 0;
}
