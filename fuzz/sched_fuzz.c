// Scripts for goroutines, run by the deterministic scheduler: whatever they park on, ready, yield
// to, time and call, exactly one runs at a time, each queue holds whom it should, no wake-up is
// lost or given twice, and everything ends.
//
// What they wait for are events made here, of rt_gopark, rt_goready and rt_claim alone: an event
// counts posts, and gives each to one waiter.  As many posts as waits are made in all, so a run in
// which nobody is lost ends with every count at 0.
//
// An input is a header of four bytes, then operations of three (kind, a, b); what is missing reads
// as 0.
//
//   0, 1  the seed      2  growth strategy      3  allocations that fail: 0 none, else one in 2 + n
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/alarm.h"
#include "runtime/arch/arch.h"
#include "runtime/go.h"
#include "runtime/sched/clock.h"
#include "runtime/sched/deterministic.h"
#include "runtime/sched/sched.h"

enum { HEADER = 4, OPS_MAX = 96, WORKERS = 12, EVENTS = 3, TIMERS = 8 };

enum kind { SPAWN, WAIT, POST, WAIT_UNTIL, POST_MANY, YIELD, SLEEP, POINT, SYSCALL, BLOCKING,
            PREEMPT_OFF, GOMAXPROCS, TIMER, TIMER_STOP, SHRINK, KINDS };

struct op {
  uint8_t kind, a, b;
};

static struct op ops[OPS_MAX];
static size_t nops;

// A goroutine, which runs ops[at..end).
struct worker {
  struct rt_g *g;
  size_t at, end;
  // Its wait; under the event's lock.
  struct worker *next;
  uint64_t seq;
  int64_t until;  // 0: for ever
  bool queued, served;
};

struct event {
  struct rt_lock lock;
  struct worker *first, *last;
  int posts;    // that nobody has taken
  int balance;  // posts made or promised, less waits
};

// A timer that posts, once, by its function or by whoever stops it.
struct timer {
  struct go_timer *timer;
  struct event *event;
  bool pending;
};

static struct worker workers[WORKERS];
static struct event events[EVENTS];
static struct timer timers[TIMERS];
static int nworkers, ntimers;
static struct worker *running;  // NULL while it is in the scheduler
static int left;                // functions of workers and timers that have not ended

static void expect(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "sched: %s\n", what);
  abort();
}

// ---- What must hold whenever a goroutine runs ------------------------------------------------

// Without a lock, which would be a place for others to come in.
static size_t count(uint32_t status) {
  size_t n = 0;
  for (const struct rt_gchunk *c = rt_sched.chunks; c; c = c->next)
    for (int i = 0; i < RT_GCHUNK; i++) n += atomic_load(&c->g[i].status) == status;
  return n;
}

static void check_queues(const struct rt_g *me) {
  expect(count(RT_GRUNNING) == 1 && count(RT_GSYSCALL) == 0, "more than one runs");
  expect(count(RT_GRUNNABLE) == rt_det.n, "runnable, and in no queue or in two");
  for (size_t i = 0; i < rt_det.n; i++) {
    const struct rt_g *g = rt_det.queue[i];
    expect(g != me, "in the queue, and runs");
    expect(atomic_load(&g->status) == RT_GRUNNABLE, "in the queue, and not runnable");
    for (size_t k = 0; k < i; k++) expect(rt_det.queue[k] != g, "twice in the queue");
  }
}

// Around everything that may let others run.
static void leave(struct worker *w) {
  expect(running == w, "two run at once");
  running = NULL;
}

static void come_back(struct worker *w) {
  expect(running == NULL, "two run at once");
  expect(rt_getg() == w->g && w->g->m->curg == w->g, "somebody else's goroutine");
  expect(atomic_load(&w->g->status) == RT_GRUNNING, "runs, and is in another state");
  check_queues(w->g);
  running = w;
}

// ---- Events ----------------------------------------------------------------------------------

static void push(struct event *e, struct worker *w) {
  w->next = NULL;
  w->queued = true;
  if (e->last)
    e->last->next = w;
  else
    e->first = w;
  e->last = w;
}

static struct worker *pop(struct event *e) {
  struct worker *w = e->first;
  if (!w) return NULL;
  e->first = w->next;
  if (!e->first) e->last = NULL;
  w->queued = false;
  return w;
}

static void forget(struct event *e, struct worker *w) {
  struct event kept = {.first = NULL, .last = NULL};
  for (struct worker *other; (other = pop(e));)
    if (other != w) push(&kept, other);
  e->first = kept.first;
  e->last = kept.last;
  w->queued = false;
}

// The lock is held.  Whose wait ends with a post, or NULL: it is kept.
static struct worker *serve(struct event *e) {
  for (struct worker *w; (w = pop(e));) {
    expect(!w->served, "served twice");
    if (!rt_claim(w->g, w->seq)) continue;  // its deadline was first
    const uint32_t status = atomic_load(&w->g->status);
    expect(status == RT_GWAITING, "waits, and is in another state");
    w->served = true;
    return w;
  }
  e->posts++;
  return NULL;
}

// late: time goes on to the deadline of whom it serves, before that one runs.
static void post(struct event *e, bool late) {
  rt_lock(&e->lock);
  struct worker *w = serve(e);
  rt_unlock(&e->lock);
  if (!w) return;
  const int64_t until = w->until;
  rt_goready(w->g);
  if (late) rt_clock_advance(until);
}

static void post_many(struct event *e, int n) {
  struct rt_gqueue woken = {0};
  rt_lock(&e->lock);
  while (n-- > 0) {
    struct worker *w = serve(e);
    if (w) rt_gqueue_push(&woken, w->g);
  }
  rt_unlock(&e->lock);
  if (woken.head) rt_injectglist(&woken);
}

// Takes a post, or is served one before `until` (0: for ever).  False: neither.
static bool wait(struct event *e, struct worker *w, int64_t until) {
  rt_lock(&e->lock);
  if (e->posts > 0) {
    e->posts--;
    rt_unlock(&e->lock);
    return true;
  }
  w->served = false;
  w->seq = rt_waitbegin(w->g);
  w->until = until;
  push(e, w);
  if (until)
    rt_gopark_until(rt_gounlock, &e->lock, RT_WAIT_NONE, until, w->seq);
  else
    rt_gopark(rt_gounlock, &e->lock, RT_WAIT_NONE);
  expect(w->served || until, "woken by nobody");
  rt_lock(&e->lock);
  if (!w->served) forget(e, w);
  expect(!w->queued, "served, and still waits");
  rt_unlock(&e->lock);
  return w->served;
}

// ---- Operations ------------------------------------------------------------------------------

static void worker_main(void *arg);

// Without memory, now and then, it tries again: allocations do not always fail.
static void spawn(size_t at, size_t end) {
  if (nworkers == WORKERS) return;
  struct worker *w = &workers[nworkers++];
  *w = (struct worker){.at = at, .end = end};
  left++;
  for (int error; (error = go_spawn(NULL, worker_main, w)) != GO_OK;)
    expect(error == GO_ENOMEM || error == GO_EMAP, "cannot spawn");
}

static void timer_main(void *arg) {
  struct timer *t = arg;
  expect(t->pending, "a timer that was stopped, or twice");
  t->pending = false;
  post(t->event, false);
  left--;
}

static void start_timer(struct event *e, int64_t ns) {
  if (ntimers == TIMERS) return;
  struct timer *t = &timers[ntimers++];
  *t = (struct timer){.event = e, .pending = true};
  if (go_timer_func(timer_main, t, &t->timer) != GO_OK) return;
  e->balance++;
  left++;
  const int error = go_timer_start(t->timer, ns, 0);
  if (error == GO_OK) return;
  expect(error == GO_ENOMEM, "cannot start a timer");
  timer_main(t);
}

static void stop_timer(struct timer *t) {
  if (t->timer && go_timer_stop(t->timer)) timer_main(t);
}

static void block(void *w) { expect(running == NULL && w, "runs while it is in a system call"); }

static void do_op(struct worker *w, struct op op, size_t at) {
  struct event *e = &events[op.a % EVENTS];
  switch (op.kind) {
    case SPAWN:
      spawn(at + 1, at + 1 + op.a % 32 < nops ? at + 1 + op.a % 32 : nops);
      break;
    case WAIT:
      e->balance--;
      expect(wait(e, w, 0), "waited in vain");
      break;
    case WAIT_UNTIL:
      // Where the deadline is first, there is nothing to take back.
      if (wait(e, w, go_nanotime() + op.b)) e->balance--;
      break;
    case POST:
      e->balance++;
      post(e, op.b % 2);
      break;
    case POST_MANY:
      e->balance += op.b % 5;
      post_many(e, op.b % 5);
      break;
    case YIELD:
      go_yield();
      break;
    case SLEEP: {
      const int64_t until = go_nanotime() + op.a;
      expect(go_sleep(op.a) == GO_ENOMEM || go_nanotime() >= until, "woke up too early");
      break;
    }
    case POINT:
      for (int i = 0; i <= op.a; i++) rt_point();
      break;
    case SYSCALL:
      expect(go_entersyscall() == GO_OK && go_exitsyscall() == GO_OK, "a system call fails");
      break;
    case BLOCKING:
      expect(go_blocking(block, w) == GO_OK, "go_blocking fails");
      break;
    case PREEMPT_OFF:
      expect(go_preempt_off() == GO_OK && go_preempt_on() == GO_OK, "go_preempt_off fails");
      break;
    case GOMAXPROCS:
      expect(go_gomaxprocs(op.a) == 1, "GOMAXPROCS is 1 in a deterministic run");
      break;
    case TIMER:
      start_timer(e, op.b);
      break;
    case TIMER_STOP:
      if (ntimers > 0) stop_timer(&timers[op.a % ntimers]);
      break;
    default:
      expect(go_shrink(op.b) >= 0, "cannot shrink");
  }
}

static void worker_main(void *arg) {
  struct worker *w = arg;
  w->g = rt_getg();
  come_back(w);
  for (size_t at = w->at; at < w->end; at++) {
    leave(w);
    do_op(w, ops[at], at);
    come_back(w);
  }
  leave(w);
  left--;
}

// The first goroutine: starts one worker, and posts what is missing until all have ended.
static void start(void *unused) {
  (void)unused;
  spawn(0, nops);
  for (int turns = 0; left > 0; turns++) {
    for (int i = 0; i < EVENTS; i++) {
      struct event *e = &events[i];
      for (; e->balance < 0; e->balance++) post(e, false);
    }
    expect(turns < 1 << 20, "does not end");
    go_sleep(100);
  }
  for (int i = 0; i < ntimers; i++) go_timer_free(timers[i].timer);
  for (int i = 0; i < EVENTS; i++) {
    expect(events[i].first == NULL, "still waits for an event");
    expect(events[i].posts == events[i].balance, "an event was lost, or is one too many");
  }
}

static uint64_t run_once(const struct go_config *config) {
  memset(events, 0, sizeof events);
  nworkers = ntimers = left = 0;
  running = NULL;
  const int error = go_run(config, start, NULL);
  expect(error == GO_OK || (config->fail_every && (error == GO_ENOMEM || error == GO_EMAP)),
         error == GO_EDEADLOCK ? "a wake-up was lost: all are asleep" : "go_run fails");
  return go_schedule_digest();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  alarm_on_signal_stack();
  if (size < HEADER) return 0;
  nops = 0;
  for (size_t at = HEADER; at + 3 <= size && nops < OPS_MAX; at += 3)
    ops[nops++] = (struct op){data[at] % KINDS, data[at + 1], data[at + 2]};
  int nstrategies = 0;
  while (go_growth_name(nstrategies)) nstrategies++;
  const struct go_config config = {
      .seed = 1 + (uint64_t)data[0] + ((uint64_t)data[1] << 8),
      .growth = go_growth_name(data[2] % nstrategies),
      .stack_initial = 16384,
      .fail_every = data[3] ? data[3] + 2u : 0,
  };
  const uint64_t digest = run_once(&config);
  expect(run_once(&config) == digest, "the same seed does something else");
  return 0;
}
