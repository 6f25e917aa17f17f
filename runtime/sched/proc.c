// The scheduler: which goroutine an M runs next, and which Ms are awake (Go's proc.go).
//
// No work may be forgotten.  An M that makes work runnable wakes another M if a P is idle and
// nobody is spinning; an M that stops spinning first counts itself out and then looks at every
// queue once more.  Between them: either the maker sees nobody spinning and wakes someone, or the
// spinner, still counted in, will look and find.
#include <stdatomic.h>
#include "runtime/arch/arch.h"
#include "runtime/os/throw.h"
#include "runtime/sched/sched.h"
#include "runtime/stack/count.h"

struct rt_sched rt_sched;

enum { GLOBAL_EVERY = 61, STEAL_ROUNDS = 4, STEAL_PAUSES = 100 };

// ---- Idle Ps and the global queue ------------------------------------------------------------

void rt_globrunqput(struct rt_gqueue *batch) {
  rt_lock(&rt_sched.lock);
  for (struct rt_g *g; (g = rt_gqueue_pop(batch)) != NULL;) rt_gqueue_push(&rt_sched.runq, g);
  atomic_store(&rt_sched.runqsize, rt_sched.runq.n);
  rt_unlock(&rt_sched.lock);
}

// sched.lock held.  Takes a fair share of the global queue: one to run, the rest to p's ring.
static struct rt_g *globrunqget(struct rt_p *p, int32_t most) {
  int32_t n = rt_sched.runq.n / atomic_load(&rt_sched.maxprocs) + 1;
  if (n > rt_sched.runq.n) n = rt_sched.runq.n;
  if (n > most) n = most;
  if (n > RT_RUNQ / 2) n = RT_RUNQ / 2;
  struct rt_g *g = n > 0 ? rt_gqueue_pop(&rt_sched.runq) : NULL;
  struct rt_g *rest[RT_RUNQ / 2];
  int32_t nrest = 0;
  while (--n > 0) rest[nrest++] = rt_gqueue_pop(&rt_sched.runq);
  atomic_store(&rt_sched.runqsize, rt_sched.runq.n);
  // The ring is empty or nearly so when this is called for more than one: nothing spills back.
  for (int32_t i = 0; i < nrest; i++) rt_runqput(p, rest[i], false);
  return g;
}

void rt_pidleput(struct rt_p *p) {
  p->status = RT_PIDLE;
  p->m = NULL;
  p->link = rt_sched.pidle;
  rt_sched.pidle = p;
  atomic_fetch_add(&rt_sched.npidle, 1);
}

struct rt_p *rt_pidleget(void) {
  struct rt_p *p = rt_sched.pidle;
  if (!p) return NULL;
  rt_sched.pidle = p->link;
  atomic_fetch_sub(&rt_sched.npidle, 1);
  return p;
}

void rt_acquirep(struct rt_m *m, struct rt_p *p) {
  m->p = p;
  p->m = m;
  p->status = RT_PRUNNING;
}

static struct rt_p *releasep(struct rt_m *m) {
  struct rt_p *p = m->p;
  m->p = NULL;
  return p;
}

// ---- Waking and stopping Ms ------------------------------------------------------------------

// Makes another M and starts its thread with p.  False: no memory, no thread, or the scheduler
// stops.  The lock keeps go_run from joining an M whose thread has yet to be started.
static bool newm(struct rt_p *p, bool spinning) {
  struct rt_stackcache *cache = &rt_getg()->m->cache;
  struct rt_m *m = NULL;
  rt_lock(&rt_sched.newmlock);
  bool started = !atomic_load(&rt_sched.stopping) && rt_mnew(cache, &m) == 0;
  if (started && rt_mstart(m, p, spinning) != 0) {
    rt_mfree(m, cache);
    started = false;
  }
  rt_unlock(&rt_sched.newmlock);
  return started;
}

// Gives an M to a P: an idle M, or a new one.  spinning: the caller has counted it in.
static void startm(bool spinning) {
  rt_lock(&rt_sched.lock);
  struct rt_p *p = atomic_load(&rt_sched.stopping) ? NULL : rt_pidleget();
  struct rt_m *m = p ? rt_sched.midle : NULL;
  if (m) {
    rt_sched.midle = m->idle_link;
    rt_sched.nmidle--;
  }
  rt_unlock(&rt_sched.lock);
  if (m) {
    m->spinning = spinning;
    m->nextp = p;
    rt_notewakeup(&m->park);
    return;
  }
  if (p && !newm(p, spinning)) {
    // No memory or no thread for another M: those that run will find the work.
    rt_lock(&rt_sched.lock);
    rt_pidleput(p);
    rt_unlock(&rt_sched.lock);
    p = NULL;
  }
  if (!p && spinning) atomic_fetch_sub(&rt_sched.nmspinning, 1);
}

static void startm_spinning(void *unused) {
  (void)unused;
  startm(true);
}

void rt_wakep(void) {
  if (atomic_load(&rt_sched.npidle) == 0 || atomic_load(&rt_sched.nmspinning) != 0) return;
  int32_t none = 0;
  if (!atomic_compare_exchange_strong(&rt_sched.nmspinning, &none, 1)) return;
  rt_systemstack(startm_spinning, NULL);
}

// Puts m, which has no P, to sleep until startm hands it one or the scheduler stops.
static void stopm(struct rt_m *m) {
  rt_lock(&rt_sched.lock);
  if (atomic_load(&rt_sched.stopping)) {
    rt_unlock(&rt_sched.lock);
    return;
  }
  m->idle_link = rt_sched.midle;
  rt_sched.midle = m;
  // The last M to go idle has just seen every queue empty: nothing can ever run again.
  if (++rt_sched.nmidle == rt_sched.nm) rt_throw("all goroutines are asleep: deadlock");
  rt_unlock(&rt_sched.lock);
  rt_notesleep(&m->park);
  rt_noteclear(&m->park);
  if (m->nextp) rt_acquirep(m, m->nextp);
  m->nextp = NULL;
}

// GOMAXPROCS went down: p retires, its goroutines go to the global queue.
static void retire(struct rt_m *m) {
  struct rt_p *p = releasep(m);
  struct rt_gqueue q = {0};
  for (struct rt_g *g; (g = rt_runqget(p)) != NULL;) rt_gqueue_push(&q, g);
  const bool any = q.n > 0;
  rt_globrunqput(&q);
  rt_lock(&rt_sched.lock);
  p->m = NULL;
  p->status = RT_PDEAD;
  if (p->id < atomic_load(&rt_sched.maxprocs)) rt_pidleput(p);  // it went up again meanwhile
  rt_unlock(&rt_sched.lock);
  if (m->spinning) {
    m->spinning = false;
    atomic_fetch_sub(&rt_sched.nmspinning, 1);
  }
  if (any || atomic_load(&rt_sched.runqsize) > 0) rt_wakep();
}

// ---- Finding work ----------------------------------------------------------------------------

static uint32_t fastrand(struct rt_m *m) {  // xorshift32 (Marsaglia 2003)
  m->rand ^= m->rand << 13;
  m->rand ^= m->rand >> 17;
  m->rand ^= m->rand << 5;
  return m->rand;
}

static struct rt_g *steal(struct rt_m *m) {
  struct rt_p *p = m->p;
  const uint32_t n = (uint32_t)atomic_load(&rt_sched.nallp);
  for (int round = 0; round < STEAL_ROUNDS; round++) {
    const bool last = round == STEAL_ROUNDS - 1;
    // What its owner has just readied is about to run there: leave it a moment.
    for (int i = 0; last && i < STEAL_PAUSES; i++) rt_cpu_relax();
    const uint32_t start = fastrand(m);
    for (uint32_t i = 0; i < n; i++) {
      struct rt_p *victim = atomic_load(&rt_sched.allp[(start + i) % n]);
      if (victim == p) continue;
      struct rt_g *g = rt_runqsteal(p, victim, last);
      if (g) {
        rt_count(&p->steals, 1);
        return g;
      }
    }
  }
  return NULL;
}

static bool any_work(void) {
  const int32_t n = atomic_load(&rt_sched.nallp);
  for (int32_t i = 0; i < n; i++)
    if (!rt_runqempty(atomic_load(&rt_sched.allp[i]))) return true;
  return atomic_load(&rt_sched.runqsize) > 0;
}

// Looks where work may be, without blocking.
static struct rt_g *poll_work(struct rt_m *m) {
  struct rt_p *p = m->p;
  const bool global = atomic_load_explicit(&rt_sched.runqsize, memory_order_relaxed) > 0;
  if (global && ++p->schedtick % GLOBAL_EVERY == 0) {
    // Now and then the global queue goes first, or two goroutines that keep readying each other
    // would starve it.
    rt_lock(&rt_sched.lock);
    struct rt_g *g = globrunqget(p, 1);
    rt_unlock(&rt_sched.lock);
    if (g) return g;
  }
  struct rt_g *g = rt_runqget(p);
  if (g || !global) return g;
  rt_lock(&rt_sched.lock);
  g = globrunqget(p, RT_RUNQ / 2);
  rt_unlock(&rt_sched.lock);
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

// Gives up the P; true if there turned out to be work after all, and m has a P again.
static bool idle(struct rt_m *m) {
  rt_lock(&rt_sched.lock);
  if (atomic_load(&rt_sched.stopping) || rt_sched.runq.n > 0) {
    rt_unlock(&rt_sched.lock);
    return true;
  }
  rt_pidleput(releasep(m));
  rt_unlock(&rt_sched.lock);
  if (!m->spinning) return false;
  // Count ourselves out first, then look: work that was made before will be seen here, and
  // whoever makes work after sees that nobody spins.
  m->spinning = false;
  atomic_fetch_sub(&rt_sched.nmspinning, 1);
  if (!any_work()) return false;
  rt_lock(&rt_sched.lock);
  struct rt_p *p = rt_pidleget();
  rt_unlock(&rt_sched.lock);
  if (!p) return false;
  rt_acquirep(m, p);
  m->spinning = true;
  atomic_fetch_add(&rt_sched.nmspinning, 1);
  return true;
}

// Blocks until there is a goroutine to run; NULL when the scheduler stops.
static struct rt_g *findrunnable(struct rt_m *m) {
  while (!atomic_load_explicit(&rt_sched.stopping, memory_order_relaxed)) {
    if (m->p && m->p->id >= atomic_load_explicit(&rt_sched.maxprocs, memory_order_relaxed))
      retire(m);
    if (!m->p) {
      stopm(m);
      continue;
    }
    struct rt_g *g = poll_work(m);
    if (!g && atomic_load_explicit(&rt_sched.nallp, memory_order_relaxed) > 1) g = spin(m);
    if (g) return g;
    if (!idle(m)) stopm(m);
  }
  return NULL;
}

// Makes g the goroutine that m runs.
static struct rt_g *execute(struct rt_m *m, struct rt_g *g) {
  m->curg = g;
  g->m = m;
  rt_casgstatus(g, RT_GRUNNABLE, RT_GRUNNING);
  if (g->gs.growth->resume) g->gs.growth->resume(&g->gs, &m->cache);
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
  if (!g) return NULL;
  if (m->spinning) {
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

static void dropg(struct rt_g *g) {
  g->m->curg = NULL;
  g->m = NULL;
}

static void park_m(struct rt_g *g) {
  void (*unlock)(void *) = g->m->park_unlock;
  void *lock = g->m->park_lock;
  dropg(g);
  rt_casgstatus(g, RT_GRUNNING, RT_GWAITING);
  if (unlock) unlock(lock);  // from here on another M may run g
}

void rt_gopark(void (*unlock)(void *), void *lock) {
  struct rt_m *m = rt_getg()->m;
  m->park_unlock = unlock;
  m->park_lock = lock;
  rt_mcall(park_m);
}

void rt_goready(struct rt_g *g) {
  rt_casgstatus(g, RT_GWAITING, RT_GRUNNABLE);
  rt_runqput(rt_getg()->m->p, g, true);
  rt_wakep();
}

static void yield_m(struct rt_g *g) {
  struct rt_p *p = g->m->p;
  dropg(g);
  rt_casgstatus(g, RT_GRUNNING, RT_GRUNNABLE);
  rt_runqput(p, g, false);
}

void go_yield(void) {
  struct rt_g *g = rt_getg();
  if (!g || g == &g->m->g0) return;
  rt_mcall(yield_m);
}
