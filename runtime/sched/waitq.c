// Queues of goroutines that wait (waitq.h).
#include "runtime/sched/waitq.h"

#include "runtime/arch/arch.h"

static void set_first(struct rt_waitq *q, struct rt_sudog *s) {
  __atomic_store_n(&q->first, s, __ATOMIC_RELAXED);
}

void rt_waitq_push(struct rt_waitq *q, struct rt_sudog *s) {
  s->next = NULL;
  s->prev = q->last;
  if (q->last)
    q->last->next = s;
  else
    set_first(q, s);
  q->last = s;
}

void rt_waitq_pushfront(struct rt_waitq *q, struct rt_sudog *s) {
  s->prev = NULL;
  s->next = q->first;
  if (q->first)
    q->first->prev = s;
  else
    q->last = s;
  set_first(q, s);
}

static void unlink(struct rt_waitq *q, struct rt_sudog *s) {
  if (s->prev)
    s->prev->next = s->next;
  else
    set_first(q, s->next);
  if (s->next)
    s->next->prev = s->prev;
  else
    q->last = s->prev;
  s->next = s->prev = NULL;
}

struct rt_sudog *rt_waitq_pop(struct rt_waitq *q) { return rt_waitq_popupto(q, UINT32_MAX); }

struct rt_sudog *rt_waitq_popupto(struct rt_waitq *q, uint32_t most) {
  for (struct rt_sudog *s; (s = q->first) != NULL && s->ticket <= most;) {
    unlink(q, s);
    // Another case of its select, or its deadline, may have been first.
    if (!s->seq || rt_claim(s->g, s->seq)) return s;
  }
  return NULL;
}

void rt_waitq_forget(struct rt_waitq *q, struct rt_sudog *s) {
  if (s->prev || s->next || q->first == s) unlink(q, s);
}

int rt_waitq_wait(const struct rt_wait *w) {
  struct rt_g *g = rt_getg();
  struct rt_sudog *s = &g->sudog;
  struct rt_lock *lock = w->lock;
  struct rt_waitq *q = w->q;
  s->g = g;
  s->on = lock;
  s->ticket = w->ticket;
  s->woken = RT_WOKEN_NOT;
  s->seq = w->until ? rt_waitbegin(g) : 0;
  rt_stackref_add(&g->gs, &s->elem);
  s->elem.p = w->elem;  // followed from here on: what *w says has moved with the stack until now
  if (w->front)
    rt_waitq_pushfront(q, s);
  else
    rt_waitq_push(q, s);
  int error = 0;
  if (w->until)
    error = rt_gopark_until(rt_gopunlock, lock, w->why, w->until, s->seq);
  else
    rt_gopark(rt_gopunlock, lock, w->why);
  rt_stackref_clear(&g->gs);
  if (s->woken == RT_WOKEN_DONE) return 0;
  if (s->woken == RT_WOKEN_CLOSED) return GO_ECLOSED;
  rt_plock(lock);
  rt_waitq_forget(q, s);
  rt_punlock(lock);
  return error ? error : GO_ETIMEDOUT;
}

void rt_waitq_drain(struct rt_waitq *q, enum rt_woken woken, struct rt_gqueue *out) {
  for (struct rt_sudog *s; (s = rt_waitq_pop(q)) != NULL;) {
    s->woken = (uint8_t)woken;
    rt_gqueue_push(out, s->g);
  }
}

void rt_waitq_readyall(struct rt_gqueue *woken) {
  if (woken->n == 1)
    rt_goready(rt_gqueue_pop(woken));
  else if (woken->n > 1)
    rt_injectglist(woken);  // in order; who is first in line would be last
}
