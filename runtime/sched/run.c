// go_run: from an ordinary thread to a running scheduler and back, with nothing left over.
#include <stdatomic.h>
#include <stdlib.h>
#include "runtime/arch/arch.h"
#include "runtime/os/throw.h"
#include "runtime/sched/deterministic.h"
#include "runtime/sched/event.h"
#include "runtime/sched/growthprofile.h"
#include "runtime/sched/netpoll.h"
#include "runtime/sched/options.h"
#include "runtime/sched/preempt.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/shrink.h"
#include "runtime/sched/stats.h"
#include "runtime/sched/traceback.h"
#include "runtime/stack/adapt.h"
#include "runtime/stack/quarantine.h"

// ---- Ps --------------------------------------------------------------------------------------

struct rt_p *rt_newp(int32_t id) {
  struct rt_p *p = os_alloc_aligned(64, sizeof *p);
  if (!p) return NULL;
  *p = (struct rt_p){.id = id, .status = RT_PDEAD};
  atomic_store(&rt_sched.allp[id], p);
  atomic_store(&rt_sched.nallp, id + 1);
  return p;
}

// sched.lock held.  Takes the idle Ps above the new limit out of the list; the running ones
// retire by themselves at their next scheduling point.
static void drop_idle_ps(void) {
  struct rt_p *p = rt_sched.pidle, *next;
  rt_sched.pidle = NULL;
  atomic_store(&rt_sched.npidle, 0);
  for (; p; p = next) {
    next = p->link;
    rt_pidleput(p);
  }
}

// Returns the limit that holds afterwards: less than n where memory for Ps is short.
static int32_t set_maxprocs(int32_t n) {
  rt_lock(&rt_sched.lock);
  const int32_t before = atomic_load(&rt_sched.maxprocs);
  for (int32_t id = atomic_load(&rt_sched.nallp); id < n; id++)
    if (!rt_newp(id)) n = id;
  atomic_store(&rt_sched.maxprocs, n);
  for (int32_t id = before; id < n; id++) {
    struct rt_p *p = atomic_load(&rt_sched.allp[id]);
    if (atomic_load(&p->status) == RT_PDEAD) rt_pidleput(p);  // else it has not come to retire yet
  }
  drop_idle_ps();
  rt_unlock(&rt_sched.lock);
  return n;
}

struct procresize {
  int32_t n;
};

static void procresize(void *arg) {
  const struct procresize *r = arg;
  set_maxprocs(r->n);
}

int go_gomaxprocs(int n) {
  const struct rt_g *g = rt_getg();
  if (!g || g == &g->m->g0) return GO_ENOTG;
  const int before = atomic_load(&rt_sched.maxprocs);
  if (n <= 0 || n == before || rt_det_onethread()) return before;
  struct procresize r = {n < RT_MAXPROCS ? n : RT_MAXPROCS};
  rt_systemstack(procresize, &r);
  rt_wakep();
  return before;
}

// ---- The end ---------------------------------------------------------------------------------

// Dropped goroutines lie where they parked; their stacks go back to the pool.
static void free_goroutines(struct rt_stackcache *cache) {
  for (struct rt_gchunk *c = rt_sched.chunks; c; c = c->next) {
    for (int i = 0; i < RT_GCHUNK; i++) {
      rt_gfreestack(&c->g[i], cache);
      rt_gforget(&c->g[i]);
      free(c->g[i].select);
    }
  }
  rt_sched.chunks = NULL;
  for (struct rt_gblock *b = rt_sched.blocks, *next; b; b = next) {
    next = b->next;
    os_release(b, b->bytes);
  }
  rt_sched.blocks = NULL;
}

static void free_ps(void) {
  for (int32_t i = 0; i < atomic_load(&rt_sched.nallp); i++) {
    struct rt_p *p = atomic_load(&rt_sched.allp[i]);
    rt_sched.past.goroutines_created += p->created;
    rt_sched.past.goroutines_ended += p->ended;
    rt_sched.past.steals += p->steals;
    rt_sched.past.preemptions += p->preemptions;
    rt_sched.past.handoffs += p->handoffs;
    rt_sched.past.switches += p->schedtick;
    rt_sched.past.timers_fired += p->timers.fired;
    os_free_aligned(p);
    atomic_store(&rt_sched.allp[i], NULL);
  }
}

// Every other M has left its loop or is about to: waits for their threads and frees all but m0.
static void join_all(struct rt_m *m0) {
  // An M that was being made when the scheduler stopped is started by now; no more will be made.
  rt_lock(&rt_sched.newmlock);
  rt_unlock(&rt_sched.newmlock);
  for (struct rt_m *m = rt_sched.allm, *next; m; m = next) {
    next = m->all_link;
    if (m == m0) continue;
    rt_mjoin(m);
    rt_mfree(m, &m0->cache);
  }
}

// Everything but what outlives a go_run.
static void reset(void) {
  rt_lock(&rt_statslock);
  free_ps();
  const struct go_stats past = rt_sched.past;
  const uint64_t goids = atomic_load(&rt_sched.goidgen);
  rt_sched = (struct rt_sched){.past = past, .goidgen = goids};
  rt_unlock(&rt_statslock);
}

static void finish(struct rt_m *m0) {
  rt_sysmon_stop(&m0->cache);
  join_all(m0);
  if (rt_det.threads) rt_baton_end();
  for (int32_t i = 0; i < atomic_load(&rt_sched.nallp); i++)
    rt_timers_free(&atomic_load(&rt_sched.allp[i])->timers);
  rt_netpoll_done();
  rt_lock(&rt_statslock);
  free_goroutines(&m0->cache);
  rt_unlock(&rt_statslock);
  rt_quarantine_empty(&m0->cache);
  rt_mfree(m0, &m0->cache);
}

// ---- The beginning ---------------------------------------------------------------------------

struct boot {
  struct rt_m *m;
  void (*fn)(void *);
  void *arg;
  int error;
};

static void boot(void *arg) {
  struct boot *b = arg;
  struct rt_p *p = b->m->p;
  b->error = rt_newg(p, &rt_sched.defaults, b->fn, b->arg, &rt_sched.maing);
  if (!b->error) b->error = rt_stackcommit(&rt_sched.maing->gs.stack);
  if (b->error) return;
  rt_runqput(p, rt_sched.maing, true);
  if (!rt_det_onethread()) rt_sysmon_start(&b->m->cache);
  rt_mstart0(b->m);
}

// Applies options to the modules below; each may be told again by a later go_run.
static int configure(const struct go_config *config) {
  struct rt_options o;
  struct rt_text why = {.n = 0};
  int error = rt_options_read(config, os_getenv, &o, &why);
  if (!error) error = rt_trace_start(o.trace, &why);
  if (!error) error = rt_growthprofile_open(o.stack_profile, o.stack_profile_rate, &why);
  if (error) {
    rt_text_print(&why);
    return error;
  }
  rt_growth_options = o.growth;
  rt_adapt_init(o.adapt_most);
  if (rt_tracing) rt_growth_options.clock = rt_nanotime;
  rt_sched.asked = rt_sched.defaults = o.spawn;
  rt_settle(&rt_sched.defaults);
  rt_shrink_init(&o.shrink);
  if (o.seed) {
    rt_det_start(o.seed, o.fail_every, o.maxprocs > 1);
    rt_clock_virtual(1);
  }
  rt_yield_watched = rt_det.on || rt_tracing;
  rt_copystack_init();
  rt_regfile_init();
  atomic_store(&rt_sched.lastpoll, rt_nanotime());
  const int refused = rt_stackinit(&o.stack);
  if (refused) return refused;
  if (set_maxprocs(o.maxprocs) == 0) return GO_ENOMEM;
  int failed = os_fault_install(rt_onfault);
  if (!failed) failed = rt_preempt_init(o.asyncpreempt);
  return failed ? failed : rt_traceback_init(o.traceback);
}

// Runs the scheduler on the calling thread, which is its first M.
static void run(struct boot *b) {
  b->error = rt_mnew(NULL, false, &b->m);
  if (b->error) return;
  if (rt_det.threads) rt_baton_begin(b->m);
  rt_traceback_join(b->m);
  b->error = os_sigstack_enable(&b->m->sigstack);
  if (!b->error) {
    rt_lock(&rt_sched.lock);
    rt_acquirep(b->m, rt_pidleget());
    rt_unlock(&rt_sched.lock);
    rt_mrun(b->m, boot, b);
    os_sigstack_disable(&b->m->sigstack);
  }
  finish(b->m);
}

int go_run(const struct go_config *config, void (*fn)(void *), void *arg) {
  static _Atomic bool running;
  if (!fn) return GO_EINVAL;
  if (rt_getg() || atomic_exchange(&running, true)) return GO_ENOTG;
  struct boot b = {.fn = fn, .arg = arg};
  b.error = configure(config);
  if (!b.error) run(&b);
  if (!b.error && rt_sched.deadlocked) b.error = GO_EDEADLOCK;
  rt_traceback_done();
  rt_trace_stop();
  rt_growthprofile_close();
  rt_det_stop();
  rt_clock_virtual(0);
  reset();
  atomic_store(&running, false);
  return b.error;
}
