// Ms: the threads of the scheduler and their g0 stacks.
#include <stdatomic.h>
#include <stdlib.h>
#include "runtime/sched/sched.h"
#include "runtime/stack/sanitize.h"

int rt_mnew(struct rt_stackcache *cache, struct rt_m **out) {
  struct rt_m *m = aligned_alloc(64, sizeof *m);
  if (!m) return GO_ENOMEM;
  *m = (struct rt_m){.rand = (uint32_t)(uintptr_t)m | 1};
  m->g0.m = m;
  m->g0.status = RT_GRUNNING;
  const int error = rt_stackalloc(RT_STACK_FIXED, RT_STACK_G0, cache ? cache : &m->cache,
                                  &m->g0.gs.stack);
  if (error) {
    free(m);
    return error;
  }
  rt_lock(&rt_sched.lock);
  m->all_link = rt_sched.allm;
  rt_sched.allm = m;
  rt_sched.nm++;
  rt_unlock(&rt_sched.lock);
  *out = m;
  return 0;
}

static void remember(const struct rt_stackstats *s) {
  struct go_stats *past = &rt_sched.past;
  past->pool_hits += s->pool_hits;
  past->pool_misses += s->pool_misses;
  past->growths += s->growths;
  past->growths_by_fault += s->growths_by_fault;
  past->moves_forced += s->moves_forced;
  past->pages_moved_growths += s->pages_moved_growths;
  past->bytes_copied += s->bytes_copied;
  past->words_adjusted += s->words_adjusted;
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
  free(m);
}

static void mloop(void *arg) { rt_mstart0(arg); }

// The thread of an M.  Without a signal stack it must not run goroutines: it gives its P back,
// and the Ms that run will find the work.
static void mthread(void *arg) {
  struct rt_m *m = arg;
  if (os_sigstack_enable(&m->sigstack) == 0) {
    rt_acquirep(m, m->nextp);
    m->nextp = NULL;
    rt_mrun(m, mloop, m);
    os_sigstack_disable(&m->sigstack);
    return;
  }
  rt_lock(&rt_sched.lock);
  rt_pidleput(m->nextp);
  m->nextp = NULL;
  m->failed = true;
  rt_sched.nm--;  // it will never be idle, nor run: see the deadlock test in stopm
  if (m->spinning) atomic_fetch_sub(&rt_sched.nmspinning, 1);
  rt_unlock(&rt_sched.lock);
}

int rt_mstart(struct rt_m *m, struct rt_p *p, bool spinning) {
  m->nextp = p;
  m->spinning = spinning;
  return os_thread_start(&m->thread, mthread, m);
}
