// go_checkpoint: room on the stack, by leave of the strategy.
#include "runtime/arch/arch.h"
#include "runtime/sched/event.h"
#include "runtime/sched/sched.h"

// On g0: the goroutine's registers lie on its stack, which may move; it goes on at once.
static void checkpoint_m(struct rt_g *g) {
  struct rt_m *m = g->m;
  const size_t bytes = g->param;
  const uint32_t moves = g->gs.ngrowths;
  rt_casgstatus(g, RT_GRUNNING, RT_GCOPYSTACK);
  int error = 0;
  if (g->gs.growth->checkpoint)
    error = g->gs.growth->checkpoint(&g->gs, &m->cache, bytes);
  else
    (void)rt_growth_forcemove(&g->gs, &m->cache);
  g->param = (uintptr_t)(intptr_t)error;
  rt_casgstatus(g, RT_GCOPYSTACK, RT_GRUNNING);
  if (g->gs.ngrowths != moves) rt_event_growth(g, RT_BY_CHECKPOINT, 0);
  m->resume = g;
}

int go_checkpoint(size_t bytes) {
  struct rt_g *g = rt_getg();
  if (!g || g == &g->m->g0) return GO_ENOTG;
  const size_t used = g->gs.stack.hi - rt_getsp();
  const size_t room = used < rt_stack_size(&g->gs.stack) ? rt_getsp() - g->gs.stack.lo : 0;
  bool there = room >= 2 * RT_STACKGUARD && room - 2 * RT_STACKGUARD >= bytes;
  if (!g->gs.growth->checkpoint) {  // it will come by itself, up to the limit
    if (bytes > g->gs.max || used > g->gs.max - bytes) return GO_ELIMIT;
    there = true;
  }
  if (there && !rt_growth_options.forcemove) return GO_OK;
  g->param = bytes;
  rt_mcall(checkpoint_m);
  return (int)(intptr_t)g->param;
}
