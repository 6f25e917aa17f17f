// deterministic.h: runs that can be replayed.  With a seed (go_config.seed), one thread runs
// everything, the clock is virtual, and every choice comes from the seed: which goroutine runs
// next, where one is interrupted, which ready case a select takes, when a timer fires, which
// allocation fails.
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

#ifdef __cplusplus
extern "C" {
#endif

struct rt_g;

struct rt_det {
  bool on;
  bool priorities;      // this seed's way of choosing goroutines
  uint64_t state;       // of the generator
  uint64_t digest;      // of all choices so far
  uint64_t goid0;       // goroutines are known by how much later than this they were made
  uint32_t point_every; // a point interrupts one time in so many
  uint32_t fail_every;  // an allocation fails one time in so many; 0: never
  int32_t locks;        // rt_locks held: the one thread would wait for itself
  struct rt_g **queue;  // what can run
  size_t n, cap;
};
extern struct rt_det rt_det;

// rt_det_start makes this go_run deterministic; rt_det_stop ends that.
void rt_det_start(uint64_t seed, uint32_t fail_every);
void rt_det_stop(void);

// rt_choose returns a number below n (at least 1), from the seed.  Only while rt_det.on.
uint32_t rt_choose(uint32_t n);

// The run queue.  rt_det_put cannot fail but by ending the process; rt_det_get: NULL if empty.
void rt_det_put(struct rt_g *g);
struct rt_g *rt_det_get(void);

// rt_det_time lets the clock reach the next timer, now and then, although goroutines could run.
// g0.
void rt_det_time(void);

void rt_det_interrupt(void);
void rt_det_yield(struct rt_g *g);  // it yields: others come before it now and then

// rt_point is a place where another goroutine may come in between, or another thread where there
// are several.  The runtime has one before and after every lock; code that works with atomics
// alone says where its own are.  Goroutine or g0.
static inline void rt_point(void) {
  if (__builtin_expect(rt_det.on, 0)) rt_det_interrupt();
}

// rt_det_fails tells whether an allocation is to fail.
bool rt_det_fails(void);

// rt_malloc is malloc, but that the seed may make it fail.  Any stack.
void *rt_malloc(size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
