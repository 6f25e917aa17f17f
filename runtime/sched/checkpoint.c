// go_checkpoint and go_call_on_stack: room on the stack, by leave of the strategy.
#include "runtime/arch/arch.h"
#include "runtime/sched/deterministic.h"
#include "runtime/sched/event.h"
#include "runtime/sched/fiber.h"
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

// The running goroutine's stack has that much below SP, and the slack of our own calls.
static bool is_there(const struct rt_g *g, size_t bytes) {
  const uintptr_t sp = rt_getsp(), lo = g->gs.stack.lo;
  const size_t room = sp > lo && sp <= g->gs.stack.hi ? sp - lo : 0;
  return room >= 2 * RT_STACKGUARD && room - 2 * RT_STACKGUARD >= bytes;
}

int go_checkpoint(size_t bytes) {
  struct rt_g *g = rt_getg();
  if (!g || g == &g->m->g0) return GO_ENOTG;
  bool there = is_there(g, bytes);
  if (g->gs.growth->call) return there ? GO_OK : bytes > g->gs.max ? GO_ELIMIT : GO_ESTRATEGY;
  if (!g->gs.growth->checkpoint) {  // it will come by itself, up to the limit
    const size_t used = g->gs.stack.hi - rt_getsp();
    if (bytes > g->gs.max || used > g->gs.max - bytes) return GO_ELIMIT;
    there = true;
  }
  if (there && !rt_growth_options.forcemove) return GO_OK;
  g->param = bytes;
  rt_mcall(checkpoint_m);
  return (int)(intptr_t)g->param;
}

// ---- Calls on a segment ------------------------------------------------------------------------

struct taking {
  struct rt_g *g;
  size_t bytes;
  int error;
};

static void take(void *arg) {
  struct taking *t = arg;
  struct rt_g *g = t->g;
  t->error = rt_det_fails() ? GO_EMAP : g->gs.growth->call(&g->gs, &g->m->cache, t->bytes);
}

static void trim(void *arg) {
  struct rt_g *g = arg;
  rt_segment_trim(&g->gs, &g->m->cache);
}

struct oncall {
  struct rt_g *g;
  void (*fn)(void *);
  void *arg;
  struct rt_fiber left;  // the stack that the caller is on
  bool trims;
};

// On the segment.  The bounds are those of the stack that SP is on whenever a fault can come: a
// fresh segment has room for this function, and the way back needs none.
RT_FIBER_BRIDGE static void on_segment(void *p) {
  struct oncall *c = p;
  rt_segment_enter(&c->g->gs);
  rt_fiber_arrived(NULL);
  c->fn(c->arg);
  rt_fiber_onto(NULL, rt_segment_below(&c->g->gs));
  c->trims = rt_segment_leave(&c->g->gs);
}

static int call_on_segment(struct rt_g *g, size_t bytes, void (*fn)(void *), void *arg) {
  if (!rt_segment_fits(&g->gs, bytes)) {
    struct taking t = {g, bytes, 0};
    rt_systemstack(take, &t);
    if (t.error) return t.error;
  }
  const struct rt_stack *segment;
  const uintptr_t top = rt_segment_top(&g->gs, &segment);
  struct oncall c = {.g = g, .fn = fn, .arg = arg};
  rt_fiber_onto(&c.left, segment);
  const struct rt_extent on = {segment->lo, segment->hi,
                               os_stack_limit(segment->lo, segment->hi)};
  rt_onstack(on_segment, &c, top, g, &on);
  rt_fiber_arrived(&c.left);
  if (c.trims) rt_systemstack(trim, g);
  return 0;
}

int go_call_on_stack(size_t bytes, void (*fn)(void *), void *arg) {
  struct rt_g *g = rt_getg();
  if (!g || g == &g->m->g0) return GO_ENOTG;
  if (!fn) return GO_EINVAL;
  if (g->gs.growth->call) {
    if (!is_there(g, bytes)) return call_on_segment(g, bytes, fn, arg);
    fn(arg);
    return 0;
  }
  const int error = go_checkpoint(bytes);
  if (error) return error;
  const size_t outer = g->gs.promised;
  const size_t need = g->gs.stack.hi - rt_getsp() + bytes + 2 * RT_STACKGUARD;
  if (need > outer) g->gs.promised = need;
  fn(arg);
  g->gs.promised = outer;
  return 0;
}
