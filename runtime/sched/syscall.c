// System calls: a goroutine that blocks in one keeps its M, but not its P (Go's entersyscall,
// exitsyscall).  The P is left marked, and sysmon takes it if the call lasts.
#include <stdatomic.h>
#include "runtime/arch/arch.h"
#include "runtime/nosanitize.h"
#include "runtime/sched/deterministic.h"
#include "runtime/sched/event.h"
#include "runtime/sched/sched.h"
#include "runtime/stack/count.h"

// On g0: goroutines that may go on only here would wait for the whole call.  Another M gets this
// one, which may go on anywhere, to make the call.
static void leave_m(struct rt_g *g) {
  struct rt_m *m = g->m;
  rt_event_leave(g);
  rt_dropg(g);
  rt_casgstatus(g, RT_GRUNNING, RT_GRUNNABLE);
  if (rt_startg(g)) return;
  rt_casgstatus(g, RT_GRUNNABLE, RT_GRUNNING);  // no other M to be had: they wait
  g->m = m;
  m->curg = g;
  rt_event_run(g);
  m->resume = g;
}

static bool on_goroutine(const struct rt_g *g) { return g && g != &g->m->g0; }

// The byte may lie in a frame of the program's, and in a red zone there.
RT_NOSANITIZE void rt_stackreach(const struct rt_g *g) {
  const struct rt_gstack *gs = &g->gs;
  if (__builtin_expect(rt_getsp() < gs->stack.lo, 0) && gs->growth->fault)
    (void)*(const volatile char *)(gs->stack.lo - 1);
}

int go_entersyscall(void) {
  struct rt_g *g = rt_getg();
  if (!on_goroutine(g)) return GO_ENOTG;
  rt_stackreach(g);
  rt_callpoint();
  if (g->m->preempted.n > 0) rt_mcall(leave_m);
  struct rt_m *m = g->m;
  rt_event_syscall(g);
  g->gs.sp = rt_getsp();  // for whoever prints this stack meanwhile
  rt_casgstatus(g, RT_GRUNNING, RT_GSYSCALL);
  struct rt_p *p = rt_releasep(m);
  m->oldp = p;
  if (!p) return 0;
  rt_count(&p->syscalltick, 1);
  // From here on it is anyone's.
  atomic_store(&p->status, RT_PSYSCALL);
  return 0;
}

// On g0, without a P.
static void exitsyscall0(struct rt_g *g) {
  struct rt_m *m = g->m;
  rt_event_sysexit(g);
  rt_dropg(g);
  rt_casgstatus(g, RT_GSYSCALL, RT_GRUNNABLE);
  rt_lock(&rt_sched.lock);
  struct rt_p *p = atomic_load(&rt_sched.stopping) ? NULL : rt_pidleget();
  // Under the same lock, or the last P could become idle before it sees us in the queue.
  if (!p) rt_globrunqpush(g);
  rt_unlock(&rt_sched.lock);
  if (!p) return;
  rt_acquirep(m, p);
  rt_runqput(p, g, true);
}

int go_exitsyscall(void) {
  struct rt_g *g = rt_getg();
  if (!on_goroutine(g)) return GO_ENOTG;
  rt_mpoint();
  struct rt_m *m = g->m;
  struct rt_p *p = m->oldp;
  m->oldp = NULL;
  uint32_t in_call = RT_PSYSCALL;
  if (p && atomic_compare_exchange_strong(&p->status, &in_call, RT_PRUNNING)) {
    m->p = p;
    // Another M may have had it meanwhile, and be in a call now: sysmon interrupts whom p names.
    atomic_store_explicit(&p->m, m, memory_order_release);
    rt_casgstatus(g, RT_GSYSCALL, RT_GRUNNING);
    rt_event_sysexit(g);
    return 0;
  }
  rt_mcall(exitsyscall0);
  return 0;
}

static void handoff(void *arg) {
  struct rt_p *p = arg;
  rt_count(&p->handoffs, 1);
  rt_event_handoff(p, true);
  rt_handoffp(p);
}

int go_blocking(void (*fn)(void *), void *arg) {
  if (!fn) return GO_EINVAL;
  const int error = go_entersyscall();
  if (error) return error;
  // It will last: the P need not wait for sysmon to find out.
  struct rt_p *p = rt_getg()->m->oldp;
  uint32_t in_call = RT_PSYSCALL;
  if (p && !rt_det_onethread() && atomic_compare_exchange_strong(&p->status, &in_call, RT_PIDLE))
    rt_systemstack(handoff, p);
  rt_threadstack(fn, arg);
  if (rt_det.threads) rt_baton_pass();  // it has lasted
  return go_exitsyscall();
}

// ---- Files -----------------------------------------------------------------------------------

// The kernel does not grow stacks: it answers EFAULT for a buffer in the guard.  But a buffer of
// the caller's lies above the SP of this call, and go_entersyscall has the stack grow to there.

int64_t go_read(int fd, void *buffer, size_t bytes) {
  const int error = go_entersyscall();
  if (error) return error;
  const int64_t n = os_read(fd, buffer, bytes, -1);
  go_exitsyscall();
  return n;
}

int64_t go_write(int fd, const void *buffer, size_t bytes) {
  const int error = go_entersyscall();
  if (error) return error;
  const int64_t n = os_write(fd, buffer, bytes, -1);
  go_exitsyscall();
  return n;
}

int64_t go_pread(int fd, void *buffer, size_t bytes, int64_t offset) {
  if (offset < 0) return GO_EINVAL;
  const int error = go_entersyscall();
  if (error) return error;
  const int64_t n = os_read(fd, buffer, bytes, offset);
  go_exitsyscall();
  return n;
}

int64_t go_pwrite(int fd, const void *buffer, size_t bytes, int64_t offset) {
  if (offset < 0) return GO_EINVAL;
  const int error = go_entersyscall();
  if (error) return error;
  const int64_t n = os_write(fd, buffer, bytes, offset);
  go_exitsyscall();
  return n;
}
