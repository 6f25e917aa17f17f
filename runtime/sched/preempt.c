// Asynchronous preemption (preempt.h): where a goroutine may be interrupted, and what then.
#include "runtime/sched/preempt.h"

#include <errno.h>
#include <stdatomic.h>
#include "runtime/arch/arch.h"
#include "runtime/sched/event.h"
#include "runtime/stack/count.h"
#include "runtime/stack/fault.h"

// Their runtimes are linked into the program, and hold locks.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static _Atomic bool enabled;

// ---- In the handler --------------------------------------------------------------------------

bool rt_in_runtime(uintptr_t pc) { return os_runtime_text(pc); }

// Makes room below the interrupted SP.  Strategies that can, grow now, as for a fault there; the
// goroutine parks next, and gets its new low-water mark (arch.h) when it goes on.
static bool make_room(struct rt_g *g, struct os_fault *at, size_t bytes) {
  const struct rt_stack *s = &g->gs.stack;
  if (at->sp > s->hi || at->sp < s->lo) return false;
  if (at->sp - s->lo >= bytes) return true;
  const struct rt_growth *growth = g->gs.growth;
  if ((!growth->fault && !growth->moves) || at->sp - s->slot_lo < bytes) return false;
  size_t size;
  uintptr_t lowest;
  if (rt_faultdecide(s, g->gs.max, rt_arch_redzone_bytes, at->sp - bytes, at->sp, &size,
                     &lowest) != RT_FAULT_GROW)
    return false;
  rt_casgstatus(g, RT_GRUNNING, RT_GCOPYSTACK);
  const bool grown = (growth->fault ? growth->fault : rt_growatfault)(&g->gs, &g->m->cache, at,
                                                                      size, lowest) == 0;
  rt_casgstatus(g, RT_GCOPYSTACK, RT_GRUNNING);
  if (grown) rt_event_growth(g, RT_BY_PREEMPT, at->pc);
  os_fault_pc_sp(at);
  return grown;
}

static bool on_preempt(struct os_fault *at) {
  struct rt_g *g = rt_getg();
  if (!g || g == &g->m->g0) return false;
  struct rt_p *p = g->m->p;
  if (!p || !atomic_load_explicit(&p->preempt, memory_order_relaxed)) return false;
  if (atomic_load_explicit(&g->status, memory_order_relaxed) != RT_GRUNNING) return true;
  if (g->nopreempt > 0 || rt_in_runtime(at->pc) || !os_own_text(at->pc)) return true;
  struct rt_regfile regs;
  os_fault_regs(at, &regs);
  if (!rt_regfile_savable(&regs) || !make_room(g, at, rt_asyncpreempt_bytes())) return true;
  atomic_store_explicit(&p->preempt, false, memory_order_relaxed);
  os_preempt_call(at, rt_asyncpreempt, rt_arch_redzone_bytes);
  return true;
}

// ---- On the goroutine, and on g0 -------------------------------------------------------------

static void preempt_m(struct rt_g *g) {
  struct rt_m *m = g->m;
  rt_event_preempt(g);
  rt_dropg(g);
  rt_casgstatus(g, RT_GRUNNING, RT_GPREEMPTED);
  rt_gqueue_push(&m->preempted, g);
  rt_count(&m->p->preemptions, 1);
}

void rt_asyncpreempt2(void) {
  // The thread's errno is the goroutine's, which has not come to read it yet.
  const int saved = errno;
  rt_mcall(preempt_m);
  errno = saved;
}

void rt_preempt_here(void) {
  const struct rt_g *g = rt_getg();
  if (!g || g == &g->m->g0 || g->nopreempt > 0) return;
  struct rt_p *p = g->m->p;
  if (!p || !atomic_load_explicit(&p->preempt, memory_order_relaxed)) return;
  if (atomic_load_explicit(&g->status, memory_order_relaxed) != RT_GRUNNING) return;
  atomic_store_explicit(&p->preempt, false, memory_order_relaxed);
  rt_asyncpreempt2();
}

// ---- Asking ----------------------------------------------------------------------------------

// gcc 12 leaves the runtime's code where all code goes: it cannot be told from the program's.
int rt_preempt_init(bool on) {
  const bool possible = !SANITIZED && rt_in_runtime((uintptr_t)rt_preempt_init);
  atomic_store(&enabled, on && (possible || rt_det.threads));
  return on && possible ? os_preempt_install(on_preempt) : 0;
}

void rt_preemptone(struct rt_p *p) {
  const struct rt_m *m = atomic_load_explicit(&p->m, memory_order_acquire);
  if (!m || !atomic_load_explicit(&enabled, memory_order_relaxed)) return;
  atomic_store_explicit(&p->preempt, true, memory_order_relaxed);
  if (!rt_det.threads) os_thread_preempt(&m->self);
}

int go_preempt_off(void) {
  struct rt_g *g = rt_getg();
  if (!g || g == &g->m->g0) return GO_ENOTG;
  if (g->nopreempt == RT_NOPREEMPT_MOST) return GO_EINVAL;
  g->nopreempt++;
  return 0;
}

int go_preempt_on(void) {
  struct rt_g *g = rt_getg();
  if (!g || g == &g->m->g0) return GO_ENOTG;
  if (g->nopreempt == 0) return GO_EINVAL;
  g->nopreempt--;
  return 0;
}
