// What a memory fault means to the scheduler: whose stack was it?
#include "runtime/arch/arch.h"
#include "runtime/os/throw.h"
#include "runtime/sched/sched.h"
#include "runtime/stack/quarantine.h"

bool rt_onfault(struct os_fault *fault) {
  struct rt_g *g = rt_getg();
  const bool goroutine = g && g != &g->m->g0;
  const struct rt_stack *s = g ? &g->gs.stack : NULL;
  if (!s || fault->addr < s->slot_lo || fault->addr >= s->lo) {
    // Only now: other threads change the quarantine while we look, and a fault that is ours must
    // not be judged by what we see of that.
    if (rt_growth_options.quarantine) rt_quarantine_check(fault, goroutine ? g->gs.goid : 0);
    return false;
  }
  if (!goroutine) rt_throw("stack overflow on g0, the scheduler's stack");
  rt_casgstatus(g, RT_GRUNNING, RT_GCOPYSTACK);
  const bool again = rt_growth_fault(&g->gs, &g->m->cache, fault);
  rt_casgstatus(g, RT_GCOPYSTACK, RT_GRUNNING);
  return again;
}
