// Switches between a goroutine and g0, above the assembly of runtime/arch: who is current, whose
// stack it is, and what the sanitizers must know.
#include <assert.h>
#include <stddef.h>
#include "runtime/arch/arch.h"
#include "runtime/arch/offsets.h"
#include "runtime/os/throw.h"
#include "runtime/sched/fiber.h"
#include "runtime/sched/sched.h"

static_assert(offsetof(struct rt_g, gs.sp) == 0, "the assembly finds SP in a g's first word");
static_assert(offsetof(struct rt_g, gs.low) == RT_G_LOW, "the assembly reads the mark there");
static_assert(offsetof(struct rt_g, gs.stack.lo) == RT_G_LO &&
                  offsetof(struct rt_g, gs.stack.hi) == RT_G_HI,
              "and where the stack lies");
static_assert(offsetof(struct rt_g, m) == RT_G_M && offsetof(struct rt_m, g0) == 0,
              "the assembly finds g0 there");

// Runs on g0 while the goroutine's registers already lie saved on its stack.
static void mcall_entry(struct rt_g *g) {
  struct rt_m *m = g->m;
  rt_fiber_arrived(rt_fiber_of(&m->g0));
  m->mcallfn(g);
}

void rt_mcall(void (*fn)(struct rt_g *)) {
  struct rt_g *g = rt_getg();
  struct rt_m *m = g->m;
  m->mcallfn = fn;
  rt_fiber_leave(rt_fiber_of(g), &m->g0);
  rt_mcall_to(g, mcall_entry, m->g0.gs.sp, &m->g0);
  rt_fiber_arrived(rt_fiber_of(g));
}

struct oncall_loop {
  struct rt_m *m;
  struct rt_g *(*next)(struct rt_m *);
};

RT_FIBER_BRIDGE static struct rt_g *leave_for_next(void *p) {
  struct oncall_loop *l = p;
  struct rt_g *g = l->next(l->m);
  if (g) rt_fiber_leave(rt_fiber_of(&l->m->g0), g);
  return g;
}

void rt_mloop(struct rt_m *m, struct rt_g *(*next)(struct rt_m *)) {
  struct oncall_loop l = {m, next};
  rt_gloop(leave_for_next, &l, &m->g0.gs.sp);
}

struct oncall {
  void (*fn)(void *);
  void *arg;
  struct rt_g *from;
  struct rt_m *m;
};

RT_FIBER_BRIDGE static void systemstack_entry(void *p) {
  struct oncall *c = p;
  rt_fiber_arrived(rt_fiber_of(&c->m->g0));
  c->fn(c->arg);
  rt_fiber_leave(rt_fiber_of(&c->m->g0), c->from);
}

void rt_systemstack(void (*fn)(void *), void *arg) {
  struct rt_g *g = rt_getg();
  struct rt_m *m = g->m;
  if (g == &m->g0) {
    fn(arg);
    return;
  }
  struct oncall c = {fn, arg, g, m};
  rt_fiber_leave(rt_fiber_of(g), &m->g0);
  rt_onstack(systemstack_entry, &c, m->g0.gs.sp & ~(uintptr_t)15, &m->g0, &m->g0_extent);
  rt_fiber_arrived(rt_fiber_of(g));
}

static struct rt_extent extent(uintptr_t lo, uintptr_t hi) {
  return (struct rt_extent){lo, hi, os_stack_limit(lo, hi)};
}

RT_FIBER_BRIDGE static void threadstack_entry(void *p) {
  struct oncall *c = p;
  rt_fiber_arrived(&c->m->os_fiber);
  c->fn(c->arg);
  rt_fiber_leave(&c->m->os_fiber, c->from);
}

void rt_threadstack(void (*fn)(void *), void *arg) {
  struct rt_g *g = rt_getg();
  struct rt_m *m = g->m;
  struct oncall c = {fn, arg, g, m};
  rt_fiber_back_to_thread(rt_fiber_of(g), &m->os_fiber, m->os_lo, m->os_bytes);
  const struct rt_extent own = extent((uintptr_t)m->os_lo, (uintptr_t)m->os_lo + m->os_bytes);
  rt_onstack(threadstack_entry, &c, m->os_sp, &m->g0, &own);
  rt_fiber_arrived(rt_fiber_of(g));
}

RT_FIBER_BRIDGE static void mrun_entry(void *p) {
  struct oncall *c = p;
  rt_fiber_arrived(rt_fiber_of(&c->m->g0));
  c->fn(c->arg);
  rt_fiber_back_to_thread(NULL, &c->m->os_fiber, c->m->os_lo, c->m->os_bytes);
}

void rt_mrun(struct rt_m *m, void (*fn)(void *), void *arg) {
  struct oncall c = {fn, arg, NULL, m};
  os_thread_stack(&m->os_lo, &m->os_bytes);
  m->os_fiber = rt_fiber_of_thread();
  rt_fiber_begin(&m->g0);
  rt_fiber_leave(&m->os_fiber, &m->g0);
  m->g0.gs.sp = m->g0.gs.stack.hi - 16;
  m->g0_extent = extent(m->g0.gs.stack.lo, m->g0.gs.stack.hi);
  m->g0.gs.low = m->g0_extent.limit;
  enum { OURS = 1024 };  // of this stack for rt_onstack, and the red zones
  m->os_sp = (rt_getsp() - OURS) & ~(uintptr_t)15;
  rt_onstack(mrun_entry, &c, m->g0.gs.sp & ~(uintptr_t)15, &m->g0, &m->g0_extent);
  rt_fiber_arrived(&m->os_fiber);
  rt_fiber_end(&m->g0);
}

void rt_gprepare(struct rt_g *g) {
  g->gs.sp = rt_gostack(g->gs.stack.hi, rt_gomain);
  rt_fiber_begin(g);
}

void rt_gforget(struct rt_g *g) { rt_fiber_end(g); }
