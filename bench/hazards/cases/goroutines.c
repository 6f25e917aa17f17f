// goroutines.c: two goroutines, one of which has a pointer into the other's stack; growth beside
// scheduling and preemption.  Each returns 0 if all is right.
#include "bench/hazards/cases/cases.h"
#include "bench/hazards/hazard.h"

#include <string.h>

#include "runtime/go.h"
#include "tests/signal_frames.h"

static struct go_waitgroup finished;

// Those who are only there for another's sake.  Their stacks do not move, and are filled: small.
static const struct go_spawn_options small = {.growth = "reserve", .stack_max = 64 << 10};

static void write_result(void *arg) {
  uint64_t *volatile *slot = arg;
  **slot = 42;
  go_waitgroup_done(&finished);
}

// The runtime cannot see it: the child finds the pointer on the heap.
uint64_t result_slot_of_parent(uint64_t n) {
  uint64_t result = n;
  uint64_t *volatile *slot = hazard_heap();
  *slot = &result;
  go_waitgroup_add(&finished, 1);
  if (go_spawn(&small, write_result, (void *)slot) != GO_OK)
    return 1;
  hazard_grow();
  go_waitgroup_wait(&finished);
  __asm__ volatile("" : : : "memory");
  return result != 42;
}

static void call_done(void *arg) {
  go_waitgroup_done(*(struct go_waitgroup **)arg);
}

uint64_t waitgroup_on_stack(uint64_t n) {
  struct go_waitgroup local;
  memset(&local, 0, sizeof local);
  struct go_waitgroup **slot = hazard_heap();
  *slot = &local;
  const int code = go_waitgroup_add(&local, (int)n);
  if (code != GO_OK) {
    hazard_refused(code);
    return 0;
  }
  for (uint64_t i = 0; i < n; i++)
    if (go_spawn(&small, call_done, (void *)slot) != GO_OK)
      return 1;
  hazard_grow();
  return go_waitgroup_wait(&local) != GO_OK;
}

static void increment(void *arg) {
  ++*(uint64_t *)arg;
  go_waitgroup_done(&finished);
}

uint64_t argument_on_stack(uint64_t n) {
  uint64_t local = n;
  go_waitgroup_add(&finished, 1);
  const int code = go_spawn(&small, increment, &local);
  if (code != GO_OK) {
    go_waitgroup_done(&finished);
    hazard_refused(code);
    return 0;
  }
  hazard_grow();
  go_waitgroup_wait(&finished);
  __asm__ volatile("" : : : "memory");
  return local != n + 1;
}

// A switch notes SP high on the stack; what is live at the fault reaches far below that.
uint64_t stale_live_range(uint64_t n) {
  go_yield();
  return frame_array(n) != 15 + n * (n + 1) / 2 || frame_chain(n) != n * (n + 1) / 2;
}

// ---- Preemption --------------------------------------------------------------------------------
static uint64_t preemptions(void) {
  struct go_stats s;
  go_stats(&s);
  return s.preemptions;
}

enum { ITEMS = 512 };
static const int64_t at_most_ns = 20000000000;

typedef double lanes __attribute__((vector_size(32)));

NOINLINE static double sum_of(const double *items) {
  lanes a = {0, 0, 0, 0}, b = a, c = a, d = a;
  for (int round = 0; round < 200; round++) {
    for (int i = 0; i < ITEMS; i += 16) {
      lanes v[4];
      memcpy(v, items + i, sizeof v);
      a += v[0], b += v[1], c += v[2], d += v[3];
    }
  }
  a += b + c + d;
  return a[0] + a[1] + a[2] + a[3];
}

// Sums held in vector registers, while the goroutine is interrupted and its stack grows.
uint64_t sums_under_preemption(uint64_t n) {
  static double items[ITEMS];
  for (int i = 0; i < ITEMS; i++)
    items[i] = (double)(i % 7 + (int)n);
  const double right = sum_of(items);
  const uint64_t before = preemptions();
  const int64_t began = go_nanotime();
  uint64_t wrong = 0;
  hazard_grow();
  while (preemptions() < before + 2) {
    wrong += sum_of(items) != right;
    if (go_nanotime() - began > at_most_ns) {
      hazard_not_here("nobody interrupts it");
      return 0;
    }
  }
  return wrong;
}

static struct go_mutex mutex;
static volatile uint64_t guarded;

static void take_turn(void *arg) {
  (void)arg;
  go_mutex_lock(&mutex);
  guarded = guarded + 1;
  go_mutex_unlock(&mutex);
  go_waitgroup_done(&finished);
}

// A lock's holder grows and is interrupted while another goroutine wants the lock.
uint64_t mutex_held_over_growth(uint64_t n) {
  const uint64_t before = preemptions(), had = guarded;
  const int64_t began = go_nanotime();
  go_mutex_lock(&mutex);
  go_waitgroup_add(&finished, 1);
  if (go_spawn(&small, take_turn, NULL) != GO_OK)
    return 1;
  hazard_grow();
  while (preemptions() < before + n) {
    for (volatile int i = 0; i < 10000; i = i + 1)
      continue;
    if (go_nanotime() - began > at_most_ns) {
      hazard_not_here("nobody interrupts it");
      break;
    }
  }
  const uint64_t early = guarded - had;
  go_mutex_unlock(&mutex);
  go_waitgroup_wait(&finished);
  return early != 0 || guarded != had + 1;
}
