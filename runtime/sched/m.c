// Ms: the threads of the scheduler and their g0 stacks; made, started, stopped, ended.
#include <stdatomic.h>
#include <stdlib.h>
#include "runtime/arch/arch.h"
#include "runtime/os/throw.h"
#include "runtime/sched/deterministic.h"
#include "runtime/sched/netpoll.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/trace.h"
#include "runtime/sched/traceback.h"
#include "runtime/stack/sanitize.h"

// ---- Made and ended --------------------------------------------------------------------------

int rt_mnew(struct rt_stackcache *cache, bool sysmon, struct rt_m **out) {
  struct rt_m *m = os_alloc_aligned(64, sizeof *m);
  if (!m) return GO_ENOMEM;
  *m = (struct rt_m){.rand = (rt_det.on ? rt_choose(UINT32_MAX) : (uint32_t)(uintptr_t)m) | 1};
  m->g0.m = m;
  m->g0.status = RT_GRUNNING;
  const int error = rt_stackalloc(RT_STACK_FIXED, RT_STACK_G0, cache ? cache : &m->cache,
                                  &m->g0.gs.stack);
  if (error) {
    os_free_aligned(m);
    return error;
  }
  rt_trace_mnew(m, sysmon);
  if (!sysmon) {
    rt_lock(&rt_sched.lock);
    m->all_link = rt_sched.allm;
    rt_sched.allm = m;
    rt_sched.nm++;
    rt_unlock(&rt_sched.lock);
  }
  *out = m;
  return 0;
}

static void remember(const struct rt_stackstats *s) {
  struct go_stats *past = &rt_sched.past;
  past->pool_hits += s->pool_hits;
  past->pool_misses += s->pool_misses;
  past->growths += s->growths;
  past->growths_by_fault += s->growths_by_fault;
  past->growths_in_place += s->growths_in_place;
  past->segments_made += s->segments_made;
  past->segments += s->segments_made - s->segments_freed;
  past->moves_forced += s->moves_forced;
  past->shrinks += s->shrinks;
  past->pages_moved_growths += s->pages_moved_growths;
  past->bytes_copied += s->bytes_copied;
  past->words_adjusted += s->words_adjusted;
  past->starts_larger += s->starts_larger;
  for (int i = 0; i < GO_STACK_CLASSES; i++) past->stacks_by_class[i] += s->in_use[i];
}

void rt_mfree(struct rt_m *m, struct rt_stackcache *cache) {
  rt_sanitize_forget(m->g0.gs.stack.lo, m->g0.gs.stack.hi);
  rt_stackfree(cache, &m->g0.gs.stack);
  rt_stackcache_flush(&m->cache);
  rt_lock(&rt_sched.lock);
  for (struct rt_m **at = &rt_sched.allm; *at; at = &(*at)->all_link) {
    if (*at != m) continue;
    *at = m->all_link;
    if (!m->failed) rt_sched.nm--;
    break;
  }
  remember(&m->cache.stats);
  rt_unlock(&rt_sched.lock);
  rt_trace_mfree(m);
  os_free_aligned(m);
}

static struct rt_m *midleget(void) {  // sched.lock held; NULL if none
  struct rt_m *m = rt_sched.midle;
  if (!m) return NULL;
  rt_sched.midle = m->idle_link;
  rt_sched.nmidle--;
  return m;
}

static void wake(struct rt_m *m, struct rt_p *p, bool spinning) {  // m is off the idle list
  m->spinning = spinning;
  m->nextp = p;
  rt_notewakeup(&m->park);
}

// ---- Their threads: in a deterministic run each has its turn ---------------------------------

int rt_mthread(struct rt_m *m, void (*fn)(void *m)) {
  if (rt_det.threads) rt_baton_add(m);
  const int error = os_thread_start(&m->thread, fn, m);
  if (error && rt_det.threads) rt_baton_remove(m);
  return error;
}

void rt_marrive(struct rt_m *m) {
  if (rt_det.threads) rt_baton_arrive(m);
}

void rt_mleave(void) {
  if (rt_det.threads) rt_baton_leave();
}

void rt_mjoin(struct rt_m *m) {
  if (rt_det.threads) rt_baton_join(m);
  os_thread_join(&m->thread);
}

static void mloop(void *arg) { rt_mstart0(arg); }

// sched.lock held.  There is no M for p, if any, nor for the work: those that run may find it, an M
// that becomes idle last is given p, and sysmon tries again.
static void refused(struct rt_p *p, bool spinning) {
  if (p) rt_pidleput(p);
  if (spinning) atomic_fetch_sub(&rt_sched.nmspinning, 1);
  atomic_store(&rt_sched.refused, true);
}

// Without a signal stack it must not run goroutines.
static void live(struct rt_m *m) {
  rt_traceback_join(m);
  if (os_sigstack_enable(&m->sigstack) == 0) {
    if (m->nextp) rt_acquirep(m, m->nextp);
    m->nextp = NULL;
    rt_mrun(m, mloop, m);
    os_sigstack_disable(&m->sigstack);
    return;
  }
  rt_lock(&rt_sched.lock);
  if (m->handg) rt_globrunqpush(m->handg);
  m->handg = NULL;
  m->failed = true;
  rt_sched.nm--;  // it will never be idle, nor run: see the deadlock test in rt_stopm
  refused(m->nextp, m->spinning);
  m->nextp = NULL;
  rt_checkdead();  // if all others are idle, one of them must do the work this one was for
  rt_unlock(&rt_sched.lock);
}

static void mthread(void *m) {
  rt_marrive(m);
  live(m);
  rt_mleave();
}

int rt_mstart(struct rt_m *m, struct rt_p *p, bool spinning) {
  m->nextp = p;
  m->spinning = spinning;
  return rt_mthread(m, mthread);
}

// ---- Started and stopped ---------------------------------------------------------------------

// Makes another M and starts its thread, with p or with g.  False: no memory, no thread, or the
// scheduler stops.  The lock keeps go_run from joining an M whose thread has yet to be started.
static bool newm(struct rt_p *p, struct rt_g *g, bool spinning) {
  struct rt_stackcache *cache = &rt_getg()->m->cache;
  struct rt_m *m = NULL;
  rt_lock(&rt_sched.newmlock);
  bool started = !atomic_load(&rt_sched.stopping) && rt_mnew(cache, false, &m) == 0;
  if (started) m->handg = g;
  if (started && rt_mstart(m, p, spinning) != 0) {
    rt_mfree(m, cache);
    started = false;
  }
  rt_unlock(&rt_sched.newmlock);
  return started;
}

void rt_startm(struct rt_p *p, bool spinning) {
  rt_lock(&rt_sched.lock);
  if (!p && !atomic_load(&rt_sched.stopping)) p = rt_pidleget();
  struct rt_m *m = p ? midleget() : NULL;
  // Under the lock: who gives up a P after we found none idle must not count on us to look.
  if (!p && spinning) atomic_fetch_sub(&rt_sched.nmspinning, 1);
  rt_unlock(&rt_sched.lock);
  if (m) wake(m, p, spinning);
  if (m || !p || newm(p, NULL, spinning)) return;
  rt_lock(&rt_sched.lock);
  refused(p, spinning);
  rt_unlock(&rt_sched.lock);
}

bool rt_startg(struct rt_g *g) {
  rt_lock(&rt_sched.lock);
  struct rt_m *m = midleget();
  rt_unlock(&rt_sched.lock);
  if (!m) return newm(NULL, g, false);
  m->handg = g;
  rt_notewakeup(&m->park);
  return true;
}

static void startm_spinning(void *unused) {
  (void)unused;
  rt_startm(NULL, true);
}

void rt_wakep(void) {
  if (atomic_load(&rt_sched.npidle) == 0 || atomic_load(&rt_sched.nmspinning) != 0) return;
  rt_mpoint();
  int32_t none = 0;
  if (!atomic_compare_exchange_strong(&rt_sched.nmspinning, &none, 1)) return;
  rt_systemstack(startm_spinning, NULL);
}

void rt_announce(void) {
  atomic_thread_fence(memory_order_seq_cst);
  rt_wakep();
}

static void stop(void) {  // sched.lock held
  atomic_store(&rt_sched.stopping, true);
  while (rt_sched.midle) rt_notewakeup(&midleget()->park);
  rt_sysmon_wake();
}

void rt_checkdead(void) {
  if (rt_sched.nmidle != rt_sched.nm || atomic_load(&rt_sched.stopping)) return;
  if (atomic_exchange(&rt_sched.refused, false) && rt_sched.midle && rt_sched.pidle) {
    wake(midleget(), rt_pidleget(), false);  // it looks for what there was no M for
    return;
  }
  if (!rt_det.on) {
    struct rt_text t = {.n = 0};
    rt_text_str(&t, "stacklab: fatal: all goroutines are asleep: deadlock\n");
    rt_fatal(&t, 0);  // what the scheduler did last is no news
  }
  rt_sched.deadlocked = true;  // go_run says so, and the next seed can be tried
  stop();
}

void rt_stopm(struct rt_m *m) {
  rt_lock(&rt_sched.lock);
  if (atomic_load(&rt_sched.stopping)) {
    rt_unlock(&rt_sched.lock);
    return;
  }
  m->idle_link = rt_sched.midle;
  rt_sched.midle = m;
  // The last M to go idle has just seen every queue empty: nothing can ever run again.
  rt_sched.nmidle++;
  rt_checkdead();
  rt_unlock(&rt_sched.lock);
  rt_notesleep(&m->park);
  rt_noteclear(&m->park);
  if (m->nextp) rt_acquirep(m, m->nextp);
  m->nextp = NULL;
}

// Moves what p had to run to the global queue, and p to the idle or the dead.
static void flush(struct rt_p *p) {
  struct rt_gqueue q = {0};
  for (struct rt_g *g; (g = rt_runqget(p)) != NULL;) rt_gqueue_push(&q, g);
  rt_globrunqput(&q);
  rt_lock(&rt_sched.lock);
  rt_pidleput(p);
  rt_unlock(&rt_sched.lock);
}

void rt_retire(struct rt_m *m) {
  flush(rt_releasep(m));
  if (m->spinning) {
    m->spinning = false;
    atomic_fetch_sub(&rt_sched.nmspinning, 1);
  }
  // As whenever one stops to spin: only now look.
  rt_mpoint();
  if (rt_anywork()) rt_wakep();
}

void rt_handoffp(struct rt_p *p) {
  if (p->id >= atomic_load(&rt_sched.maxprocs)) {
    flush(p);
    rt_wakep();  // for its goroutines, its timers, or the poller
    return;
  }
  if (!rt_runqempty(p) || atomic_load(&rt_sched.runqsize) > 0) {
    rt_startm(p, false);
    return;
  }
  // Nothing to run here.  If all others are busy, one should be looking.
  int32_t none = 0;
  if (atomic_load(&rt_sched.npidle) == 0 &&
      atomic_compare_exchange_strong(&rt_sched.nmspinning, &none, 1)) {
    rt_startm(p, true);
    return;
  }
  rt_lock(&rt_sched.lock);
  // The last P to go idle, with nobody in the poller: somebody has to be there.
  const bool poll = rt_netpoll_waiters() && atomic_load(&rt_sched.lastpoll) != 0 &&
                    atomic_load(&rt_sched.npidle) == atomic_load(&rt_sched.maxprocs) - 1;
  if (rt_sched.runq.n > 0 || poll) {
    rt_unlock(&rt_sched.lock);
    rt_startm(p, false);
    return;
  }
  rt_pidleput(p);
  rt_unlock(&rt_sched.lock);
  // As whenever a P becomes idle: only now look.
  if (rt_anywork()) rt_wakep();
  // Of any P: an M that goes idle sleeps in the poller for all of them, and here none does.
  const int64_t first = rt_timers_next();
  if (first) rt_netpoll_wake(first);
}

void rt_stopall(void) {
  rt_lock(&rt_sched.lock);
  stop();
  rt_unlock(&rt_sched.lock);
  if (rt_netpoll_inited()) rt_netpoll_break();
}
