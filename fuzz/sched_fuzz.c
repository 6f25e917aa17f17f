// Scripts for goroutines, run by the deterministic scheduler with 1 to 4 Ps: whatever they park on,
// ready, yield to, time and call, and however many Ps there are meanwhile, each queue holds whom it
// should, no wake-up is lost or given twice, and everything ends.  With one P exactly one runs at a
// time.  With several, whenever all Ms are asleep or in the program, no P and no goroutine is
// lost, no P is idle while there is work, and somebody will wake up for the first timer.
//
// What they wait for are events made here, of rt_gopark, rt_goready and rt_claim alone: an event
// counts posts, and gives each to one waiter.  As many posts as waits are made in all, so a run in
// which nobody is lost ends with every count at 0.
//
// An input is a header of four bytes, then operations of three (kind, a, b); what is missing reads
// as 0.
//
//   0, 1  the seed
//   2     growth strategy; the upper two bits, Ps less 1
//   3     allocations that fail: 0 none, else one in 2 + n
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/alarm.h"
#include "fuzz/results.h"
#include "runtime/arch/arch.h"
#include "runtime/go.h"
#include "runtime/sched/clock.h"
#include "runtime/sched/deterministic.h"
#include "runtime/sched/sched.h"

enum { HEADER = 4, OPS_MAX = 96, WORKERS = 12, EVENTS = 3, TIMERS = 8, PROCS = 4 };

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
  bool inside;  // it is in the program, or in a call, and not in the scheduler
  int lasts;    // so many turns of others, its call
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
static int ninside;   // workers
static int nresized;  // how often there have been other Ps
static int left;      // functions of workers and timers that have not ended

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

static void check_queue(const struct rt_g *me) {
  expect(count(RT_GRUNNING) == 1 && count(RT_GSYSCALL) == 0, "more than one runs");
  expect(count(RT_GRUNNABLE) == rt_det.n, "runnable, and in no queue or in two");
  for (size_t i = 0; i < rt_det.n; i++) {
    const struct rt_g *g = rt_det.queue[i];
    expect(g != me, "in the queue, and runs");
    expect(atomic_load(&g->status) == RT_GRUNNABLE, "in the queue, and not runnable");
    for (size_t k = 0; k < i; k++) expect(rt_det.queue[k] != g, "twice in the queue");
  }
}

// ---- The same with several Ps ----------------------------------------------------------------

// Whom the queues hold.
static const struct rt_g *queued[WORKERS + TIMERS + 1];
static size_t nqueued;

static void found(const struct rt_g *g) {
  expect(atomic_load(&g->status) == RT_GRUNNABLE, "in a queue, and not runnable");
  for (size_t i = 0; i < nqueued; i++) expect(queued[i] != g, "in two queues");
  expect(nqueued < sizeof queued / sizeof queued[0], "more in the queues than there are");
  queued[nqueued++] = g;
}

static void look_at_queues(void) {
  nqueued = 0;
  for (int32_t i = 0; i < atomic_load(&rt_sched.nallp); i++) {
    struct rt_p *p = atomic_load(&rt_sched.allp[i]);
    const struct rt_g *next = atomic_load(&p->runnext);
    if (next) found(next);
    for (uint32_t k = atomic_load(&p->runqhead); k != atomic_load(&p->runqtail); k++)
      found(atomic_load(&p->runq[k % RT_RUNQ]));
  }
  const struct rt_gbatches *b = &rt_sched.runq;
  for (uint32_t i = b->first; i != b->end; i++)
    for (const struct rt_g *g = b->batch[i % RT_GBATCHES].head; g; g = g->schedlink) found(g);
}

static const struct worker *worker_of(const struct rt_g *g) {
  for (int i = 0; i < nworkers; i++)
    if (workers[i].g == g) return &workers[i];
  return NULL;
}

// All Ms but this one sleep or are in the program: nobody is about to do anything.
static bool quiet(void) {
  for (const struct rt_m *m = rt_det.ms; m; m = m->turn.next) {
    if (m == rt_det.holder || rt_baton_asleep(m)) continue;
    const struct worker *w = m->curg ? worker_of(m->curg) : NULL;
    if (!w || !w->inside) return false;
  }
  return true;
}

static void check_ms(size_t *running, size_t *preempted) {
  *running = *preempted = 0;
  for (const struct rt_m *m = rt_sched.allm; m; m = m->all_link) {
    expect(!m->spinning, "sleeps, and counts as looking for work");
    *preempted += (size_t)m->preempted.n;
    if (!m->p) {
      expect(m->preempted.n == 0 || m->curg, "sleeps while only it can run somebody");
      continue;
    }
    expect(atomic_load(&m->p->m) == m, "has a P that is somebody else's");
    expect(atomic_load(&m->p->status) == RT_PRUNNING, "has a P that does not run");
    *running += 1;
  }
}

static size_t check_ps(size_t running) {
  size_t in_list = 0, idle = 0, runs = 0;
  for (const struct rt_p *p = rt_sched.pidle; p; p = p->link) in_list++;
  for (int32_t i = 0; i < atomic_load(&rt_sched.nallp); i++) {
    const struct rt_p *p = atomic_load(&rt_sched.allp[i]);
    const uint32_t status = atomic_load(&p->status);
    idle += status == RT_PIDLE;
    runs += status == RT_PRUNNING;
    expect(status != RT_PDEAD || i >= atomic_load(&rt_sched.maxprocs), "a P has retired too early");
    expect(status != RT_PIDLE || i < atomic_load(&rt_sched.maxprocs), "a P is one too many");
  }
  expect(idle == in_list && (int32_t)idle == atomic_load(&rt_sched.npidle), "an idle P is lost");
  expect(runs == running, "a P runs, and has no M");
  return idle;
}

static void check_timers(void) {
  const int64_t first = rt_timers_next(), until = atomic_load(&rt_sched.poll_until);
  if (!first) return;
  expect(atomic_load(&rt_sched.lastpoll) == 0, "nobody will wake up for the first timer");
  expect(until && until <= first, "who will wake up for the first timer does so too late");
}

static void check_quiet(void) {
  size_t running, preempted;
  check_ms(&running, &preempted);
  const size_t idle = check_ps(running);
  expect(atomic_load(&rt_sched.nmspinning) == 0, "all sleep, and some count as looking for work");
  expect(atomic_load(&rt_sched.runqsize) == rt_sched.runq.n, "a wrong size of the global queue");
  expect(count(RT_GRUNNING) == running, "a P runs no goroutine, or two");
  expect(count(RT_GRUNNABLE) == nqueued, "runnable, and in no queue");
  expect(count(RT_GPREEMPTED) == preempted, "interrupted, and nobody's");
  if (idle == 0) return;
  expect(nqueued == 0, "there is work, and a P is idle");
  check_timers();
}

// ---- In and out of the scheduler -------------------------------------------------------------

static void check(const struct worker *w) {
  if (!rt_det.threads) {
    expect(ninside == 1, "two run at once");
    check_queue(w->g);
    return;
  }
  look_at_queues();
  for (size_t i = 0; i < nqueued; i++) expect(queued[i] != w->g, "in a queue, and runs");
  const bool all = quiet();
  if (all) check_quiet();
  fuzz_count("times that nobody was about to do anything", all);
}

// Around everything that may let others run.
static void leave(struct worker *w) {
  expect(w->inside, "two run at once");
  w->inside = false;
  ninside--;
}

static void come_back(struct worker *w) {
  expect(!w->inside, "runs twice");
  expect(rt_getg() == w->g && w->g->m->curg == w->g, "somebody else's goroutine");
  expect(atomic_load(&w->g->status) == RT_GRUNNING, "runs, and is in another state");
  w->inside = true;
  ninside++;
  check(w);
}

// In a system call, with several Ps: others have their turns.
static void linger(struct worker *w) {
  if (!rt_det.threads) return;
  w->inside = true;
  for (int i = 0; i < w->lasts; i++) {
    rt_baton_pass();
    check(w);
  }
  w->inside = false;
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
    const uint32_t status = atomic_load(&w->g->status) & ~(uint32_t)RT_GSCAN;
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
  if (woken.n == 1)  // as rt_waitq_readyall: who is alone would wait for this P
    rt_goready(rt_gqueue_pop(&woken));
  else if (woken.n > 1)
    rt_injectglist(&woken);
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

static void block(void *w) {
  expect(rt_det.threads || ninside == 0, "runs while it is in a system call");
  linger(w);
}

static void call(struct worker *w) {
  expect(go_entersyscall() == GO_OK, "a system call fails");
  linger(w);
  expect(go_exitsyscall() == GO_OK, "a system call fails");
}

// In the program, where sysmon may interrupt.
static void run(struct worker *w) {
  if (rt_det.threads) come_back(w);
  rt_callpoint();
  if (rt_det.threads) leave(w);
}

static void change_procs(int n) {
  if (!rt_det.threads) {
    expect(go_gomaxprocs(n) == 1, "GOMAXPROCS is 1 in a run with one P");
    return;
  }
  const int before = go_gomaxprocs(n % (PROCS + 1));
  expect(before >= 1 && before <= PROCS, "a GOMAXPROCS that nobody has asked for");
  nresized += n % (PROCS + 1) != 0 && n % (PROCS + 1) != before;
}

static void do_op(struct worker *w, struct op op, size_t at) {
  struct event *e = &events[op.a % EVENTS];
  w->lasts = op.b % 8;
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
      // A point costs a switch of threads, where there are several Ps.
      for (int i = 0; i <= (rt_det.threads ? op.a % 32 : op.a); i++) run(w);
      break;
    case SYSCALL:
      call(w);
      break;
    case BLOCKING:
      expect(go_blocking(block, w) == GO_OK, "go_blocking fails");
      break;
    case PREEMPT_OFF:
      expect(go_preempt_off() == GO_OK && go_preempt_on() == GO_OK, "go_preempt_off fails");
      break;
    case GOMAXPROCS:
      change_procs(op.a);
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
    // A timer that was due without memory is so again after a millisecond.
    go_sleep(rt_det.threads ? 100 * (turns + 1) : 100);
  }
  for (int i = 0; i < ntimers; i++) go_timer_free(timers[i].timer);
  for (int i = 0; i < EVENTS; i++) {
    expect(events[i].first == NULL, "still waits for an event");
    expect(events[i].posts == events[i].balance, "an event was lost, or is one too many");
  }
}

static uint64_t run_once(const struct go_config *config) {
  memset(events, 0, sizeof events);
  nworkers = ntimers = left = ninside = 0;
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
      .maxprocs = 1 + data[2] / 64,
      .stack_initial = 16384,
      .fail_every = data[3] ? data[3] + 2u : 0,
  };
  struct go_stats before, after;
  go_stats(&before);
  nresized = 0;
  const uint64_t digest = run_once(&config);
  expect(run_once(&config) == digest, "the same seed does something else");
  go_stats(&after);
  fuzz_count("goroutines stolen", after.steals - before.steals);
  fuzz_count("Ps handed on from calls", after.handoffs - before.handoffs);
  if (os_preempt_supported())  // else GO_ASYNCPREEMPT is off
    fuzz_count("goroutines interrupted", after.preemptions - before.preemptions);
  fuzz_count("changes of GOMAXPROCS", (uint64_t)nresized);
  return 0;
}
