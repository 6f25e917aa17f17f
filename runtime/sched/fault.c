// What a memory fault means to the scheduler: whose stack was it?
#include <stdatomic.h>
#include "runtime/arch/arch.h"
#include "runtime/os/throw.h"
#include "runtime/sched/event.h"
#include "runtime/sched/sched.h"
#include "runtime/stack/quarantine.h"

// The process is about to die of a fault that is none of ours: the default action says nothing.  If
// the goroutine's stack has moved, a stale pointer is the likely cause.
static void tell(const struct os_fault *fault, const struct rt_gstack *gs) {
  struct rt_text t = {.n = 0};
  rt_text_str(&t, "stacklab: ");
  rt_text_str(&t, gs ? "goroutine " : "the scheduler");
  if (gs) rt_text_dec(&t, gs->goid);
  rt_text_str(&t, ": fault at ");
  rt_text_hex(&t, fault->addr);
  rt_text_str(&t, ", pc ");
  rt_text_hex(&t, fault->pc);
  if (gs && gs->nmoves > 0) {
    rt_text_str(&t, ", outside its stack, which strategy ");
    rt_text_str(&t, gs->growth->name);
    rt_text_str(&t, " has moved ");
    rt_text_dec(&t, gs->nmoves);
    rt_text_str(&t, " times: a stale pointer? (GO_STACKDEBUG=quarantine tells)");
  }
  rt_text_str(&t, "\n");
  rt_lastwords(&t, fault->pc);
}

bool rt_onfault(struct os_fault *fault) {
  struct rt_g *g = rt_getg();
  const bool goroutine = g && g != &g->m->g0;
  const struct rt_stack *s = g ? &g->gs.stack : NULL;
  if (!s || fault->addr < s->slot_lo || fault->addr >= s->lo) {
    // Only now: other threads change the quarantine while we look, and a fault that is ours must
    // not be judged by what we see of that.
    if (rt_growth_options.quarantine) rt_quarantine_check(fault, goroutine ? g->gs.goid : 0);
    if (fault->fatal && g) tell(fault, goroutine ? &g->gs : NULL);
    return false;
  }
  if (!goroutine) rt_throw("stack overflow on g0, the scheduler's stack");
  // In a system call too: the functions around it run on this stack.
  const bool in_call = atomic_load_explicit(&g->status, memory_order_relaxed) == RT_GSYSCALL;
  const enum rt_gstatus was = in_call ? RT_GSYSCALL : RT_GRUNNING;
  rt_casgstatus(g, was, RT_GCOPYSTACK);
  const bool again = rt_growth_fault(&g->gs, &g->m->cache, fault);
  rt_casgstatus(g, RT_GCOPYSTACK, was);
  if (again) rt_event_growth(g, RT_BY_FAULT, fault->pc);
  return again;
}
