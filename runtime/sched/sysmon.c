// sysmon: the thread that looks after what the others cannot see (Go's sysmon): Ps left in system
// calls, goroutines that do not come back, the poller when nobody asks it, timers when nobody is
// awake.  It has no P and runs no goroutines.
#include <stdatomic.h>
#include "runtime/sched/deterministic.h"
#include "runtime/sched/event.h"
#include "runtime/sched/netpoll.h"
#include "runtime/sched/preempt.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/shrink.h"
#include "runtime/sched/traceback.h"
#include "runtime/stack/count.h"

enum {
  TICK_US = 20,                   // how often it looks while things happen
  TICK_MOST_US = 5000,            // and while nothing does: with RT_PREEMPT_NS, under 20 ms
  PENDING_US = 200,               // while somebody is to be interrupted
  QUIET_TICKS = 50,               // after so many looks in vain it looks half as often
  NETPOLL_NS = 10000000,          // ask the poller if nobody has for so long
  CALL_NS = 10000000,             // a call with nothing else to do for its P may keep it so long
};

// While sysmon holds Ps or goroutines that nobody else has, there is no deadlock.
static void hold(void) {
  rt_lock(&rt_sched.lock);
  rt_sched.nm++;
  rt_unlock(&rt_sched.lock);
}

static void letgo(void) {
  rt_lock(&rt_sched.lock);
  rt_sched.nm--;
  rt_checkdead();
  rt_unlock(&rt_sched.lock);
}

// Whether what began at `since` has lasted for ns; in a deterministic run, as the seed likes.
static bool lasts(int64_t since, int64_t ns, int64_t now) {
  return rt_det.threads ? rt_choose(2) == 0 : since + ns <= now;
}

// Takes the P of a system call that lasts, if there is anything to do with it.
static bool retake_syscall(struct rt_p *p, int64_t now) {
  const uint64_t tick = atomic_load_explicit(&p->syscalltick, memory_order_relaxed);
  if (p->seen.syscalltick != tick) {
    p->seen.syscalltick = tick;
    p->seen.syscallwhen = now;
    return false;
  }
  const bool others = atomic_load(&rt_sched.nmspinning) + atomic_load(&rt_sched.npidle) > 0;
  if (rt_runqempty(p) && others && !lasts(p->seen.syscallwhen, CALL_NS, now)) return false;
  hold();
  uint32_t in_call = RT_PSYSCALL;
  const bool taken = atomic_compare_exchange_strong(&p->status, &in_call, RT_PIDLE);
  if (taken) {
    rt_count(&p->syscalltick, 1);
    rt_count(&p->handoffs, 1);
    rt_event_handoff(p, false);
    rt_handoffp(p);
  }
  letgo();
  return taken;
}

// Interrupts the goroutine of a P that has run no other for too long; true if that has yet to
// succeed: it may have been in the runtime or in a library just then.
static bool retake_running(struct rt_p *p, int64_t now) {
  const uint64_t tick = atomic_load_explicit(&p->schedtick, memory_order_relaxed);
  if (p->seen.schedtick != tick) {
    p->seen.schedtick = tick;
    p->seen.schedwhen = now;
    return false;
  }
  if (!lasts(p->seen.schedwhen, RT_PREEMPT_NS, now)) return false;
  rt_preemptone(p);
  return true;
}

// What sysmon should do next: look again at its own pace, soon, or as at the beginning.
enum pace { QUIET, PENDING, BUSY };

static enum pace retake(int64_t now) {
  bool taken = false, pending = false;
  const int32_t n = atomic_load(&rt_sched.nallp);
  for (int32_t i = 0; i < n; i++) {
    struct rt_p *p = atomic_load(&rt_sched.allp[i]);
    const uint32_t status = atomic_load(&p->status);
    if (status == RT_PRUNNING) pending |= retake_running(p, now);
    if (status == RT_PSYSCALL) taken |= retake_syscall(p, now);
  }
  return taken ? BUSY : pending ? PENDING : QUIET;
}

static void poll(int64_t now) {
  int64_t last = atomic_load(&rt_sched.lastpoll);
  if (!rt_netpoll_inited() || last == 0 || last + NETPOLL_NS > now) return;
  if (!atomic_compare_exchange_strong(&rt_sched.lastpoll, &last, now)) return;
  hold();
  struct rt_gqueue ready = {0};
  rt_netpoll(0, &ready);
  if (ready.n > 0) rt_injectglist(&ready);
  letgo();
}

// A timer is due, there is a P for it, and everybody else is busy.
static void wake_for_timers(int64_t now) {
  const int64_t next = rt_timers_next();
  if (next == 0 || next >= now || atomic_load(&rt_sched.npidle) == 0) return;
  hold();
  rt_startm(NULL, false);
  letgo();
}

// Begins a pass of shrinking if one is due: the next M that looks for work does it.  Returns when
// to ask again, 0: when somebody has parked.
static int64_t shrink(int64_t now) {
  int64_t again;
  if (rt_shrink_tick(now, &again) && atomic_load(&rt_sched.npidle) > 0) {
    hold();
    rt_startm(NULL, false);
    letgo();
  }
  return again;
}

// There was no M for a P, which may be idle beside work.
static void try_again(void) {
  if (!atomic_load(&rt_sched.refused)) return;
  hold();
  atomic_store(&rt_sched.refused, false);
  rt_startm(NULL, false);
  letgo();
}

// sched.lock held.  Whether no P runs, nor one that GOMAXPROCS has left above it.
static bool all_idle(void) {
  const int32_t limit = atomic_load(&rt_sched.maxprocs), n = atomic_load(&rt_sched.nallp);
  if (atomic_load(&rt_sched.npidle) < limit) return false;
  for (int32_t i = limit; i < n; i++)
    if (atomic_load(&atomic_load(&rt_sched.allp[i])->status) != RT_PDEAD) return false;
  return true;
}

// Sleeps while every P is idle: until one is taken or, if that is not 0, until `until`.
static void rest(int64_t until) {
  struct rt_sysmon *s = &rt_sched.sysmon;
  if (atomic_load(&rt_sched.npidle) < atomic_load(&rt_sched.maxprocs)) return;
  rt_lock(&rt_sched.lock);
  const bool quiet =
      all_idle() && !atomic_load(&rt_sched.refused) && !atomic_load(&rt_sched.stopping);
  atomic_store(&s->waiting, quiet);
  rt_unlock(&rt_sched.lock);
  if (!quiet) return;
  if (!until) {
    rt_notesleep(&s->note);
  } else if (!rt_notesleep_for(&s->note, until - rt_nanotime())) {
    rt_lock(&rt_sched.lock);
    const bool nobody = atomic_exchange(&s->waiting, false);
    rt_unlock(&rt_sched.lock);
    if (nobody) return;
    rt_notesleep(&s->note);  // a wake-up is on its way
  }
  rt_noteclear(&s->note);
}

void rt_sysmon_wake(void) {
  struct rt_sysmon *s = &rt_sched.sysmon;
  if (!atomic_load_explicit(&s->waiting, memory_order_relaxed)) return;
  atomic_store(&s->waiting, false);
  atomic_store_explicit(&rt_sched.coarse_now, rt_nanotime(), memory_order_relaxed);
  rt_notewakeup(&s->note);
}

static void pause(uint32_t us) {
  if (rt_det.threads)
    rt_baton_rest();
  else
    os_usleep(us);
}

static void loop(void *unused) {
  (void)unused;
  uint32_t us = TICK_US, quiet = 0;
  int64_t again = 0;
  enum pace pace = BUSY;
  while (!atomic_load(&rt_sched.stopping)) {
    pause(pace == PENDING && us > PENDING_US ? PENDING_US : us);
    rest(rt_det.threads ? 0 : again);  // virtual time does not pass for it
    const int64_t now = rt_nanotime();
    atomic_store_explicit(&rt_sched.coarse_now, now, memory_order_relaxed);
    poll(now);
    pace = retake(now);
    wake_for_timers(now);
    try_again();
    again = shrink(now);
    quiet = pace == BUSY ? 0 : quiet + 1;
    if (pace == BUSY) us = TICK_US;
    if (quiet > QUIET_TICKS) us = us * 2 < TICK_MOST_US ? us * 2 : TICK_MOST_US;
  }
}

static void thread(void *m) {
  rt_marrive(m);
  rt_traceback_join(m);
  rt_mrun(m, loop, NULL);
  rt_mleave();
}

void rt_sysmon_start(struct rt_stackcache *cache) {
  struct rt_m *m;
  atomic_store(&rt_sched.coarse_now, rt_nanotime());
  if (rt_mnew(cache, true, &m) != 0) return;
  if (rt_mthread(m, thread) != 0) {
    rt_mfree(m, cache);
    return;
  }
  rt_sched.sysmon.m = m;
}

void rt_sysmon_stop(struct rt_stackcache *cache) {
  struct rt_m *m = rt_sched.sysmon.m;
  if (!m) return;
  rt_mjoin(m);
  rt_mfree(m, cache);
  rt_sched.sysmon.m = NULL;
}
