// Timers: a 4-ary heap per P (timer.h).  Four children a node: half the levels of a binary heap,
// and siblings share a cache line.
#include "runtime/sched/timer.h"

#include <stdatomic.h>
#include <stdlib.h>
#include "runtime/arch/arch.h"
#include "runtime/sched/clock.h"
#include "runtime/sched/deterministic.h"
#include "runtime/sched/netpoll.h"
#include "runtime/sched/sched.h"
#include "runtime/stack/count.h"

enum { CHILDREN = 4, FIRST_CAP = 16 };

// ---- The heap; under its lock ----------------------------------------------------------------

static void put(struct rt_timers *ts, size_t i, struct rt_timerslot slot) {
  ts->heap[i] = slot;
  slot.timer->index = i;
}

static void sift_up(struct rt_timers *ts, size_t i, struct rt_timerslot slot) {
  while (i > 0) {
    const size_t parent = (i - 1) / CHILDREN;
    if (ts->heap[parent].when <= slot.when) break;
    put(ts, i, ts->heap[parent]);
    i = parent;
  }
  put(ts, i, slot);
}

static void sift_down(struct rt_timers *ts, size_t i, struct rt_timerslot slot) {
  for (;;) {
    const size_t first = i * CHILDREN + 1;
    if (first >= ts->n) break;
    size_t least = first;
    for (size_t c = first + 1; c < first + CHILDREN && c < ts->n; c++)
      if (ts->heap[c].when < ts->heap[least].when) least = c;
    if (ts->heap[least].when >= slot.when) break;
    put(ts, i, ts->heap[least]);
    i = least;
  }
  put(ts, i, slot);
}

static void publish_first(struct rt_timers *ts) {
  atomic_store(&ts->first, ts->n ? ts->heap[0].when : 0);
}

static void insert(struct rt_timers *ts, struct rt_timer *t) {
  atomic_store_explicit(&t->in, ts, memory_order_relaxed);
  ts->n++;
  sift_up(ts, ts->n - 1, (struct rt_timerslot){t->when, t});
  publish_first(ts);
}

static void take(struct rt_timers *ts, struct rt_timer *t) {
  const size_t i = t->index;
  const struct rt_timerslot last = ts->heap[--ts->n];
  if (last.timer != t) {
    if (i > 0 && ts->heap[(i - 1) / CHILDREN].when > last.when)
      sift_up(ts, i, last);
    else
      sift_down(ts, i, last);
  }
  publish_first(ts);
  // Last: whoever sees this may start it anew.
  atomic_store_explicit(&t->in, NULL, memory_order_release);
}

// ---- Starting and stopping -------------------------------------------------------------------

struct reserve {
  struct rt_timers *ts;
  int error;
};

// On g0, lock not held: room for at least one more.
static void reserve(void *arg) {
  struct reserve *r = arg;
  struct rt_timers *ts = r->ts;
  const size_t cap = ts->cap ? 2 * ts->cap : FIRST_CAP;
  struct rt_timerslot *heap = rt_malloc(cap * sizeof *heap);
  r->error = heap ? rt_netpoll_init() : GO_ENOMEM;
  if (r->error) {
    free(heap);
    return;
  }
  rt_lock(&ts->lock);
  struct rt_timerslot *old = heap;
  if (ts->cap < cap) {
    for (size_t i = 0; i < ts->n; i++) heap[i] = ts->heap[i];
    old = ts->heap;
    ts->heap = heap;
    ts->cap = cap;
  }
  rt_unlock(&ts->lock);
  free(old);
}

int rt_timer_start(struct rt_timer *t, int64_t when) {
  struct rt_timers *ts = &rt_getg()->m->p->timers;
  const int64_t at = when > 0 ? when : 1;
  t->when = at;
  rt_lock(&ts->lock);
  while (ts->n == ts->cap) {
    rt_unlock(&ts->lock);
    struct reserve r = {ts, 0};
    rt_systemstack(reserve, &r);
    if (r.error) return r.error;
    rt_lock(&ts->lock);
  }
  insert(ts, t);
  const bool first = ts->heap[0].timer == t;
  rt_unlock(&ts->lock);  // from here on it may be due elsewhere, and started again
  if (first) rt_netpoll_wake(at);
  return 0;
}

bool rt_timer_stop(struct rt_timer *t) {
  for (;;) {
    struct rt_timers *ts = atomic_load_explicit(&t->in, memory_order_acquire);
    if (!ts) return false;
    rt_lock(&ts->lock);
    const bool here = atomic_load_explicit(&t->in, memory_order_relaxed) == ts;
    if (here) take(ts, t);
    rt_unlock(&ts->lock);
    if (here) return true;
  }
}

bool rt_timers_run(struct rt_timers *ts, int64_t now) {
  bool any = false;
  rt_lock(&ts->lock);
  while (ts->n > 0 && ts->heap[0].when <= now) {
    struct rt_timer *t = ts->heap[0].timer;
    const rt_timerfn fn = t->fn;
    void *arg = t->arg;
    const uint64_t seq = t->seq;
    take(ts, t);  // from here on it may be started again, or gone
    rt_count(&ts->fired, 1);
    rt_unlock(&ts->lock);
    fn(arg, seq);
    any = true;
    rt_lock(&ts->lock);
  }
  rt_unlock(&ts->lock);
  return any;
}

void rt_timers_free(struct rt_timers *ts) {
  for (size_t i = 0; i < ts->n; i++)
    atomic_store_explicit(&ts->heap[i].timer->in, NULL, memory_order_release);
  for (size_t i = 0; i < ts->n; i++) ts->heap[i].timer->fn(ts->heap[i].timer->arg, 0);
  free(ts->heap);
  ts->heap = NULL;
  ts->n = ts->cap = 0;
  atomic_store(&ts->first, 0);
}
