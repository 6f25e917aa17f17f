// rt_morestack (arch.h): a function finds at its first instruction that it has no room.
#include <errno.h>
#include <stdatomic.h>
#include "runtime/arch/arch.h"
#include "runtime/sched/event.h"
#include "runtime/sched/fiber.h"
#include "runtime/sched/sched.h"

// The goroutine may be in a system call: the functions around it run on its stack, too.
static uintptr_t grow(struct rt_g *g, uintptr_t sp, size_t bytes, uintptr_t pc) {
  struct rt_gstack *gs = &g->gs;
  struct rt_m *m = g->m;
  const bool in_call = atomic_load_explicit(&g->status, memory_order_relaxed) == RT_GSYSCALL;
  const enum rt_gstatus was = in_call ? RT_GSYSCALL : RT_GRUNNING;
  const uintptr_t saved = gs->stack.hi - gs->sp;  // its SP there, for tracebacks
  rt_casgstatus(g, was, RT_GCOPYSTACK);
  gs->sp = sp;
  // A strategy without has no mark either: no address is low enough for what gets here.
  const int error =
      gs->growth->checkpoint ? gs->growth->checkpoint(gs, &m->cache, bytes) : GO_ELIMIT;
  if (error) {
    const struct os_fault at = {.addr = sp - bytes, .sp = sp, .pc = pc};
    rt_growth_overflow(gs, &at, gs->stack.hi - sp + bytes,
                       error == GO_ELIMIT ? "the stack is at its limit" : go_strerror(error));
  }
  rt_casgstatus(g, RT_GCOPYSTACK, was);
  sp = gs->sp;
  gs->sp = gs->stack.hi - saved;
  return sp;
}

RT_FIBER_BRIDGE uintptr_t rt_morestack(struct rt_g *g, uintptr_t sp, size_t bytes, uintptr_t pc) {
  // A signal handler of the program that runs on another stack than the goroutine it interrupts.
  if (sp < g->gs.stack.slot_lo || sp > g->gs.stack.hi) return sp;
  const int saved_errno = errno;  // the function has not come to read it yet
  struct rt_m *m = g->m;
  rt_fiber_leave(rt_fiber_of(g), &m->g0);
  rt_fiber_arrived(rt_fiber_of(&m->g0));
  sp = grow(g, sp, bytes, pc);
  rt_fiber_leave(rt_fiber_of(&m->g0), g);
  rt_fiber_arrived(rt_fiber_of(g));
  errno = saved_errno;
  return sp;
}

// Apart from it: the growth profile unwinds, and the old stack may be anybody's by now.
RT_FIBER_BRIDGE void rt_morestack_moved(struct rt_g *g, uintptr_t pc) {
  const int saved_errno = errno;
  struct rt_m *m = g->m;
  rt_fiber_leave(rt_fiber_of(g), &m->g0);
  rt_fiber_arrived(rt_fiber_of(&m->g0));
  rt_event_growth(g, RT_BY_PROLOGUE, pc);
  rt_fiber_leave(rt_fiber_of(&m->g0), g);
  rt_fiber_arrived(rt_fiber_of(g));
  errno = saved_errno;
}
