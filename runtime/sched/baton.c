// Ms that run one at a time (baton.h).
#include "runtime/sched/baton.h"

#include <stdatomic.h>
#include "runtime/os/throw.h"
#include "runtime/sched/clock.h"
#include "runtime/sched/deterministic.h"
#include "runtime/sched/netpoll.h"
#include "runtime/sched/sched.h"

// What an M waits for that is in the poller, and sysmon between two looks.
static const char polling, resting;

static bool broken;                // the poller is to wake up
static bool alone;                 // nobody but who is there can run, and no time limits that
static _Atomic uint32_t outsiders; // locks taken by other threads, ever
static uint32_t outsiders_before;  // this run

// ---- The books -------------------------------------------------------------------------------

static struct rt_m **end_of_books(void) {
  struct rt_m **at = &rt_det.ms;
  while (*at) at = &(*at)->turn.next;
  return at;
}

static void new_priority(struct rt_m *m) {
  if (rt_det.priorities) m->turn.priority = rt_choose(UINT32_MAX);
}

void rt_baton_add(struct rt_m *m) {
  m->turn = (struct rt_turn){.number = rt_det.nms++};
  new_priority(m);
  *end_of_books() = m;
}

void rt_baton_remove(struct rt_m *m) {
  struct rt_m **at = &rt_det.ms;
  while (*at != m) at = &(*at)->turn.next;
  *at = m->turn.next;
}

void rt_baton_begin(struct rt_m *m) {
  broken = false;
  outsiders_before = atomic_load(&outsiders);
  rt_baton_add(m);
  rt_det.holder = m;
}

void rt_baton_end(void) { rt_det.holder = rt_det.ms = NULL; }

// ---- Who is next -----------------------------------------------------------------------------

enum may { CANNOT, MAY, CAN };  // MAY: but there is nothing for it to do, as a rule

// Who comes from outside does not wake anybody in the books.
static bool outside(void) { return atomic_load(&outsiders) != outsiders_before; }

static enum may may_run(const struct rt_m *m) {
  const struct rt_turn *t = &m->turn;
  if (!t->waits || (t->lock && outside() && atomic_load(t->lock) == 0)) return CAN;
  if (t->waits == &resting) return MAY;
  if (t->waits != &polling) return CANNOT;
  if (broken || (t->until && t->until <= rt_nanotime())) return CAN;
  return rt_netpoll_waiters() ? MAY : CANNOT;
}

// An M but that one; NULL: none can run.
static struct rt_m *choose(const struct rt_m *but) {
  uint32_t n = 0;
  enum may most = but ? CAN : CANNOT;
  struct rt_m *best = NULL;
  for (struct rt_m *m = rt_det.ms; m; m = m->turn.next) {
    const enum may may = m == but ? CANNOT : may_run(m);
    m->turn.stands = may != CANNOT;  // once and for all: outsiders change their minds
    if (may == CANNOT) continue;
    n++;
    if (may > most) most = may;
    if (!best || m->turn.priority > best->turn.priority) best = m;
  }
  if (n == 0 || most != CAN) return NULL;
  if (rt_det.priorities) return best;
  uint32_t k = rt_choose(n);
  for (struct rt_m *m = rt_det.ms;; m = m->turn.next)
    if (m->turn.stands && k-- == 0) return m;
}

// All wait for each other, or for what is not in the books: time, the world, or an outsider.
static struct rt_m *choose_of_none(void) {
  enum { OUTSIDE_US = 10 };
  struct rt_m *sysmon = NULL;
  for (struct rt_m *m = rt_det.ms; m; m = m->turn.next) {
    if (m->turn.waits == &resting) sysmon = m;
    if (m->turn.waits != &polling) continue;
    if (m->turn.until) rt_clock_advance(m->turn.until);
    alone = m->turn.until == 0;
    return m;
  }
  if (sysmon && atomic_load(&rt_sched.stopping)) return sysmon;
  while (outside()) {
    struct rt_m *m = choose(NULL);
    if (m) return m;
    os_usleep(OUTSIDE_US);
  }
  rt_throw("every M waits for another");
}

// ---- The baton -------------------------------------------------------------------------------

static void give(struct rt_m *m) {
  rt_det_note(m->turn.number);
  m->turn.waits = NULL;
  m->turn.lock = NULL;
  rt_det.holder = m;
  atomic_store_explicit(&m->turn.given, 1, memory_order_release);
  os_wake(&m->turn.given, 1);
}

void rt_baton_arrive(struct rt_m *m) {
  while (atomic_exchange_explicit(&m->turn.given, 0, memory_order_acquire) == 0)
    os_wait(&m->turn.given, 0);
}

// From me to next, until it comes back.
static void pass(struct rt_m *me, struct rt_m *next) {
  give(next);
  rt_baton_arrive(me);
}

static struct rt_m *anybody(void) {
  struct rt_m *m = choose(NULL);
  return m ? m : choose_of_none();
}

void rt_baton_leave(void) {
  struct rt_m *me = rt_det.holder;
  rt_baton_remove(me);
  rt_baton_wake(me, 1);
  give(anybody());
}

void rt_baton_join(struct rt_m *m) {
  for (struct rt_m *at = rt_det.ms; at; at = at->turn.next) {
    if (at != m) continue;
    rt_baton_wait(m);
    return;
  }
}

void rt_baton_point(void) {
  struct rt_m *me = rt_det.holder;
  if (!me) return;
  const bool interrupted = rt_choose(rt_det.point_every) == 0;
  if (!interrupted && !rt_det.priorities) return;
  if (interrupted) new_priority(me);
  struct rt_m *next = choose(NULL);
  if (next != me) pass(me, next);
}

void rt_baton_pass(void) {
  struct rt_m *me = rt_det.holder, *next = choose(me);
  new_priority(me);
  if (next) pass(me, next);
}

void rt_baton_wait(const void *where) {
  struct rt_m *me = rt_det.holder;
  me->turn.waits = where;
  pass(me, anybody());
}

void rt_baton_wait_lock(const _Atomic uint32_t *lock) {
  rt_det.holder->turn.lock = lock;
  rt_baton_wait(lock);
}

void rt_baton_wake(const void *where, int n) {
  for (struct rt_m *m = rt_det.ms; m && n > 0; m = m->turn.next) {
    if (m->turn.waits != where) continue;
    m->turn.waits = NULL;
    m->turn.lock = NULL;
    n--;
  }
}

void rt_baton_rest(void) {
  new_priority(rt_det.holder);
  rt_baton_wait(&resting);
}

bool rt_baton_poll(int64_t until) {
  struct rt_m *me = rt_det.holder;
  new_priority(me);
  alone = false;
  me->turn.until = until;
  rt_baton_wait(&polling);
  broken = false;
  return alone;
}

void rt_baton_break(void) { broken = true; }

bool rt_baton_asleep(const struct rt_m *m) { return may_run(m) != CAN && !m->turn.lock; }

void rt_baton_outside(void) { atomic_fetch_add(&outsiders, 1); }
