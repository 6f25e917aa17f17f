// Timers of the program: a function or a channel when the time has come (Go's time.AfterFunc,
// time.NewTimer, time.NewTicker).
#include <stdatomic.h>
#include <stdlib.h>
#include "runtime/arch/arch.h"
#include "runtime/chan/chan.h"

// The owner, a time that it is due for and a call that is under way each hold a reference.
struct go_timer {
  struct rt_lock lock;  // an rt_plock
  struct rt_timer timer;
  int64_t due, period;
  bool armed;           // it is due once more
  int32_t refs;
  void (*fn)(void *);
  void *arg;
  struct go_chan *c;    // instead of fn
};

// t->lock is held, and let go.  Drops a reference.
static void drop(struct go_timer *t) {
  const bool last = --t->refs == 0;
  rt_punlock(&t->lock);
  if (!last) return;
  if (rt_getg())
    rt_systemstack(free, t);
  else
    free(t);
}

// t->lock is held: whoever has stopped the timer may free the channel.  Returns whom to ready.
static struct rt_g *tick(struct go_timer *t) {
  const int64_t now = rt_nanotime();
  struct rt_g *wake;
  rt_plock(&t->c->lock);
  rt_chan_sendnow(t->c, &now, &wake);
  rt_punlock(&t->c->lock);
  return wake;
}

// t->lock is held.
static int arm(struct go_timer *t, int64_t due) {
  const int error = rt_timer_start(&t->timer, due);
  t->due = due;
  t->armed = error == 0;
  t->refs += t->armed;
  return error;
}

// The first beat that is yet to come; if that is after the end of time, then.
static int64_t next_beat(const struct go_timer *t) {
  const int64_t late = rt_nanotime() - t->due;
  int64_t next = 1 + (late > 0 ? late / t->period : 0);
  if (__builtin_mul_overflow(next, t->period, &next)) return INT64_MAX;
  return __builtin_add_overflow(next, t->due, &next) ? INT64_MAX : next;
}

// g0, or with a seq of 0 the end of go_run.  The reference of its time is ours now.
static void due(void *arg, uint64_t seq) {
  struct go_timer *t = arg;
  rt_plock(&t->lock);
  const bool current = t->armed && seq == t->timer.seq;
  if (current || seq == 0) t->armed = false;
  if (current && t->period > 0 && t->due < INT64_MAX) arm(t, next_beat(t));
  struct rt_g *wake = current && t->c ? tick(t) : NULL;
  if (current && t->fn) {
    rt_punlock(&t->lock);
    const int error = rt_newproc(t->fn, t->arg);
    rt_plock(&t->lock);
    // Without memory for the goroutine, once more, soon, unless the owner has changed his mind.
    if (error && !t->armed && t->timer.seq == seq) arm(t, rt_nanotime() + GO_MILLISECOND);
  }
  drop(t);
  if (wake) rt_goready(wake);
}

struct newtimer {
  struct go_timer *t;
};

static void newtimer(void *arg) {
  struct newtimer *n = arg;
  n->t = rt_malloc(sizeof *n->t);
}

static bool on_goroutine(void) {
  const struct rt_g *g = rt_getg();
  return g && g != &g->m->g0;
}

static int make(void (*fn)(void *), void *arg, struct go_chan *c, struct go_timer **out) {
  struct newtimer n;
  rt_systemstack(newtimer, &n);
  if (!n.t) return GO_ENOMEM;
  *n.t = (struct go_timer){.fn = fn, .arg = arg, .c = c, .refs = 1};
  n.t->timer.fn = due;
  n.t->timer.arg = n.t;
  *out = n.t;
  return 0;
}

int go_timer_func(void (*fn)(void *), void *arg, struct go_timer **out) {
  if (!on_goroutine()) return GO_ENOTG;
  if (!fn || !out) return GO_EINVAL;
  return rt_mystack(arg) ? GO_EMOVES : make(fn, arg, NULL, out);
}

int go_timer_chan(struct go_chan *c, struct go_timer **out) {
  if (!on_goroutine()) return GO_ENOTG;
  if (!c || c->elem != sizeof(int64_t) || !out) return GO_EINVAL;
  return make(NULL, NULL, c, out);
}

// t->lock is held.
static bool disarm(struct go_timer *t) {
  const bool was = t->armed;
  t->armed = false;
  // If it has been taken out of its heap, due() is on its way, and finds it disarmed.
  if (was && rt_timer_stop(&t->timer)) t->refs--;
  return was;
}

int go_timer_start(struct go_timer *t, int64_t ns, int64_t period) {
  if (!on_goroutine()) return GO_ENOTG;
  if (!t || period < 0) return GO_EINVAL;
  const int64_t now = rt_nanotime();
  const int64_t wait = ns > 0 ? ns : 0;
  rt_plock(&t->lock);
  disarm(t);
  t->timer.seq++;
  t->period = period;
  const int error = arm(t, wait < INT64_MAX - now ? now + wait : INT64_MAX);
  rt_punlock(&t->lock);
  return error;
}

bool go_timer_stop(struct go_timer *t) {
  if (!t || !on_goroutine()) return false;
  rt_plock(&t->lock);
  const bool was = disarm(t);
  rt_punlock(&t->lock);
  return was;
}

void go_timer_free(struct go_timer *t) {
  if (!t) return;
  rt_plock(&t->lock);
  t->armed = false;
  if (rt_timer_remove(&t->timer)) t->refs--;
  t->timer.seq++;  // a call that is under way starts it no more
  drop(t);
}
