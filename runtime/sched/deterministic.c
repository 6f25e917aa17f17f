// Runs that can be replayed (deterministic.h).
#include "runtime/sched/deterministic.h"

#include <stdatomic.h>
#include <stdlib.h>
#include "runtime/arch/arch.h"
#include "runtime/os/throw.h"
#include "runtime/sched/preempt.h"

struct rt_det rt_det;

// splitmix64 (Steele, Lea and Flood, OOPSLA 2014).
static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

static uint64_t next(void) { return mix(rt_det.state += 0x9e3779b97f4a7c15); }

void rt_det_note(uint64_t what) { rt_det.digest = mix(rt_det.digest ^ what) + what; }

uint32_t rt_choose(uint32_t n) {
  const uint32_t chosen = (uint32_t)((next() >> 32) * n >> 32);
  rt_det_note(chosen);
  return chosen;
}

void rt_det_start(uint64_t seed, uint32_t fail_every, bool threads) {
  rt_det = (struct rt_det){
      .on = true, .threads = threads, .state = seed, .fail_every = fail_every};
  rt_det.goid0 = atomic_load(&rt_sched.goidgen);
  rt_det.priorities = rt_choose(2) == 1;
  rt_det.point_every = 2u << rt_choose(6);
}

void rt_det_stop(void) {
  free(rt_det.queue);
  const uint64_t digest = rt_det.digest;
  rt_det = (struct rt_det){.digest = digest};
}

static void grow(void *unused) {
  (void)unused;
  const size_t cap = rt_det.cap ? 2 * rt_det.cap : 64;
  struct rt_g **queue = realloc(rt_det.queue, cap * sizeof *queue);
  if (!queue) rt_throw("no memory for the deterministic run queue");
  rt_det.queue = queue;
  rt_det.cap = cap;
}

void rt_det_put(struct rt_g *g) {
  if (rt_det.n == rt_det.cap) rt_systemstack(grow, NULL);
  rt_det.queue[rt_det.n++] = g;
}

// A priority changes whenever the goroutine yields, by itself or at a point where that is due: one
// that waits for another in a loop would otherwise wait for ever.
static uint64_t priority(const struct rt_g *g) {
  return mix((g->gs.goid - rt_det.goid0) ^ g->priority);
}

static size_t highest(void) {
  size_t best = 0;
  for (size_t i = 1; i < rt_det.n; i++)
    if (priority(rt_det.queue[i]) > priority(rt_det.queue[best])) best = i;
  return best;
}

struct rt_g *rt_det_get(void) {
  if (rt_det.n == 0) return NULL;
  const size_t i = rt_det.priorities ? highest() : rt_choose((uint32_t)rt_det.n);
  struct rt_g *g = rt_det.queue[i];
  rt_det.queue[i] = rt_det.queue[--rt_det.n];
  rt_det_note(g->gs.goid - rt_det.goid0);
  return g;
}

void rt_det_interrupt(void) {
  if (rt_det.threads) {
    rt_baton_point();
    return;
  }
  struct rt_g *g = rt_getg();
  if (!g || g == &g->m->g0 || rt_det.locks > 0) return;
  if (atomic_load_explicit(&g->status, memory_order_relaxed) != RT_GRUNNING) return;
  if (rt_choose(rt_det.point_every) != 0) return;
  go_yield();
}

void rt_det_interrupt_call(void) {
  rt_det_interrupt();
  if (rt_det.threads) rt_preempt_here();
}

void rt_det_yield(struct rt_g *g) { g->priority = next(); }

void rt_det_time(void) {
  enum { TIME_EVERY = 16 };
  // Between threads a look takes many points: the locks of all heaps.
  if (rt_det.threads && rt_choose(TIME_EVERY) != 0) return;
  const int64_t first = rt_timers_wanted();
  if (first == 0 || first <= rt_nanotime()) return;
  if (rt_det.threads || rt_choose(TIME_EVERY) == 0) rt_clock_advance(first);
}

uint64_t go_schedule_digest(void) { return rt_det.digest; }

bool rt_det_fails(void) {
  return rt_det.on && rt_det.fail_every && rt_choose(rt_det.fail_every) == 0;
}

void *rt_malloc(size_t bytes) { return rt_det_fails() ? NULL : malloc(bytes); }
