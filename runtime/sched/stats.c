// Counters and names that a program may read while it runs.
#include <stdatomic.h>
#include "runtime/sched/sched.h"

static uint64_t get(const _Atomic uint64_t *n) {
  return atomic_load_explicit(n, memory_order_relaxed);
}

void go_stats(struct go_stats *out) {
  rt_lock(&rt_sched.lock);
  *out = rt_sched.past;
  for (struct rt_m *m = rt_sched.allm; m; m = m->all_link) {
    const struct rt_stackstats *s = &m->cache.stats;
    out->pool_hits += get(&s->pool_hits);
    out->pool_misses += get(&s->pool_misses);
    out->growths += get(&s->growths);
    out->growths_by_fault += get(&s->growths_by_fault);
    out->moves_forced += get(&s->moves_forced);
    out->pages_moved_growths += get(&s->pages_moved_growths);
    out->bytes_copied += get(&s->bytes_copied);
    out->words_adjusted += get(&s->words_adjusted);
    for (int i = 0; i < GO_STACK_CLASSES; i++) out->stacks_by_class[i] += get(&s->in_use[i]);
  }
  const int32_t n = atomic_load(&rt_sched.nallp);
  for (int32_t i = 0; i < n; i++) {
    struct rt_p *p = atomic_load(&rt_sched.allp[i]);
    out->goroutines_created += get(&p->created);
    out->goroutines_ended += get(&p->ended);
    out->steals += get(&p->steals);
    out->preemptions += get(&p->preemptions);
  }
  rt_unlock(&rt_sched.lock);
}

const char *go_growth_name(int i) {
  const struct rt_growth *growth = rt_growth_at(i);
  return growth ? growth->name : NULL;
}

int go_growth_moves(const char *name) {
  const struct rt_growth *growth = name ? rt_growth_find(name) : NULL;
  return growth ? growth->moves : GO_ESTRATEGY;
}
