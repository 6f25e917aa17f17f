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
    if (ts->heap[parent].key <= slot.key) break;
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
      if (ts->heap[c].key < ts->heap[least].key) least = c;
    if (ts->heap[least].key >= slot.key) break;
    put(ts, i, ts->heap[least]);
    i = least;
  }
  put(ts, i, slot);
}

static void sift(struct rt_timers *ts, size_t i, struct rt_timerslot slot) {
  if (i > 0 && ts->heap[(i - 1) / CHILDREN].key > slot.key)
    sift_up(ts, i, slot);
  else
    sift_down(ts, i, slot);
}

static void publish_first(struct rt_timers *ts) {
  const int64_t first = ts->n ? ts->heap[0].key : 0;
  if (atomic_load_explicit(&ts->first, memory_order_relaxed) != first)
    atomic_store(&ts->first, first);
}

// ---- States ----------------------------------------------------------------------------------

// With one P nobody else is here.
static bool step(struct rt_timer *t, int64_t from, int64_t to) {
  if (!rt_onep()) return atomic_compare_exchange_strong(&t->when, &from, to);
  if (atomic_load_explicit(&t->when, memory_order_relaxed) != from) return false;
  atomic_store_explicit(&t->when, to, memory_order_relaxed);
  return true;
}

// The state once nobody is taking it out.
static int64_t state(struct rt_timer *t) {
  for (;;) {
    const int64_t when = atomic_load(&t->when);
    if (__builtin_expect(when != RT_TIMER_TAKEN, 1)) return when;
    struct rt_timers *ts = atomic_load_explicit(&t->in, memory_order_acquire);
    if (!ts) continue;  // the next instruction but one
    rt_plock(&ts->lock);
    rt_punlock(&ts->lock);
  }
}

// The heap's lock is held, t is TAKEN and no longer in it.  From here on it may be started anew, or
// be gone.
static void let_go(struct rt_timer *t) {
  atomic_store_explicit(&t->in, NULL, memory_order_release);
  atomic_store_explicit(&t->when, RT_TIMER_OUT, memory_order_release);
}

// The heap's lock is held.
static void take(struct rt_timers *ts, size_t i) {
  struct rt_timer *t = ts->heap[i].timer;
  const struct rt_timerslot last = ts->heap[--ts->n];
  if (i < ts->n) sift(ts, i, last);
  publish_first(ts);
  let_go(t);
}

// The heap's lock is held.  Puts t where its time is by now, unless it has none.
static void rekey(struct rt_timers *ts, struct rt_timer *t) {
  int64_t key = atomic_load_explicit(&t->key, memory_order_relaxed);
  // Whoever starts it for an earlier time sets `when` and then looks at the key; we do the
  // opposite.  One of us sees that it is too late.
  for (int64_t when; (when = atomic_load(&t->when)) > 0 && when != key; key = when)
    atomic_store(&t->key, when);
  if (ts->heap[t->index].key == key) return;
  sift(ts, t->index, (struct rt_timerslot){key, t});
  publish_first(ts);
}

// The heap's lock is held.  The first timer that is not stopped, where it belongs; NULL if there
// is none.
static struct rt_timer *top(struct rt_timers *ts) {
  while (ts->n > 0) {
    struct rt_timer *t = ts->heap[0].timer;
    const int64_t when = atomic_load_explicit(&t->when, memory_order_acquire);
    if (when == ts->heap[0].key) return t;
    if (when != RT_TIMER_DEAD)
      rekey(ts, t);
    else if (step(t, RT_TIMER_DEAD, RT_TIMER_TAKEN))
      take(ts, 0);
  }
  return NULL;
}

// The heap's lock is held.  Takes out all that are stopped.
static void sweep(struct rt_timers *ts) {
  size_t n = 0;
  for (size_t i = 0; i < ts->n; i++) {
    const struct rt_timerslot slot = ts->heap[i];
    if (step(slot.timer, RT_TIMER_DEAD, RT_TIMER_TAKEN))
      let_go(slot.timer);
    else
      put(ts, n++, slot);
  }
  ts->n = n;
  for (size_t i = n; i-- > 0;) sift_down(ts, i, ts->heap[i]);
  publish_first(ts);
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
  rt_plock(&ts->lock);
  struct rt_timerslot *old = heap;
  if (ts->cap < cap) {
    for (size_t i = 0; i < ts->n; i++) heap[i] = ts->heap[i];
    old = ts->heap;
    ts->heap = heap;
    ts->cap = cap;
  }
  rt_punlock(&ts->lock);
  free(old);
}

// The lock is held, but let go meanwhile.  Grows unless half of the heap is of stopped timers: they
// are never more than there were others at one time, and each is looked at once per start, on
// average.
static int make_room(struct rt_timers *ts) {
  sweep(ts);
  if (ts->n < ts->cap / 2) return 0;
  rt_punlock(&ts->lock);
  struct reserve r = {ts, 0};
  rt_systemstack(reserve, &r);
  rt_plock(&ts->lock);
  return ts->n < ts->cap ? 0 : r.error;
}

// There is no memory for a larger heap.  Another P's with room will do, and is returned locked;
// NULL: none.  A timer that was due elsewhere and starts again left room there.
static struct rt_timers *room_elsewhere(const struct rt_timers *full) {
  const int32_t n = atomic_load(&rt_sched.nallp);
  for (int32_t i = 0; i < n; i++) {
    struct rt_timers *ts = &atomic_load(&rt_sched.allp[i])->timers;
    if (ts == full) continue;
    rt_plock(&ts->lock);
    if (ts->n < ts->cap) return ts;
    rt_punlock(&ts->lock);
  }
  return NULL;
}

static int insert(struct rt_timer *t, int64_t when) {
  struct rt_timers *ts = &rt_getg()->m->p->timers;
  rt_plock(&ts->lock);
  while (__builtin_expect(ts->n == ts->cap, 0)) {
    const int error = make_room(ts);
    if (!error) continue;
    rt_punlock(&ts->lock);
    ts = room_elsewhere(ts);
    if (!ts) return error;
  }
  atomic_store_explicit(&t->in, ts, memory_order_relaxed);
  atomic_store_explicit(&t->key, when, memory_order_relaxed);
  ts->n++;
  sift_up(ts, ts->n - 1, (struct rt_timerslot){when, t});
  step(t, RT_TIMER_OUT, when);
  publish_first(ts);
  const bool first = ts->heap[0].timer == t;
  rt_punlock(&ts->lock);  // from here on it may be due elsewhere, and started again
  if (first) rt_netpoll_wake(when);
  return 0;
}

// The timer, if it has not been due and started again since, comes too late in its heap.
__attribute__((noinline)) static void hasten(struct rt_timer *t) {
  struct rt_timers *ts = atomic_load_explicit(&t->in, memory_order_acquire);
  if (!ts) return;
  int64_t first = 0;
  rt_plock(&ts->lock);
  if (atomic_load_explicit(&t->in, memory_order_relaxed) == ts) {  // it cannot leave now
    rekey(ts, t);
    if (ts->heap[0].timer == t) first = ts->heap[0].key;
  }
  rt_punlock(&ts->lock);
  if (first) rt_netpoll_wake(first);
}

int rt_timer_start(struct rt_timer *t, int64_t when) {
  const int64_t at = when > 0 ? when : 1;
  if (state(t) == RT_TIMER_DEAD) {
    rt_point();
    if (step(t, RT_TIMER_DEAD, at)) {
      // The idle know of its slot: they sleep until `key` at most.
      if (atomic_load(&t->key) > at) hasten(t);
      return 0;
    }
    state(t);  // it has just been taken out
  }
  return insert(t, at);
}

bool rt_timer_stop(struct rt_timer *t) {
  for (;;) {
    const int64_t when = state(t);
    if (when <= 0) return false;
    rt_point();
    if (step(t, when, RT_TIMER_DEAD)) return true;
  }
}

bool rt_timer_remove(struct rt_timer *t) {
  for (;;) {
    const int64_t when = state(t);
    if (when == RT_TIMER_OUT) return false;
    struct rt_timers *ts = atomic_load_explicit(&t->in, memory_order_acquire);
    if (!ts) continue;
    rt_plock(&ts->lock);
    const bool taken = atomic_load_explicit(&t->in, memory_order_relaxed) == ts &&
                       step(t, when, RT_TIMER_TAKEN);
    if (taken) take(ts, t->index);
    rt_punlock(&ts->lock);
    if (taken) return when != RT_TIMER_DEAD;
  }
}

// ---- Running ---------------------------------------------------------------------------------

bool rt_timers_run(struct rt_timers *ts, int64_t now) {
  bool any = false;
  rt_plock(&ts->lock);
  for (struct rt_timer *t; (t = top(ts)) && ts->heap[0].key <= now;) {
    if (!step(t, ts->heap[0].key, RT_TIMER_TAKEN)) continue;  // stopped in this moment
    const rt_timerfn fn = t->fn;
    void *arg = t->arg;
    const uint64_t seq = t->seq;
    take(ts, 0);
    rt_count(&ts->fired, 1);
    rt_punlock(&ts->lock);
    fn(arg, seq);
    any = true;
    rt_plock(&ts->lock);
  }
  rt_punlock(&ts->lock);
  return any;
}

bool rt_timers_tidy(struct rt_timers *ts) {
  rt_plock(&ts->lock);
  const int64_t before = atomic_load_explicit(&ts->first, memory_order_relaxed);
  top(ts);
  const bool same = atomic_load_explicit(&ts->first, memory_order_relaxed) == before;
  rt_punlock(&ts->lock);
  return !same;
}

void rt_timers_free(struct rt_timers *ts) {
  sweep(ts);
  for (size_t i = 0; i < ts->n; i++) let_go(ts->heap[i].timer);
  for (size_t i = 0; i < ts->n; i++) ts->heap[i].timer->fn(ts->heap[i].timer->arg, 0);
  free(ts->heap);
  ts->heap = NULL;
  ts->n = ts->cap = 0;
  atomic_store(&ts->first, 0);
}
