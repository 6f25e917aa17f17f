// The 4-ary heap of timers (runtime/sched/timer.h) against an array: what is called, when, in which
// order and how often; and the shape of the heap after every step.
//
// An input is a header of two bytes, then steps of three (kind, timer, time); what is missing reads
// as 0.
//
//   0  allocations that fail: 0 none, else one in 1 + n      1  the seed of that
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/results.h"
#include "runtime/arch/arch.h"
#include "runtime/go.h"
#include "runtime/sched/sched.h"

enum { HEADER = 2, TIMERS = 48, STEPS_MAX = 1000 };
enum kind { START, STOP, REMOVE, RUN, TIDY, AGAIN, BURST, KINDS };

static struct rt_timer timers[TIMERS];
static struct {
  int64_t when;   // due then; 0: stopped
  int64_t again;  // its function starts it anew, so much later
} model[TIMERS];
static int64_t now, last_fired;

static const uint8_t *input;
static size_t input_bytes;

static void expect(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "timers: %s\n", what);
  abort();
}

static struct rt_timers *heap(void) { return &rt_getg()->m->p->timers; }

// Without memory the timer is stopped.
static void start(size_t i, int64_t when) {
  const int error = rt_timer_start(&timers[i], when);
  expect(error == 0 || error == GO_ENOMEM, "rt_timer_start: an error that there is not");
  model[i].when = error ? 0 : when;
}

static void fire(void *arg, uint64_t seq) {
  const size_t i = (size_t)((struct rt_timer *)arg - timers);
  expect(seq == i + 1, "called with another timer's seq");
  expect(model[i].when != 0, "called, and was stopped");
  expect(model[i].when <= now, "called too early");
  expect(model[i].when >= last_fired, "called after one that was due later");
  last_fired = model[i].when;
  const int64_t fired[] = {(int64_t)i, last_fired, now};
  fuzz_result(fired, sizeof fired);
  model[i].when = 0;
  if (!model[i].again) return;
  start(i, now + model[i].again);
  model[i].again = 0;
}

static void run(void) {
  int64_t due = 0;
  for (size_t i = 0; i < TIMERS; i++) due += model[i].when && model[i].when <= now;
  last_fired = 0;
  expect(rt_timers_run(heap(), now) == (due > 0), "rt_timers_run: whether it called any");
  for (size_t i = 0; i < TIMERS; i++)
    expect(!model[i].when || model[i].when > now, "due, and not called");
}

static void check_first(void) {
  int64_t first = 0;
  for (size_t i = 0; i < TIMERS; i++)
    if (model[i].when && (!first || model[i].when < first)) first = model[i].when;
  expect(rt_timers_wanted() == first, "rt_timers_wanted: another one is first");
}

static void check_heap(void) {
  const struct rt_timers *ts = heap();
  expect(ts->n <= ts->cap, "more timers than there is room for");
  expect(atomic_load(&ts->first) == (ts->n ? ts->heap[0].key : 0), "`first` is another one's");
  for (size_t i = 0; i < ts->n; i++) {
    const struct rt_timer *t = ts->heap[i].timer;
    expect(t >= timers && t < timers + TIMERS, "a timer of nobody's");
    expect(t->index == i, "a timer that does not know its place");
    expect(atomic_load(&t->key) == ts->heap[i].key, "a key that is not its timer's");
    expect(i == 0 || ts->heap[(i - 1) / 4].key <= ts->heap[i].key, "out of order");
  }
  for (size_t i = 0; i < TIMERS; i++) {
    const struct rt_timer *t = &timers[i];
    const int64_t when = atomic_load(&t->when);
    const bool in = atomic_load(&t->in) == ts;
    expect(when == (model[i].when ? model[i].when : in ? RT_TIMER_DEAD : RT_TIMER_OUT),
           "in a state that it should not be in");
    expect(in || when == RT_TIMER_OUT, "pending, and in no heap");
    expect(!in || (t->index < ts->n && ts->heap[t->index].timer == t), "not where it says");
    expect(!model[i].when || atomic_load(&t->key) <= when, "would come up too late");
  }
}

static void step(uint8_t kind, size_t i, uint8_t time) {
  const bool pending = model[i].when != 0;
  switch (kind % KINDS) {
    case START:
      if (!pending) start(i, now + 1 + time);
      break;
    case STOP:
      expect(rt_timer_stop(&timers[i]) == pending, "rt_timer_stop: whether it was pending");
      model[i].when = 0;
      break;
    case REMOVE:
      expect(rt_timer_remove(&timers[i]) == pending, "rt_timer_remove: whether it was pending");
      expect(!atomic_load(&timers[i].in), "removed, and in a heap");
      model[i].when = 0;
      break;
    case RUN:
      now += time / 8;
      run();
      break;
    case TIDY:
      rt_timers_tidy(heap());
      check_first();
      break;
    case AGAIN:
      model[i].again = 1 + time;
      break;
    default:  // many of one time
      for (size_t k = 0; k < time % TIMERS; k++)
        if (!model[(i + k) % TIMERS].when) start((i + k) % TIMERS, now + 1 + time / 4);
  }
}

// On g0, as the scheduler itself; nobody else looks at the heap meanwhile.
static void steps(void *unused) {
  (void)unused;
  for (size_t at = 0; at + 3 <= input_bytes && at < 3 * STEPS_MAX; at += 3) {
    step(input[at], input[at + 1] % TIMERS, input[at + 2]);
    check_heap();
  }
  check_first();
  for (size_t i = 0; i < TIMERS; i++) rt_timer_remove(&timers[i]);
  expect(heap()->n == 0, "the heap has timers that nobody has started");
}

static void first(void *unused) {
  (void)unused;
  rt_systemstack(steps, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < HEADER) return 0;
  input = data + HEADER;
  input_bytes = size - HEADER;
  now = 1;
  memset(model, 0, sizeof model);
  memset(timers, 0, sizeof timers);
  for (size_t i = 0; i < TIMERS; i++)
    timers[i] = (struct rt_timer){.fn = fire, .arg = &timers[i], .seq = i + 1};
  const struct go_config config = {.seed = 1 + (uint64_t)data[1],
                                   .fail_every = data[0] ? data[0] + 1u : 0};
  const int error = go_run(&config, first, NULL);
  expect(error == GO_OK || (data[0] && (error == GO_ENOMEM || error == GO_EMAP)), "go_run fails");
  return 0;
}
