// Counters and names that a program may read while it runs.
#include "runtime/sched/stats.h"

#include <stdatomic.h>
#include "runtime/arch/arch.h"
#include "runtime/sched/netpoll.h"
#include "runtime/sched/sched.h"

struct rt_lock rt_statslock;

static uint64_t get(const _Atomic uint64_t *n) {
  return atomic_load_explicit(n, memory_order_relaxed);
}

// sched.lock held.
static void add_ms(struct go_stats *out) {
  for (struct rt_m *m = rt_sched.allm; m; m = m->all_link) {
    const struct rt_stackstats *s = &m->cache.stats;
    out->threads += !m->failed;
    out->pool_hits += get(&s->pool_hits);
    out->pool_misses += get(&s->pool_misses);
    out->growths += get(&s->growths);
    out->growths_by_fault += get(&s->growths_by_fault);
    out->growths_in_place += get(&s->growths_in_place);
    out->segments_made += get(&s->segments_made);
    out->segments += get(&s->segments_made) - get(&s->segments_freed);
    out->moves_forced += get(&s->moves_forced);
    out->shrinks += get(&s->shrinks);
    out->pages_moved_growths += get(&s->pages_moved_growths);
    out->bytes_copied += get(&s->bytes_copied);
    out->words_adjusted += get(&s->words_adjusted);
    out->starts_larger += get(&s->starts_larger);
    for (int i = 0; i < GO_STACK_CLASSES; i++) out->stacks_by_class[i] += get(&s->in_use[i]);
  }
}

static void add_ps(struct go_stats *out) {
  const int32_t n = atomic_load(&rt_sched.nallp);
  for (int32_t i = 0; i < n; i++) {
    struct rt_p *p = atomic_load(&rt_sched.allp[i]);
    out->goroutines_created += get(&p->created);
    out->goroutines_ended += get(&p->ended);
    out->steals += get(&p->steals);
    out->preemptions += get(&p->preemptions);
    out->handoffs += get(&p->handoffs);
    out->switches += get(&p->schedtick);
    out->timers_fired += get(&p->timers.fired);
  }
}

static void add_goroutine(const struct rt_g *g, struct go_stats *out) {
  switch (atomic_load_explicit(&g->status, memory_order_relaxed) & ~(uint32_t)RT_GSCAN) {
    case RT_GRUNNABLE:
      out->runnable++;
      break;
    case RT_GRUNNING:
    case RT_GCOPYSTACK:  // until it goes on
      out->running++;
      break;
    case RT_GSYSCALL:
      out->in_syscall++;
      break;
    case RT_GWAITING:
      out->waiting++;
      break;
    case RT_GPREEMPTED:
      out->preempted++;
      break;
    default:
      break;
  }
}

void go_stats(struct go_stats *out) {
  const bool outside = !rt_getg();
  void (*const lock)(struct rt_lock *) = outside ? rt_lock_outside : rt_lock;
  void (*const unlock)(struct rt_lock *) = outside ? rt_unlock_outside : rt_unlock;
  lock(&rt_statslock);
  lock(&rt_sched.lock);
  *out = rt_sched.past;
  add_ms(out);
  add_ps(out);
  // New chunks come before this one; none goes while statslock is held.
  const struct rt_gchunk *chunks = rt_sched.chunks;
  unlock(&rt_sched.lock);
  for (const struct rt_gchunk *c = chunks; c; c = c->next)
    for (int i = 0; i < RT_GCHUNK; i++) add_goroutine(&c->g[i], out);
  unlock(&rt_statslock);
  rt_netpoll_stats(out);
}

const char *go_growth_name(int i) {
  const struct rt_growth *growth = rt_growth_at(i);
  return growth ? growth->name : NULL;
}

int go_growth_moves(const char *name) {
  const struct rt_growth *growth = name ? rt_growth_find(name) : NULL;
  return growth ? growth->moves : GO_ESTRATEGY;
}
