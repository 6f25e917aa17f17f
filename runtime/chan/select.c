// Select: one of several channel operations (Go's select.go).  All channels are locked, in the
// order of their addresses, while the cases are looked at, so that there is one moment at which the
// choice is made.
#include <stdlib.h>
#include "runtime/arch/arch.h"
#include "runtime/chan/chan.h"

enum { CASES_MAX = 65536, FIRST_CAP = 4 };

// What a goroutine's selects work with.  It is not on the stack, which others cannot follow when it
// moves; the goroutine keeps it for the next time.
struct selection {
  int32_t cap;
  int32_t n;         // cases whose channel is not NULL
  uint16_t *poll;    // indices into s, in the order to try them
  struct rt_sudog s[];  // one per case, in the order of their channels' addresses
};

struct room {
  struct rt_g *g;
  int n;
};

static void make_room(void *arg) {
  const struct room *r = arg;
  const size_t cap = r->n > FIRST_CAP ? (size_t)r->n : FIRST_CAP;
  struct selection *sel = rt_malloc(sizeof *sel + cap * (sizeof sel->s[0] + sizeof *sel->poll));
  if (!sel) return;
  sel->cap = (int32_t)cap;
  sel->poll = (uint16_t *)&sel->s[cap];
  free(r->g->select);
  r->g->select = sel;
}

static struct selection *selection_of(struct rt_g *g, int n) {
  struct selection *sel = g->select;
  if (sel && sel->cap >= n) return sel;
  struct room r = {g, n};
  rt_systemstack(make_room, &r);
  sel = g->select;
  return sel && sel->cap >= n ? sel : NULL;
}

static struct go_chan *chan_of(const struct rt_sudog *s) { return s->on; }

static void swap(struct rt_sudog *a, struct rt_sudog *b) {
  const struct rt_sudog t = *a;
  *a = *b;
  *b = t;
}

// Lets s[i] sink to its place in a heap with the highest address on top.
static void sink(struct rt_sudog *s, int32_t i, int32_t n) {
  for (int32_t child; (child = 2 * i + 1) < n; i = child) {
    if (child + 1 < n && (uintptr_t)s[child + 1].on > (uintptr_t)s[child].on) child++;
    if ((uintptr_t)s[i].on >= (uintptr_t)s[child].on) return;
    swap(&s[i], &s[child]);
  }
}

// Heapsort: no recursion, no memory, and no bad case.
static void sort_by_address(struct rt_sudog *s, int32_t n) {
  for (int32_t i = n / 2 - 1; i >= 0; i--) sink(s, i, n);
  for (int32_t i = n - 1; i > 0; i--) {
    swap(&s[0], &s[i]);
    sink(s, 0, i);
  }
}

static void fill(struct selection *sel, struct rt_g *g, const struct go_case *cases, int n) {
  sel->n = 0;
  for (int i = 0; i < n; i++) {
    if (!cases[i].chan) continue;
    struct rt_sudog *s = &sel->s[sel->n++];
    s->g = g;
    s->on = cases[i].chan;
    s->ticket = (uint32_t)i;
    s->woken = RT_WOKEN_NOT;
    s->next = s->prev = NULL;
  }
  sort_by_address(sel->s, sel->n);
  // Every order is as likely (Durstenfeld 1964, inside out).
  for (int32_t i = 0; i < sel->n; i++) {
    const uint32_t j = (uint32_t)((uint64_t)rt_fastrand() * (uint32_t)(i + 1) >> 32);
    sel->poll[i] = sel->poll[j];
    sel->poll[j] = (uint16_t)i;
  }
}

static void lock_all(struct selection *sel) {
  for (int32_t i = 0; i < sel->n; i++)
    if (i == 0 || sel->s[i].on != sel->s[i - 1].on) rt_plock(&chan_of(&sel->s[i])->lock);
}

// After the last lock has been let go, the selection may be used anew: nothing is read then.
static void unlock_all(struct selection *sel) {
  for (int32_t i = sel->n - 1; i >= 0; i--)
    if (i == 0 || sel->s[i].on != sel->s[i - 1].on) rt_punlock(&chan_of(&sel->s[i])->lock);
}

static bool commit(struct rt_g *g, void *sel) {
  (void)g;
  unlock_all(sel);
  return true;
}

// All locked.  Does the first case, in poll order, that can go on: its number, or GO_EAGAIN.
static int try_all(struct selection *sel, struct go_case *cases, struct rt_g **wake) {
  *wake = NULL;
  for (int32_t i = 0; i < sel->n; i++) {
    const struct rt_sudog *s = &sel->s[sel->poll[i]];
    struct go_case *c = &cases[s->ticket];
    c->result = c->dir == GO_SEND ? rt_chan_sendnow(c->chan, c->elem, wake)
                                  : rt_chan_recvnow(c->chan, c->elem, wake);
    if (c->result != GO_EAGAIN) return (int)s->ticket;
  }
  return GO_EAGAIN;
}

// All locked.  Queues on every channel, parks, and leaves every queue again.
static int wait_for_one(struct rt_g *g, struct selection *sel, struct go_case *cases,
                        int64_t until) {
  const uint64_t seq = rt_waitbegin(g);
  for (int32_t i = 0; i < sel->n; i++) {
    struct rt_sudog *s = &sel->s[i];
    struct go_case *c = &cases[s->ticket];
    s->elem.p = c->elem;
    s->seq = seq;
    rt_stackref_add(&g->gs, &s->elem);
    rt_waitq_push(c->dir == GO_SEND ? &c->chan->sendq : &c->chan->recvq, s);
  }
  int error = GO_ETIMEDOUT;
  if (until) {
    // With nothing to unlock, nothing keeps g from selecting anew as soon as its timer runs.
    const rt_parkfn unlock = sel->n > 0 ? commit : NULL;
    const int refused = rt_gopark_until(unlock, sel, RT_WAIT_SELECT, until, seq);
    if (refused) error = refused;
  } else {
    rt_gopark(commit, sel, sel->n > 0 ? RT_WAIT_SELECT : RT_WAIT_SELECTNOCASES);
  }
  rt_stackref_clear(&g->gs);
  lock_all(sel);
  int chosen = error;
  for (int32_t i = 0; i < sel->n; i++) {
    struct rt_sudog *s = &sel->s[i];
    struct go_case *c = &cases[s->ticket];
    if (s->woken == RT_WOKEN_NOT) {
      rt_waitq_forget(c->dir == GO_SEND ? &c->chan->sendq : &c->chan->recvq, s);
      continue;
    }
    chosen = (int)s->ticket;
    c->result = s->woken == RT_WOKEN_CLOSED ? GO_ECLOSED : GO_OK;
    if (c->result == GO_ECLOSED && c->dir == GO_RECV && c->elem) memset(c->elem, 0, c->chan->elem);
  }
  unlock_all(sel);
  return chosen;
}

// until: 0, for ever; negative, not at all.
static int select_until(struct go_case *cases, int n, int64_t until) {
  struct rt_g *g = rt_getg();
  if (!g || g == &g->m->g0) return GO_ENOTG;
  if (n < 0 || n > CASES_MAX || (n > 0 && !cases)) return GO_EINVAL;
  for (int i = 0; i < n; i++)
    if (cases[i].dir != GO_SEND && cases[i].dir != GO_RECV) return GO_EINVAL;
  struct selection *sel = selection_of(g, n);
  if (!sel) return GO_ENOMEM;
  fill(sel, g, cases, n);
  lock_all(sel);
  struct rt_g *wake;
  const int done = try_all(sel, cases, &wake);
  if (done == GO_EAGAIN && until >= 0) return wait_for_one(g, sel, cases, until);
  unlock_all(sel);
  if (wake) rt_goready(wake);
  return done;
}

int go_select(struct go_case *cases, int n) { return select_until(cases, n, 0); }

int go_select_try(struct go_case *cases, int n) { return select_until(cases, n, -1); }

int go_select_until(struct go_case *cases, int n, int64_t deadline) {
  return select_until(cases, n, deadline > 0 ? deadline : 1);
}
