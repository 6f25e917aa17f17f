// Queues of runnable goroutines: the list that sched.lock protects, and each P's ring (Go's
// runqput, runqget, runqgrab, after Arora, Blumofe and Plaxton's work stealing).
#include <stdatomic.h>
#include "runtime/sched/deterministic.h"
#include "runtime/sched/sched.h"

enum { NEXT_MOST = 64 };  // this often runnext goes before the ring, and then after it

// Deterministic runs have their own copy of what is inline here, with points between the steps.
#define COPIED static inline __attribute__((always_inline))

void rt_gqueue_push(struct rt_gqueue *q, struct rt_g *g) {
  g->schedlink = NULL;
  if (q->tail)
    q->tail->schedlink = g;
  else
    q->head = g;
  q->tail = g;
  q->n++;
}

struct rt_g *rt_gqueue_pop(struct rt_gqueue *q) {
  struct rt_g *g = q->head;
  if (!g) return NULL;
  q->head = g->schedlink;
  if (!q->head) q->tail = NULL;
  g->schedlink = NULL;
  q->n--;
  return g;
}

static void append(struct rt_gqueue *q, const struct rt_gqueue *more) {
  if (q->tail)
    q->tail->schedlink = more->head;
  else
    q->head = more->head;
  q->tail = more->tail;
  q->n += more->n;
}

struct rt_gqueue rt_gqueue_split(struct rt_gqueue *q, int32_t n) {
  struct rt_g *last = q->head;
  for (int32_t i = 1; i < n; i++) last = last->schedlink;
  const struct rt_gqueue front = {q->head, last, n};
  q->head = last->schedlink;
  q->n -= n;
  last->schedlink = NULL;
  return front;
}

void rt_gbatches_put(struct rt_gbatches *b, struct rt_gqueue *more) {
  if (more->n == 0) return;
  struct rt_gqueue *last = &b->batch[(b->end - 1) % RT_GBATCHES];
  const uint32_t used = b->end - b->first;
  b->n += more->n;
  if (used == RT_GBATCHES || (used > 0 && last->n + more->n <= RT_GBATCH))
    append(last, more);
  else
    b->batch[b->end++ % RT_GBATCHES] = *more;
  *more = (struct rt_gqueue){0};
}

struct rt_gqueue rt_gbatches_take(struct rt_gbatches *b, int32_t most) {
  if (b->n == 0) return (struct rt_gqueue){0};
  struct rt_gqueue *first = &b->batch[b->first % RT_GBATCHES];
  struct rt_gqueue q = *first;
  if (q.n > most)
    q = rt_gqueue_split(first, most);
  else
    b->first++;
  b->n -= q.n;
  return q;
}

// With one P there is no thief, and locked instructions are half the price of a spawn.  The number
// of Ps only grows, and from one by the thread that has the one.
static bool no_thief(void) {
  return atomic_load_explicit(&rt_sched.nallp, memory_order_relaxed) == 1;
}

// Owner only: g becomes next; returns what was.
static struct rt_g *swap_runnext(struct rt_p *p, struct rt_g *g) {
  if (!no_thief()) return atomic_exchange_explicit(&p->runnext, g, memory_order_acq_rel);
  struct rt_g *was = atomic_load_explicit(&p->runnext, memory_order_relaxed);
  atomic_store_explicit(&p->runnext, g, memory_order_relaxed);
  return was;
}

// Owner only: takes the head of the ring, unless a thief was first.
static bool advance_head(struct rt_p *p, uint32_t head) {
  if (!no_thief())
    return atomic_compare_exchange_strong_explicit(&p->runqhead, &head, head + 1,
                                                   memory_order_release, memory_order_relaxed);
  atomic_store_explicit(&p->runqhead, head + 1, memory_order_relaxed);
  return true;
}

static struct rt_g *ring_get(struct rt_p *p, uint32_t i) {
  return atomic_load_explicit(&p->runq[i % RT_RUNQ], memory_order_relaxed);
}

static void ring_set(struct rt_p *p, uint32_t i, struct rt_g *g) {
  atomic_store_explicit(&p->runq[i % RT_RUNQ], g, memory_order_relaxed);
}

// The ring is full: half of it and g go to the global queue.  False if somebody stole meanwhile.
static bool put_slow(struct rt_p *p, struct rt_g *g, uint32_t head) {
  struct rt_g *batch[RT_RUNQ / 2];
  for (uint32_t i = 0; i < RT_RUNQ / 2; i++) batch[i] = ring_get(p, head + i);
  if (!atomic_compare_exchange_strong_explicit(&p->runqhead, &head, head + RT_RUNQ / 2,
                                               memory_order_release, memory_order_relaxed))
    return false;
  struct rt_gqueue q = {0};
  for (uint32_t i = 0; i < RT_RUNQ / 2; i++) rt_gqueue_push(&q, batch[i]);
  rt_gqueue_push(&q, g);
  rt_globrunqput(&q);
  return true;
}

// After this the caller looks for idle Ps.  No fence keeps the store of tail before that: it would
// cost half of a spawn (newproc_bench), and without it somebody must go idle, and a thief before
// that take the new next, while the store is still on its way.
COPIED void put(struct rt_p *p, struct rt_g *g, bool next, bool points) {
  if (next) {
    g = swap_runnext(p, g);
    if (!g) return;  // else the one that was next goes to the tail
    if (points) rt_baton_point();
  }
  for (;;) {
    const uint32_t head = atomic_load_explicit(&p->runqhead, memory_order_acquire);
    const uint32_t tail = atomic_load_explicit(&p->runqtail, memory_order_relaxed);
    if (tail - head < RT_RUNQ) {
      ring_set(p, tail, g);
      atomic_store_explicit(&p->runqtail, tail + 1, memory_order_release);
      return;
    }
    if (put_slow(p, g, head)) return;
  }
}

__attribute__((noinline)) static void put_by_seed(struct rt_p *p, struct rt_g *g, bool next) {
  if (!rt_det.threads) {
    rt_det_put(g);
    return;
  }
  put(p, g, next, true);
  rt_baton_point();
}

void rt_runqput(struct rt_p *p, struct rt_g *g, bool next) {
  if (__builtin_expect(rt_det.on, 0))
    put_by_seed(p, g, next);
  else
    put(p, g, next, false);
}

COPIED struct rt_g *take_next(struct rt_p *p, bool points) {
  // Only the owner sets runnext; a thief may take it between the look and the swap.
  if (!atomic_load_explicit(&p->runnext, memory_order_relaxed)) return NULL;
  if (points) rt_baton_point();
  return swap_runnext(p, NULL);
}

COPIED struct rt_g *take_ring(struct rt_p *p, bool points) {
  for (;;) {
    const uint32_t head = atomic_load_explicit(&p->runqhead, memory_order_acquire);
    const uint32_t tail = atomic_load_explicit(&p->runqtail, memory_order_relaxed);
    if (head == tail) return NULL;
    struct rt_g *g = ring_get(p, head);
    if (points) rt_baton_point();
    if (advance_head(p, head)) return g;
  }
}

COPIED struct rt_g *get(struct rt_p *p, bool points) {
  // Two that ready each other, or one that sleeps for less than a switch takes, are always next:
  // the ring gets its turn all the same.
  if (p->nexts < NEXT_MOST) {
    struct rt_g *next = take_next(p, points);
    p->nexts++;
    if (next) return next;
  }
  p->nexts = 0;
  struct rt_g *g = take_ring(p, points);
  return g ? g : take_next(p, points);
}

__attribute__((noinline)) static struct rt_g *get_by_seed(struct rt_p *p) {
  if (!rt_det.threads) return rt_det_get();
  struct rt_g *g = get(p, true);
  if (g) rt_det_note(g->gs.goid - rt_det.goid0);
  return g;
}

struct rt_g *rt_runqget(struct rt_p *p) {
  return __builtin_expect(rt_det.on, 0) ? get_by_seed(p) : get(p, false);
}

bool rt_runqempty(struct rt_p *p) {
  // Without a moment at which head, tail and runnext are all known, "empty" could be said of a
  // queue whose one goroutine was moving from runnext to the ring: read tail twice.
  for (;;) {
    const uint32_t head = atomic_load(&p->runqhead);
    const uint32_t tail = atomic_load(&p->runqtail);
    rt_mpoint();
    const struct rt_g *next = atomic_load(&p->runnext);
    rt_mpoint();
    if (tail == atomic_load(&p->runqtail)) return head == tail && next == NULL;
  }
}

// Copies half of victim's ring to p's ring from `tail` on; returns how many.
static uint32_t grab(struct rt_p *p, uint32_t tail, struct rt_p *victim, bool steal_next) {
  for (;;) {
    uint32_t head = atomic_load_explicit(&victim->runqhead, memory_order_acquire);
    const uint32_t end = atomic_load_explicit(&victim->runqtail, memory_order_acquire);
    uint32_t n = end - head;
    n -= n / 2;
    if (n == 0) {
      struct rt_g *next = atomic_load_explicit(&victim->runnext, memory_order_acquire);
      if (!steal_next || !next) return 0;
      rt_mpoint();
      if (!atomic_compare_exchange_strong_explicit(&victim->runnext, &next, NULL,
                                                   memory_order_acq_rel, memory_order_relaxed))
        continue;
      ring_set(p, tail, next);
      return 1;
    }
    if (n > RT_RUNQ / 2) continue;  // head and end are of different moments
    for (uint32_t i = 0; i < n; i++) ring_set(p, tail + i, ring_get(victim, head + i));
    rt_mpoint();
    if (atomic_compare_exchange_strong_explicit(&victim->runqhead, &head, head + n,
                                                memory_order_acq_rel, memory_order_relaxed))
      return n;
  }
}

struct rt_g *rt_runqsteal(struct rt_p *p, struct rt_p *victim, bool steal_next) {
  const uint32_t tail = atomic_load_explicit(&p->runqtail, memory_order_relaxed);
  uint32_t n = grab(p, tail, victim, steal_next);
  if (n == 0) return NULL;
  n--;
  struct rt_g *g = ring_get(p, tail + n);
  rt_mpoint();
  if (n > 0) atomic_store_explicit(&p->runqtail, tail + n, memory_order_release);
  return g;
}
