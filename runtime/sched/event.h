// event.h: each event of the scheduler, named in one place: what a probe says (runtime/os/probe.h)
// and what the trace (trace.h) and the growth profile (growthprofile.h) record.  A probe is a nop;
// the others, while off, are one branch each.
#ifndef STACKLAB_RUNTIME_SCHED_EVENT_H_
#define STACKLAB_RUNTIME_SCHED_EVENT_H_

#include "runtime/os/probe.h"
#include "runtime/sched/growthprofile.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/trace.h"
#include "runtime/stack/adapt.h"
#include "runtime/stack/profile.h"

static inline bool rt_traced(void) { return __builtin_expect(rt_tracing, 0); }

// ---- Goroutines ------------------------------------------------------------------------------

// g was made, and nobody else has seen it yet.
static inline void rt_event_create(struct rt_g *g) {
  RT_PROBE2(goroutine__create, g->gs.goid, g->fn);
  if (rt_traced()) rt_trace_create(g);
}

// The running goroutine has ended.
static inline void rt_event_end(struct rt_g *g) {
  RT_PROBE1(goroutine__end, g->gs.goid);
  if (rt_traced()) rt_trace_ran(RT_THEN_END, 0);
}

// The M begins to run g.  No probe: there are 40 million of these a second.
static inline void rt_event_run(struct rt_g *g) {
  if (rt_traced()) rt_trace_run(g);
}

// It yields.  go_yield itself looks at one flag for both, the trace and deterministic runs.
extern bool rt_yield_watched;
static inline void rt_event_yield(void) {
  if (rt_traced()) rt_trace_ran(RT_THEN_YIELD, 0);
}

// The running goroutine is about to wait.
static inline void rt_event_park(struct rt_g *g) {
  RT_PROBE2(park, g->gs.goid, g->waitreason);
  if (rt_traced()) rt_trace_ran(RT_THEN_PARK, g->waitreason);
}

// g, which waits, is about to be put into a queue.
static inline void rt_event_ready(struct rt_g *g) {
  RT_PROBE1(ready, g->gs.goid);
  if (rt_traced()) rt_trace_ready(g);
}

// The running goroutine was interrupted.
static inline void rt_event_preempt(struct rt_g *g) {
  RT_PROBE1(preempt, g->gs.goid);
  if (rt_traced()) rt_trace_ran(RT_THEN_PREEMPT, 0);
}

// g's stack has grown or moved: from what to what, the cache of its M knows.  In handlers too.
// pc: see rt_growthprofile_record.
static inline void rt_event_growth(struct rt_g *g, enum rt_tracecause by, uintptr_t pc) {
  const struct rt_stackmove *v = &g->m->cache.last;
  RT_PROBE4(growth, g->gs.goid, v->from_bytes, v->to_bytes, v->bytes_copied);
  if (rt_traced()) rt_trace_growth(g, v, by);
  if (__c11_atomic_load(&rt_profiling, __ATOMIC_RELAXED)) rt_growthprofile_record(g, by, pc);
  if (rt_adapt_most && v->to_bytes > v->from_bytes) {
    rt_adapt_grown((uintptr_t)g->fn, v->to_bytes, g->trial);
    g->trial = false;
  }
}

// g, which waits, was moved to a smaller stack.
static inline void rt_event_shrink(struct rt_g *g, const struct rt_stackmove *v) {
  RT_PROBE4(growth, g->gs.goid, v->from_bytes, v->to_bytes, v->bytes_copied);
  if (rt_traced()) rt_trace_growth(g, v, RT_BY_SHRINK);
}

// ---- System calls ----------------------------------------------------------------------------

// The running goroutine is about to leave its P for a system call.
static inline void rt_event_syscall(struct rt_g *g) {
  RT_PROBE1(syscall__enter, g->gs.goid);
  if (rt_traced()) rt_trace_syscall();
}

// It is back: on its P, or, while the M has none, about to be queued.
static inline void rt_event_sysexit(struct rt_g *g) {
  RT_PROBE1(syscall__exit, g->gs.goid);
  if (rt_traced()) rt_trace_sysexit(g);
}

// The running goroutine goes to another thread, for a system call.
static inline void rt_event_leave(struct rt_g *g) {
  (void)g;
  if (rt_traced()) rt_trace_ran(RT_THEN_LEAVE, 0);
}

// p was taken from a goroutine in a system call; told: go_blocking announced that it would last.
static inline void rt_event_handoff(const struct rt_p *p, bool told) {
  RT_PROBE1(handoff, p->id);
  if (rt_traced()) rt_trace_handoff(p, told);
}

// ---- Work found ------------------------------------------------------------------------------

static inline void rt_event_steal(const struct rt_p *p, const struct rt_p *victim,
                                  const struct rt_g *g) {
  RT_PROBE3(steal, g->gs.goid, victim->id, p->id);
  if (rt_traced()) rt_trace_steal(victim, g);
}

// The poller was asked, since began_ns (0 unless traced), and told of n descriptors.
static inline void rt_event_netpoll(int64_t began_ns, int n, int32_t nready) {
  RT_PROBE2(netpoll, n, nready);
  if (rt_traced()) rt_trace_netpoll(began_ns, n, nready);
}

#endif
