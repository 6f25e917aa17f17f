// deterministic.h: runs that can be replayed.  With a seed (go_config.seed) the clock is virtual,
// and every choice comes from the seed: which goroutine runs next, where one is interrupted, which
// ready case a select takes, when a timer fires, which allocation fails.
//
// With one P, one thread runs everything, and goroutines that can run are in one set, from which
// the seed takes.  With several, the scheduler is the real one, queues, thieves and all, and what
// the seed chooses is which M goes on: baton.h.
//
// Half of the seeds choose evenly; the other half give goroutines priorities that change now and
// then, which finds bugs that need one of them to be late for long (Burckhardt, Kothari, Musuvathi
// and Nagarakatte, "A randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS
// 2010).
#ifndef STACKLAB_RUNTIME_SCHED_DETERMINISTIC_H_
#define STACKLAB_RUNTIME_SCHED_DETERMINISTIC_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "runtime/arch/arch.h"
#include "runtime/sched/baton.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rt_g;

// Every operation reads `on`: nothing that others write may lie in the same cache line.
struct rt_det {
  bool on;
  bool threads;         // several Ps: Ms take turns
  bool priorities;      // this seed's way of choosing goroutines
  uint64_t state;       // of the generator
  uint64_t digest;      // of all choices so far
  uint64_t goid0;       // goroutines are known by how much later than this they were made
  uint32_t point_every; // a point interrupts one time in so many
  uint32_t fail_every;  // an allocation fails one time in so many; 0: never
  int32_t locks;        // rt_locks held: the one thread would wait for itself
  struct rt_g **queue;  // what can run, with one P
  size_t n, cap;
  // With several.
  struct rt_m *holder;  // of the baton; NULL: before the first M and after the last
  struct rt_m *ms;      // all, by turn.next
  uint32_t nms;         // so far
} __attribute__((aligned(64)));
extern struct rt_det rt_det;

// rt_det_start makes this go_run deterministic; rt_det_stop ends that.
void rt_det_start(uint64_t seed, uint32_t fail_every, bool threads);
void rt_det_stop(void);

// rt_choose returns a number below n (at least 1), from the seed.  Only while rt_det.on.
uint32_t rt_choose(uint32_t n);

// rt_det_note makes `what` part of the digest.
void rt_det_note(uint64_t what);

// One thread runs everything.
static inline bool rt_det_onethread(void) { return rt_det.on && !rt_det.threads; }

// The run queue of one thread.  rt_det_put cannot fail but by ending the process; rt_det_get: NULL
// if it is empty.
void rt_det_put(struct rt_g *g);
struct rt_g *rt_det_get(void);

// rt_det_time lets the clock reach the next timer, now and then, although goroutines could run.
// g0.
void rt_det_time(void);

void rt_det_interrupt(void);
void rt_det_interrupt_call(void);
void rt_det_yield(struct rt_g *g);  // it yields: others come before it now and then

// rt_point is a place where another goroutine may come in between, or another thread where there
// are several.  The runtime has one before and after every lock; code that works with atomics
// alone says where its own are.  Goroutine or g0.
static inline void rt_point(void) {
  if (__builtin_expect(rt_det.on, 0)) rt_det_interrupt();
}

// rt_callpoint is a point at which a goroutine calls the runtime: sysmon may interrupt it just
// before.  Goroutine, which has not looked yet at which M and P it is on.
static inline void rt_callpoint(void) {
  if (__builtin_expect(rt_det.on, 0)) rt_det_interrupt_call();
}

// rt_mpoint is one where only another thread can come in.  Any stack.
static inline void rt_mpoint(void) {
  if (__builtin_expect(rt_det.threads, 0)) rt_baton_point();
}

// rt_relax is rt_cpu_relax in a loop that ends when another thread gets on.
static inline void rt_relax(void) {
  if (__builtin_expect(rt_det.threads, 0))
    rt_baton_pass();
  else
    rt_cpu_relax();
}

// rt_det_fails tells whether an allocation is to fail.
bool rt_det_fails(void);

// rt_malloc is malloc, but that the seed may make it fail.  Any stack.
void *rt_malloc(size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
