// The scheduler: which goroutine an M runs next, and which Ms are awake (Go's proc.go).
//
// No work may be forgotten.  An M that makes work runnable wakes another M if a P is idle and
// nobody is spinning; an M that goes idle first counts itself out, with its P and as one that spins
// if it did, and then, unless others still spin, looks at every queue once more.  Between them:
// either the maker sees an idle P and nobody spinning and wakes someone, or whoever goes idle, or
// stops to spin after that, will look and find.
#include <stdatomic.h>
#include "runtime/arch/arch.h"
#include "runtime/os/throw.h"
#include "runtime/sched/deterministic.h"
#include "runtime/sched/event.h"
#include "runtime/sched/netpoll.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/shrink.h"
#include "runtime/stack/count.h"

struct rt_sched rt_sched;

enum {
  GLOBAL_EVERY = 61,
  STEAL_ROUNDS = 4,
  STEAL_PAUSES = 50,  // after the first round; doubled each time
  NAP_US = 3,         // and what the system adds: Linux 50, prctl(2) PR_SET_TIMERSLACK
  REGAIN_US = 100,
};

// ---- Idle Ps and the global queue ------------------------------------------------------------

static void globrunqput(struct rt_gqueue *batch) {  // sched.lock held
  rt_gbatches_put(&rt_sched.runq, batch);
  atomic_store(&rt_sched.runqsize, rt_sched.runq.n);
}

void rt_globrunqpush(struct rt_g *g) {
  g->schedlink = NULL;
  globrunqput(&(struct rt_gqueue){g, g, 1});
}

void rt_globrunqput(struct rt_gqueue *batch) {
  rt_lock(&rt_sched.lock);
  globrunqput(batch);
  rt_unlock(&rt_sched.lock);
}

// Takes a fair share of the global queue, but not more than `most`: one to run, the rest to p's
// ring.
static struct rt_g *globrunqget(struct rt_p *p, int32_t most) {
  rt_lock(&rt_sched.lock);
  const int32_t share = rt_sched.runq.n / atomic_load(&rt_sched.maxprocs) + 1;
  struct rt_gqueue q = rt_gbatches_take(&rt_sched.runq, share < most ? share : most);
  atomic_store(&rt_sched.runqsize, rt_sched.runq.n);
  rt_unlock(&rt_sched.lock);
  struct rt_g *g = rt_gqueue_pop(&q);
  if (q.n == 0) return g;
  // The ring is empty or nearly so when this is called for more than one: nothing spills back.
  for (struct rt_g *rest; (rest = rt_gqueue_pop(&q)) != NULL;) rt_runqput(p, rest, false);
  // They have been in no queue: who went idle meanwhile has not seen them.
  rt_announce();
  return g;
}

void rt_pidleput(struct rt_p *p) {
  const bool above = p->id >= atomic_load(&rt_sched.maxprocs);  // which has gone down meanwhile
  atomic_store(&p->status, above ? RT_PDEAD : RT_PIDLE);
  atomic_store(&p->m, NULL);
  if (above) return;
  p->link = rt_sched.pidle;
  rt_sched.pidle = p;
  atomic_fetch_add(&rt_sched.npidle, 1);
}

struct rt_p *rt_pidleget(void) {
  struct rt_p *p = rt_sched.pidle;
  if (!p) return NULL;
  rt_sched.pidle = p->link;
  atomic_fetch_sub(&rt_sched.npidle, 1);
  rt_sysmon_wake();
  return p;
}

void rt_acquirep(struct rt_m *m, struct rt_p *p) {
  m->p = p;
  atomic_store_explicit(&p->m, m, memory_order_release);
  atomic_store_explicit(&p->status, RT_PRUNNING, memory_order_release);
}

struct rt_p *rt_releasep(struct rt_m *m) {
  struct rt_p *p = m->p;
  m->p = NULL;
  return p;
}

// ---- Finding work ----------------------------------------------------------------------------

uint32_t rt_fastrand(void) {  // xorshift32 (Marsaglia 2003)
  uint32_t *x = &rt_getg()->m->rand;
  *x ^= *x << 13;
  *x ^= *x >> 17;
  *x ^= *x << 5;
  return *x;
}

// Runs the timers of p that are due.
static bool run_timers(struct rt_p *p) {
  const int64_t first = atomic_load_explicit(&p->timers.first, memory_order_relaxed);
  if (first == 0) return false;
  const int64_t now = rt_nanotime();
  return first <= now && rt_timers_run(&p->timers, now);
}

// The heap that has the first timer of all, and when that is due; NULL and 0 if there is none.
static struct rt_timers *earliest(int64_t *when) {
  struct rt_timers *next = NULL;
  *when = 0;
  const int32_t n = atomic_load(&rt_sched.nallp);
  for (int32_t i = 0; i < n; i++) {
    struct rt_timers *ts = &atomic_load(&rt_sched.allp[i])->timers;
    const int64_t first = atomic_load(&ts->first);
    if (first == 0 || (*when != 0 && first >= *when)) continue;
    if (rt_det.on && first == INT64_MAX) continue;  // not even the virtual clock gets there
    next = ts;
    *when = first;
  }
  return next;
}

int64_t rt_timers_next(void) {
  int64_t when;
  earliest(&when);
  return when;
}

int64_t rt_timers_wanted(void) {
  int64_t when;
  for (struct rt_timers *ts; (ts = earliest(&when)) && rt_timers_tidy(ts);) continue;
  return when;
}

// Timers stay with their P even when GOMAXPROCS has retired it.  Thieves run what is due there, but
// while no M is idle there are none.
static void run_retired_timers(void) {
  const int32_t n = atomic_load(&rt_sched.nallp);
  for (int32_t i = atomic_load(&rt_sched.maxprocs); i < n; i++)
    run_timers(atomic_load(&rt_sched.allp[i]));
}

// What a P has readied last is about to run there, as a rule: two goroutines that wake each other
// in turn are quicker on one P than on two.  It is left alone while that P runs one goroutine after
// the other, and taken from a P that keeps at the same.
struct theft {
  bool lively;  // something has been left alone
  uint32_t n;
  uint64_t tick[RT_MAXPROCS];  // of each P, when this began
};

static void theft_begin(struct theft *t) {
  t->lively = false;
  t->n = (uint32_t)atomic_load(&rt_sched.nallp);
  for (uint32_t i = 0; i < t->n; i++) {
    const struct rt_p *p = atomic_load(&rt_sched.allp[i]);
    t->tick[i] = atomic_load_explicit(&p->schedtick, memory_order_relaxed);
  }
}

// Looks at every queue once; `last`: also at what was readied last, and at timers.
static struct rt_g *steal_once(struct rt_m *m, struct theft *t, bool last) {
  struct rt_p *p = m->p;
  const uint32_t start = rt_fastrand();
  for (uint32_t i = 0; i < t->n; i++) {
    const uint32_t k = (start + i) % t->n;
    struct rt_p *victim = atomic_load(&rt_sched.allp[k]);
    if (victim == p) continue;
    const bool quiet =
        last && t->tick[k] == atomic_load_explicit(&victim->schedtick, memory_order_relaxed);
    rt_mpoint();
    struct rt_g *g = rt_runqsteal(p, victim, quiet);
    // Its timers may be due while its goroutine keeps it: what they ready comes to our queue.
    if (!g && last && run_timers(victim)) g = rt_runqget(p);
    if (g) {
      rt_count(&p->steals, 1);
      rt_event_steal(p, victim, g);
      return g;
    }
    t->lively |= atomic_load_explicit(&victim->runnext, memory_order_relaxed) != NULL;
  }
  return NULL;
}

// Each look takes cache lines from those that work: looks become rarer, and where nothing but pairs
// that wake each other has been seen, the caller naps.
static struct rt_g *steal(struct rt_m *m) {
  struct theft t;
  theft_begin(&t);
  struct rt_g *g = steal_once(m, &t, false);
  for (int round = 1; !g && round < STEAL_ROUNDS; round++) {
    for (int i = 0; !rt_det.threads && i < STEAL_PAUSES << round; i++) rt_cpu_relax();
    g = steal_once(m, &t, round == STEAL_ROUNDS - 1);
  }
  m->nap = !g && t.lively;
  return g;
}

bool rt_anywork(void) {
  const int32_t n = atomic_load(&rt_sched.nallp);
  for (int32_t i = 0; i < n; i++)
    if (!rt_runqempty(atomic_load(&rt_sched.allp[i]))) return true;
  return atomic_load(&rt_sched.runqsize) > 0;
}

// Goroutines that were interrupted on this M: in turn with the others.
static struct rt_g *resume_preempted(struct rt_m *m) {
  struct rt_g *g = rt_gqueue_pop(&m->preempted);
  if (g) rt_casgstatus(g, RT_GPREEMPTED, RT_GRUNNABLE);
  return g;
}

// Asks the poller, without waiting, for goroutines that can go on.
static struct rt_g *poll_net(struct rt_p *p) {
  if (!rt_netpoll_inited() || !rt_netpoll_waiters() || atomic_load(&rt_sched.lastpoll) == 0)
    return NULL;
  struct rt_gqueue ready = {0};
  rt_netpoll(0, &ready);
  if (ready.n == 0) return NULL;
  rt_injectglist(&ready);
  return rt_runqget(p);
}

enum { PREEMPTED_EVERY = 8 };

// Looks where work may be, without blocking.
static struct rt_g *poll_work(struct rt_m *m) {
  struct rt_p *p = m->p;
  if (__builtin_expect(rt_det.on, 0)) {
    rt_det_time();
    atomic_store_explicit(&rt_sched.coarse_now, rt_nanotime(), memory_order_relaxed);
  }
  run_timers(p);
  if (__builtin_expect(atomic_load_explicit(&rt_sched.nallp, memory_order_relaxed) >
                           atomic_load_explicit(&rt_sched.maxprocs, memory_order_relaxed),
                       0))
    run_retired_timers();
  const uint64_t tick = atomic_load_explicit(&p->schedtick, memory_order_relaxed);
  const bool global = atomic_load_explicit(&rt_sched.runqsize, memory_order_relaxed) > 0;
  struct rt_g *g = NULL;
  // Now and then the global queue goes first, or two goroutines that keep readying each other
  // would starve it; likewise those that were preempted.
  if (m->preempted.n > 0 && tick % PREEMPTED_EVERY == 0) {
    g = resume_preempted(m);
    // Whoever yields, or comes back from a call, tells nobody: it counts on going on here.
    if (!rt_runqempty(p)) rt_announce();
  }
  if (!g && global && tick % GLOBAL_EVERY == 0) g = globrunqget(p, 1);
  if (!g) g = rt_runqget(p);
  if (!g && global) g = globrunqget(p, RT_GBATCH);
  if (!g) g = resume_preempted(m);
  if (!g) g = poll_net(p);
  return g;
}

static struct rt_g *spin(struct rt_m *m) {
  const int32_t busy = atomic_load(&rt_sched.maxprocs) - atomic_load(&rt_sched.npidle);
  if (!m->spinning && 2 * atomic_load(&rt_sched.nmspinning) >= busy) return NULL;
  if (!m->spinning) {
    m->spinning = true;
    atomic_fetch_add(&rt_sched.nmspinning, 1);
  }
  return steal(m);
}

// Takes an idle P; false if there is none.
static bool regain(struct rt_m *m, bool spinning) {
  rt_lock(&rt_sched.lock);
  struct rt_p *p = rt_pidleget();
  rt_unlock(&rt_sched.lock);
  if (!p) return false;
  rt_acquirep(m, p);
  if (spinning) {
    m->spinning = true;
    atomic_fetch_add(&rt_sched.nmspinning, 1);
  }
  return true;
}

// How long to sleep there.  In turns it is over, unless only a descriptor can end it.
static int64_t time_to_poll(int64_t until) {
  if (rt_det.threads) return rt_baton_poll(until) ? -1 : 0;
  const int64_t left = until ? until - rt_nanotime() : -1;
  return until && left < 0 ? 0 : left;
}

// Makes rt_sched.lastpoll ours, if there is anything to sleep in the poller for; until: the first
// timer is due, or 0.  It is only ours when there still is: who takes the last of it away before
// does not see that we sleep, and we would miss a deadlock.
static bool take_netpoll(int64_t *until) {
  while ((*until || rt_netpoll_waiters()) && atomic_exchange(&rt_sched.lastpoll, 0) != 0) {
    *until = rt_timers_next();
    if (*until || rt_netpoll_waiters()) return true;
    atomic_store(&rt_sched.lastpoll, rt_nanotime());
    *until = rt_timers_next();
  }
  return false;
}

// Sleeps in the poller until a descriptor is ready, the timer due at `until` (0: none) or a
// wake-up; rt_sched.lastpoll is ours.  True: m has a P again.
static bool sleep_in_netpoll(struct rt_m *m, int64_t until) {
  rt_mpoint();
  atomic_store(&rt_sched.poll_until, until);
  struct rt_gqueue ready = {0};
  if (!atomic_load(&rt_sched.stopping)) rt_netpoll(time_to_poll(until), &ready);
  atomic_store(&rt_sched.poll_until, 0);
  rt_mpoint();
  atomic_store(&rt_sched.lastpoll, rt_nanotime());
  const bool have = regain(m, false);
  if (ready.n > 0) rt_injectglist(&ready);
  return have;
}

// An M sleeps in the poller, but what it waited for has gone, or is a timer that has been stopped:
// in a deadlock, it would be missed.
static bool sleeps_for_nothing(void) {
  return !rt_netpoll_waiters() && atomic_load(&rt_sched.lastpoll) == 0;
}

// Gives up the P; true if there turned out to be work after all, and m has a P again.
static bool idle(struct rt_m *m) {
  rt_timers_wanted();  // nobody is to sleep until a timer is due that has been stopped
  rt_lock(&rt_sched.lock);
  if (atomic_load(&rt_sched.stopping) || rt_sched.runq.n > 0) {
    rt_unlock(&rt_sched.lock);
    return true;
  }
  rt_pidleput(rt_releasep(m));
  rt_unlock(&rt_sched.lock);
  // Count ourselves out first, then look: work that was made before will be seen here, and whoever
  // makes work after sees that nobody spins, or that a P is idle.  While others spin, they will.
  if (m->spinning) {
    m->spinning = false;
    atomic_fetch_sub(&rt_sched.nmspinning, 1);
  }
  rt_mpoint();
  if (atomic_load(&rt_sched.nmspinning) == 0 && rt_anywork() && regain(m, true)) return true;
  if (!rt_netpoll_inited()) return false;
  int64_t until = rt_timers_next();
  if (rt_det_onethread() && until) {  // the virtual clock has nothing to wait for
    rt_clock_advance(until);
    return regain(m, false);
  }
  rt_mpoint();
  if (take_netpoll(&until)) return sleep_in_netpoll(m, until);
  // Another M sleeps there: not longer than until our timer is due.
  const int64_t slept = atomic_load(&rt_sched.poll_until);
  if (until ? slept == 0 || slept > until : sleeps_for_nothing()) rt_netpoll_break();
  return false;
}

static void nap(uint32_t us) {
  if (rt_det.threads)
    rt_baton_pass();
  else
    os_usleep(us);
}

// Blocks until there is a goroutine to run; NULL when the scheduler stops.
static struct rt_g *findrunnable(struct rt_m *m) {
  while (!atomic_load_explicit(&rt_sched.stopping, memory_order_relaxed)) {
    if (m->p && m->preempted.n == 0 &&
        m->p->id >= atomic_load_explicit(&rt_sched.maxprocs, memory_order_relaxed))
      rt_retire(m);
    // There may be an idle P within the limit, and nobody else to look after timers and poller.
    if (!m->p && !m->handg) regain(m, false);
    if (m->handg) return NULL;
    // Who is interrupted here may be what all others wait for, and nobody else can run it: m must
    // not count as idle.  It lost its P in a call that no other M was to be had for (syscall.c).
    if (!m->p && m->preempted.n > 0) {
      nap(REGAIN_US);
      continue;
    }
    if (!m->p) {
      rt_stopm(m);
      continue;
    }
    const bool shrinking =
        atomic_load_explicit(&rt_shrinking.wanted, memory_order_relaxed) && rt_shrink_some(m);
    struct rt_g *g = poll_work(m);
    if (!g && atomic_load_explicit(&rt_sched.nallp, memory_order_relaxed) > 1) g = spin(m);
    if (g) return g;
    if (shrinking) continue;
    if (m->spinning && m->nap) {
      m->nap = false;
      nap(NAP_US);
      continue;
    }
    if (!idle(m)) rt_stopm(m);
  }
  return NULL;
}

// Rare, and out of the way of what is not.
__attribute__((noinline)) static void changed_at_resume(struct rt_g *g) {
  rt_event_growth(g, RT_BY_RESUME, 0);
}

// Makes g the goroutine that m runs.
static struct rt_g *execute(struct rt_m *m, struct rt_g *g) {
  m->curg = g;
  g->m = m;
  rt_casgstatus(g, RT_GRUNNABLE, RT_GRUNNING);
  struct rt_p *p = m->p;
  if (p) {
    rt_count(&p->schedtick, 1);
    atomic_store_explicit(&p->preempt, false, memory_order_relaxed);
  }
  rt_event_run(g);
  if (g->gs.sp == 0)
    rt_gstart(m, g);
  else if (g->gs.growth->resume && g->gs.growth->resume(&g->gs, &m->cache))
    changed_at_resume(g);
  return g;
}

static struct rt_g *schedule(struct rt_m *m) {
  if (m->cache.wanted[RT_STACK_COMPACT] | m->cache.wanted[RT_STACK_WIDE])
    rt_stackcache_stock(&m->cache);
  struct rt_g *g = m->resume;
  if (g) {  // it never stopped running
    m->resume = NULL;
    return g;
  }
  g = findrunnable(m);
  if (!g) {
    g = m->handg;
    m->handg = NULL;
    return g ? execute(m, g) : NULL;
  }
  if (m->spinning) {
    rt_mpoint();
    m->spinning = false;
    // We found work and stop spinning: if there is more, somebody else should look for it.
    if (atomic_fetch_sub(&rt_sched.nmspinning, 1) == 1) rt_wakep();
  }
  return execute(m, g);
}

void rt_mstart0(struct rt_m *m) {
  rt_mloop(m, schedule);
  if (m->spinning) atomic_fetch_sub(&rt_sched.nmspinning, 1);
  m->spinning = false;
}

// ---- Parking ---------------------------------------------------------------------------------

void rt_dropg(struct rt_g *g) {
  g->m->curg = NULL;
  g->m = NULL;
}

static void park_m(struct rt_g *g) {
  struct rt_m *m = g->m;
  const rt_parkfn commit = m->park_commit;
  rt_event_park(g);
  rt_shrink_park(g);
  rt_dropg(g);
  rt_casgstatus(g, RT_GRUNNING, RT_GWAITING);
  rt_shrink_parked();
  if (!commit || commit(g, m->park_lock)) return;  // from here on another M may run g
  rt_casgstatus(g, RT_GWAITING, RT_GRUNNABLE);
  m->resume = execute(m, g);
}

void rt_gopark(rt_parkfn commit, void *lock, enum rt_waitreason why) {
  struct rt_g *g = rt_getg();
  struct rt_m *m = g->m;
  m->park_commit = commit;
  m->park_lock = lock;
  g->waitreason = (uint8_t)why;
  g->waitsince = atomic_load_explicit(&rt_sched.coarse_now, memory_order_relaxed);
  rt_mcall(park_m);
}

bool rt_gounlock(struct rt_g *g, void *lock) {
  (void)g;
  rt_unlock(lock);
  return true;
}

bool rt_gopunlock(struct rt_g *g, void *lock) {
  (void)g;
  rt_punlock(lock);
  return true;
}

void rt_goready(struct rt_g *g) {
  rt_event_ready(g);
  rt_casgstatus(g, RT_GWAITING, RT_GRUNNABLE);
  rt_runqput(rt_getg()->m->p, g, true);
  rt_wakep();
}

void rt_injectglist(struct rt_gqueue *list) {
  struct rt_p *p = rt_getg()->m->p;
  const int32_t n = list->n;
  for (struct rt_g *g = list->head; g; g = g->schedlink) {
    rt_event_ready(g);
    rt_casgstatus(g, RT_GWAITING, RT_GRUNNABLE);
  }
  if (p) {
    for (struct rt_g *g; (g = rt_gqueue_pop(list)) != NULL;) rt_runqput(p, g, false);
    if (n > 1) rt_announce();
    return;
  }
  rt_globrunqput(list);
  int32_t idle = atomic_load(&rt_sched.npidle);
  for (int32_t i = 0; i < n && i < idle; i++) rt_startm(NULL, false);
}

// Also where a seed or a trace wants to know of it.
bool rt_yield_watched;

static void watch_yield(struct rt_g *g) {
  if (rt_det.on) rt_det_yield(g);
  rt_event_yield();
}

static void yield_m(struct rt_g *g) {
  struct rt_p *p = g->m->p;
  rt_dropg(g);
  rt_casgstatus(g, RT_GRUNNING, RT_GRUNNABLE);
  rt_runqput(p, g, false);
}

void go_yield(void) {
  struct rt_g *g = rt_getg();
  if (!g || g == &g->m->g0) return;
  if (__builtin_expect(rt_yield_watched, 0)) watch_yield(g);
  rt_mcall(yield_m);
}
