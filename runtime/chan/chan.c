// Channels: elements of one size, handed from goroutine to goroutine (Go's chan.go).
//
// Who finds the other side waiting copies straight between the two: from its own memory to where
// the waiter's sudog points, which as a rule is the waiter's stack.  That stack may have moved
// since the waiter queued (its own fault, before it was parked): the pointer is an rt_stackref and
// has moved with it.  Whoever moves a stack while its goroutine waits must hold the locks of the
// channels it waits on.
#include "runtime/chan/chan.h"

#include <stdatomic.h>
#include <stdlib.h>
#include "runtime/arch/arch.h"

enum { ELEM_MAX = 65536 };

// ---- Made and freed --------------------------------------------------------------------------

struct newchan {
  size_t bytes;
  struct go_chan *c;
};

static void newchan(void *arg) {
  struct newchan *n = arg;
  n->c = rt_malloc(n->bytes);
}

// malloc takes more stack than a goroutine may have.
static void on_roomy_stack(void (*fn)(void *), void *arg) {
  if (rt_getg())
    rt_systemstack(fn, arg);
  else
    fn(arg);
}

int go_chan_new(size_t elem, size_t cap, struct go_chan **out) {
  if (!out || elem > ELEM_MAX) return GO_EINVAL;
  const size_t most = SIZE_MAX / 2 - sizeof(struct go_chan);
  if (elem > 0 && cap > most / elem) return GO_ENOMEM;
  struct newchan n = {sizeof(struct go_chan) + elem * cap, NULL};
  on_roomy_stack(newchan, &n);
  if (!n.c) return GO_ENOMEM;
  memset(n.c, 0, sizeof *n.c);
  n.c->elem = (uint32_t)elem;
  n.c->cap = cap;
  *out = n.c;
  return 0;
}

void go_chan_free(struct go_chan *c) {
  if (c) on_roomy_stack(free, c);
}

size_t go_chan_len(const struct go_chan *c) {
  return c ? atomic_load_explicit(&c->count, memory_order_relaxed) : 0;
}

size_t go_chan_cap(const struct go_chan *c) { return c ? c->cap : 0; }

// ---- Elements --------------------------------------------------------------------------------

static void copy(const struct go_chan *c, void *to, const void *from) {
  if (c->elem == 8)
    memcpy(to, from, 8);
  else if (c->elem > 0)  // elements without bytes may be nowhere
    memcpy(to, from, c->elem);
}

static void take(const struct go_chan *c, void *to, const void *from) {
  if (to) copy(c, to, from);
}

static void *slot(struct go_chan *c, size_t i) { return c->buffer + i * c->elem; }

static size_t after(const struct go_chan *c, size_t i) { return i + 1 == c->cap ? 0 : i + 1; }

static size_t count(const struct go_chan *c) {
  return atomic_load_explicit(&c->count, memory_order_relaxed);
}

static void set_count(struct go_chan *c, size_t n) {
  atomic_store_explicit(&c->count, n, memory_order_relaxed);
}

static bool closed(const struct go_chan *c) {
  return atomic_load_explicit(&c->closed, memory_order_relaxed);
}

int rt_chan_sendnow(struct go_chan *c, const void *elem, struct rt_g **wake) {
  *wake = NULL;
  if (closed(c)) return GO_ECLOSED;
  struct rt_sudog *s = rt_waitq_pop(&c->recvq);
  if (s) {
    take(c, s->elem.p, elem);
    s->woken = RT_WOKEN_DONE;
    *wake = s->g;
    return 0;
  }
  const size_t n = count(c);
  if (n == c->cap) return GO_EAGAIN;
  copy(c, slot(c, c->sendx), elem);
  c->sendx = after(c, c->sendx);
  set_count(c, n + 1);
  return 0;
}

int rt_chan_recvnow(struct go_chan *c, void *elem, struct rt_g **wake) {
  *wake = NULL;
  const size_t n = count(c);
  struct rt_sudog *s = rt_waitq_pop(&c->sendq);
  if (s) {
    if (c->cap == 0) {
      take(c, elem, s->elem.p);
    } else {  // the buffer is full: the head is ours, and its place becomes the tail
      take(c, elem, slot(c, c->recvx));
      copy(c, slot(c, c->recvx), s->elem.p);
      c->recvx = c->sendx = after(c, c->recvx);
    }
    s->woken = RT_WOKEN_DONE;
    *wake = s->g;
    return 0;
  }
  if (n > 0) {
    take(c, elem, slot(c, c->recvx));
    c->recvx = after(c, c->recvx);
    set_count(c, n - 1);
    return 0;
  }
  if (!closed(c)) return GO_EAGAIN;
  if (elem) memset(elem, 0, c->elem);
  return GO_ECLOSED;
}

// ---- Waiting ---------------------------------------------------------------------------------

// c->lock is held.  Waits in q until it is woken or, where that is not 0, until `until`.
static int wait(struct go_chan *c, struct rt_waitq *q, void *elem, enum rt_waitreason why,
                int64_t until) {
  return rt_waitq_wait(
      &(struct rt_wait){.lock = &c->lock, .q = q, .elem = elem, .why = why, .until = until});
}

static bool on_goroutine(void) {
  const struct rt_g *g = rt_getg();
  return g && g != &g->m->g0;
}

// On a channel that is not there: for ever, or until the deadline.
static int wait_for_ever(enum rt_waitreason why, int64_t until) {
  if (!until) rt_gopark(NULL, NULL, why);  // never returns
  const int error = rt_gopark_until(NULL, NULL, why, until, rt_waitbegin(rt_getg()));
  return error ? error : GO_ETIMEDOUT;
}

static void ready(struct rt_g *g) {
  if (g) rt_goready(g);
}

static int send(struct go_chan *c, const void *elem, int64_t until) {
  if (!on_goroutine()) return GO_ENOTG;
  if (!c) return wait_for_ever(RT_WAIT_CHANSENDNIL, until);
  struct rt_g *wake;
  rt_plock(&c->lock);
  const int done = rt_chan_sendnow(c, elem, &wake);
  if (done == GO_EAGAIN)
    return wait(c, &c->sendq, (void *)(uintptr_t)elem, RT_WAIT_CHANSEND, until);
  rt_punlock(&c->lock);
  ready(wake);
  return done;
}

static int recv(struct go_chan *c, void *elem, int64_t until) {
  if (!on_goroutine()) return GO_ENOTG;
  if (!c) return wait_for_ever(RT_WAIT_CHANRECEIVENIL, until);
  struct rt_g *wake;
  rt_plock(&c->lock);
  const int done = rt_chan_recvnow(c, elem, &wake);
  if (done == GO_EAGAIN) {
    const int woken = wait(c, &c->recvq, elem, RT_WAIT_CHANRECEIVE, until);
    if (woken == GO_ECLOSED && elem) memset(elem, 0, c->elem);
    return woken;
  }
  rt_punlock(&c->lock);
  ready(wake);
  return done;
}

int go_chan_send(struct go_chan *c, const void *elem) { return send(c, elem, 0); }

int go_chan_recv(struct go_chan *c, void *elem) { return recv(c, elem, 0); }

int go_chan_send_until(struct go_chan *c, const void *elem, int64_t deadline) {
  return send(c, elem, deadline > 0 ? deadline : 1);
}

int go_chan_recv_until(struct go_chan *c, void *elem, int64_t deadline) {
  return recv(c, elem, deadline > 0 ? deadline : 1);
}

int go_chan_try_send(struct go_chan *c, const void *elem) {
  if (!on_goroutine()) return GO_ENOTG;
  if (!c) return GO_EAGAIN;
  struct rt_g *wake;
  rt_plock(&c->lock);
  const int done = rt_chan_sendnow(c, elem, &wake);
  rt_punlock(&c->lock);
  ready(wake);
  return done;
}

int go_chan_try_recv(struct go_chan *c, void *elem) {
  if (!on_goroutine()) return GO_ENOTG;
  if (!c) return GO_EAGAIN;
  struct rt_g *wake;
  rt_plock(&c->lock);
  const int done = rt_chan_recvnow(c, elem, &wake);
  rt_punlock(&c->lock);
  ready(wake);
  return done;
}

// ---- Close -----------------------------------------------------------------------------------

int rt_chan_close(struct go_chan *c) {
  rt_plock(&c->lock);
  if (closed(c)) {
    rt_punlock(&c->lock);
    return GO_ECLOSED;
  }
  atomic_store_explicit(&c->closed, true, memory_order_relaxed);
  struct rt_gqueue woken = {0};
  rt_waitq_drain(&c->recvq, RT_WOKEN_CLOSED, &woken);
  rt_waitq_drain(&c->sendq, RT_WOKEN_CLOSED, &woken);
  rt_punlock(&c->lock);
  rt_waitq_readyall(&woken);
  return 0;
}

int go_chan_close(struct go_chan *c) {
  if (!on_goroutine()) return GO_ENOTG;
  return c ? rt_chan_close(c) : GO_EINVAL;
}
