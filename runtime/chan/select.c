// Select: one of several channel operations (Go's select.go).
//
// 1. The cases are visited once in random order; a channel that looks ready is locked, alone, and
//    if its case can go on, that is the choice: made at a moment at which the case could go on,
//    and every order was as likely.
// 2. Where none could, all channels are locked, in the order of their addresses, while the cases
//    are looked at once more, so that there is one moment at which none of them can go on: the
//    moment at which the goroutine queues on all of them, or go_select_try says that none can.
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include "runtime/arch/arch.h"
#include "runtime/chan/chan.h"
#include "runtime/sched/deterministic.h"

static_assert(offsetof(struct go_chan, lock) == 0, "a sudog's `on` is a lock");

enum { CASES_MAX = 65536, FIRST_CAP = 4 };

// What a goroutine's selects work with.  It is not on the stack, which others cannot follow when it
// moves; the goroutine keeps it for the next time.
struct selection {
  int32_t cap;
  int32_t n;         // cases whose channel is not NULL
  uint16_t *poll;    // their numbers, in the order to try them
  uint16_t *locks;   // indices into s, in the order of their channels' addresses
  struct rt_sudog s[];  // one per case, in the order of poll
};

struct room {
  struct rt_g *g;
  int n;
};

static void make_room(void *arg) {
  const struct room *r = arg;
  const size_t cap = r->n > FIRST_CAP ? (size_t)r->n : FIRST_CAP;
  struct selection *sel = rt_malloc(sizeof *sel + cap * (sizeof sel->s[0] + 2 * sizeof *sel->poll));
  if (!sel) return;
  sel->cap = (int32_t)cap;
  sel->poll = (uint16_t *)&sel->s[cap];
  sel->locks = sel->poll + cap;
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

// ---- One after the other ---------------------------------------------------------------------

// The cases with a channel, in no order yet.  GO_EINVAL: one has no direction.
static int collect(struct selection *sel, const struct go_case *cases, int n) {
  sel->n = 0;
  for (int i = 0; i < n; i++) {
    if (cases[i].dir != GO_SEND && cases[i].dir != GO_RECV) return GO_EINVAL;
    if (cases[i].chan) sel->poll[sel->n++] = (uint16_t)i;
  }
  return 0;
}

static int do_now(struct go_case *c, struct rt_g **wake) {
  c->result = c->dir == GO_SEND ? rt_chan_sendnow(c->chan, c->elem, wake)
                                : rt_chan_recvnow(c->chan, c->elem, wake);
  return c->result;
}

// Does the first case that can go on: its number, or GO_EAGAIN, with all of poll in random order.
static int try_each(struct selection *sel, struct go_case *cases, struct rt_g **wake) {
  for (int32_t i = 0; i < sel->n; i++) {
    // Every order is as likely (Durstenfeld 1964).
    const uint32_t left = (uint32_t)(sel->n - i);
    const int32_t j = i + (int32_t)((uint64_t)rt_fastrand() * left >> 32);
    const uint16_t k = sel->poll[j];
    sel->poll[j] = sel->poll[i];
    sel->poll[i] = k;
    struct go_case *c = &cases[k];
    rt_point();
    if (!rt_chan_looksready(c->chan, c->dir == GO_SEND)) continue;
    rt_plock(&c->chan->lock);
    const int done = do_now(c, wake);
    rt_punlock(&c->chan->lock);
    if (done != GO_EAGAIN) return k;
  }
  return GO_EAGAIN;
}

// ---- All at once -----------------------------------------------------------------------------

enum { INSERTION_MAX = 16 };

static struct go_chan *chan_of(const struct selection *sel, int32_t i) {
  return sel->s[sel->locks[i]].on;
}

static uintptr_t address(const struct selection *sel, int32_t i) {
  return (uintptr_t)sel->s[sel->locks[i]].on;
}

static void swap(struct selection *sel, int32_t i, int32_t j) {
  const uint16_t t = sel->locks[i];
  sel->locks[i] = sel->locks[j];
  sel->locks[j] = t;
}

// Lets locks[i] sink to its place in a heap with the highest address on top.
static void sink(struct selection *sel, int32_t i, int32_t n) {
  for (int32_t child; (child = 2 * i + 1) < n; i = child) {
    if (child + 1 < n && address(sel, child + 1) > address(sel, child)) child++;
    if (address(sel, i) >= address(sel, child)) return;
    swap(sel, i, child);
  }
}

// Heapsort where there are many: no recursion, no memory, and no bad case.
static void sort_by_address(struct selection *sel) {
  const int32_t n = sel->n;
  if (n <= INSERTION_MAX) {
    for (int32_t i = 1; i < n; i++)
      for (int32_t j = i; j > 0 && address(sel, j - 1) > address(sel, j); j--) swap(sel, j, j - 1);
    return;
  }
  for (int32_t i = n / 2 - 1; i >= 0; i--) sink(sel, i, n);
  for (int32_t i = n - 1; i > 0; i--) {
    swap(sel, 0, i);
    sink(sel, 0, i);
  }
}

static void fill(struct selection *sel, struct rt_g *g, const struct go_case *cases) {
  for (int32_t i = 0; i < sel->n; i++) {
    struct rt_sudog *s = &sel->s[i];
    s->g = g;
    s->on = cases[sel->poll[i]].chan;
    s->ticket = sel->poll[i];
    s->woken = RT_WOKEN_NOT;
    s->next = s->prev = NULL;
    sel->locks[i] = (uint16_t)i;
  }
  sort_by_address(sel);
}

static void lock_all(struct selection *sel) {
  for (int32_t i = 0; i < sel->n; i++)
    if (i == 0 || chan_of(sel, i) != chan_of(sel, i - 1)) rt_plock(&chan_of(sel, i)->lock);
}

// After the last lock has been let go, the selection may be used anew: nothing is read then.
static void unlock_all(struct selection *sel) {
  for (int32_t i = sel->n - 1; i >= 0; i--)
    if (i == 0 || chan_of(sel, i) != chan_of(sel, i - 1)) rt_punlock(&chan_of(sel, i)->lock);
}

static bool commit(struct rt_g *g, void *sel) {
  (void)g;
  unlock_all(sel);
  return true;
}

// All locked.  Does the first case, in poll order, that can go on: its number, or GO_EAGAIN.
static int try_all(struct selection *sel, struct go_case *cases, struct rt_g **wake) {
  for (int32_t i = 0; i < sel->n; i++)
    if (do_now(&cases[sel->poll[i]], wake) != GO_EAGAIN) return sel->poll[i];
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
  struct selection *sel = selection_of(g, n);
  if (!sel) return GO_ENOMEM;
  const int error = collect(sel, cases, n);
  if (error) return error;
  struct rt_g *wake = NULL;
  int done = try_each(sel, cases, &wake);
  if (done == GO_EAGAIN) {
    fill(sel, g, cases);
    lock_all(sel);
    // With one P nothing has come in between.
    if (!rt_onep()) done = try_all(sel, cases, &wake);
    if (done == GO_EAGAIN && until >= 0) return wait_for_one(g, sel, cases, until);
    unlock_all(sel);
  }
  if (wake) rt_goready(wake);
  return done;
}

int go_select(struct go_case *cases, int n) { return select_until(cases, n, 0); }

int go_select_try(struct go_case *cases, int n) { return select_until(cases, n, -1); }

int go_select_until(struct go_case *cases, int n, int64_t deadline) {
  return select_until(cases, n, deadline > 0 ? deadline : 1);
}
