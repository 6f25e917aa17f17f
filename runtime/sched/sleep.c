// Waits with a deadline (rt_gopark_until), and go_sleep.
#include "runtime/arch/arch.h"
#include "runtime/sched/sched.h"

// The deadline of a wait has come.  g0, with a P.
static void wake(void *arg, uint64_t seq) {
  struct rt_g *g = arg;
  if (rt_claim(g, seq)) rt_goready(g);
}

// On g0.  The timer starts before the lock is let go: afterwards g may run, and use it again.
static bool commit_until(struct rt_g *g, void *lock) {
  const rt_parkfn commit = rt_getg()->m->until_commit;
  const int64_t until = (int64_t)g->param;
  g->param = 0;
  const int error = rt_timer_start(&g->timer, until);
  // Without an error, and without a lock, g may be anywhere by now.
  if (error) {
    g->param = (uintptr_t)(intptr_t)error;
    rt_claim(g, g->timer.seq);
  }
  if (commit) commit(g, lock);
  return error == 0;
}

int rt_gopark_until(rt_parkfn commit, void *lock, enum rt_waitreason why, int64_t until,
                    uint64_t seq) {
  struct rt_g *g = rt_getg();
  g->timer.fn = wake;
  g->timer.arg = g;
  g->timer.seq = seq;
  g->param = (uintptr_t)until;
  g->m->until_commit = commit;
  rt_gopark(commit_until, lock, why);
  rt_timer_stop(&g->timer);
  return (int)(intptr_t)g->param;
}

int go_sleep(int64_t ns) {
  struct rt_g *g = rt_getg();
  if (!g || g == &g->m->g0) return GO_ENOTG;
  if (ns <= 0) {
    go_yield();
    return 0;
  }
  const int64_t now = rt_nanotime();
  const int64_t until = ns < INT64_MAX - now ? now + ns : INT64_MAX;
  return rt_gopark_until(NULL, NULL, RT_WAIT_SLEEP, until, rt_waitbegin(g));
}
