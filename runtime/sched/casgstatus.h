// casgstatus.h: the states of a goroutine and the steps between them; the end of sched.h.  Inline:
// the states are constants wherever it is called, and the table folds away.
#ifndef STACKLAB_RUNTIME_SCHED_CASGSTATUS_H_
#define STACKLAB_RUNTIME_SCHED_CASGSTATUS_H_

#include "runtime/os/throw.h"
#include "runtime/sched/deterministic.h"
#include "runtime/sched/sched.h"

static inline bool rt_gstatus_allowed(uint32_t from, uint32_t to) {
  if ((from ^ to) == RT_GSCAN) return (from & ~(uint32_t)RT_GSCAN) < RT_GSTATES;
  switch (from) {
    case RT_GIDLE:
      return to == RT_GDEAD;
    case RT_GDEAD:
      return to == RT_GRUNNABLE;
    case RT_GRUNNABLE:
      return to == RT_GRUNNING;
    case RT_GRUNNING:
      return to == RT_GRUNNABLE || to == RT_GSYSCALL || to == RT_GWAITING || to == RT_GDEAD ||
             to == RT_GCOPYSTACK || to == RT_GPREEMPTED;
    case RT_GSYSCALL:
      return to == RT_GRUNNING || to == RT_GRUNNABLE || to == RT_GCOPYSTACK;
    case RT_GWAITING:
      return to == RT_GRUNNABLE || to == RT_GCOPYSTACK;
    case RT_GCOPYSTACK:
      return to == RT_GRUNNING || to == RT_GWAITING || to == RT_GSYSCALL;
    case RT_GPREEMPTED:
      return to == RT_GWAITING || to == RT_GRUNNABLE;
    default:
      return false;
  }
}

static inline void rt_casgstatus(struct rt_g *g, enum rt_gstatus from, enum rt_gstatus to) {
  if (!rt_gstatus_allowed(from, to)) rt_throw("casgstatus: no such step");
  if (from != RT_GWAITING) {
    if (__c11_atomic_load(&g->status, __ATOMIC_RELAXED) != from)
      rt_throw("casgstatus: the goroutine is in another state");
    __c11_atomic_store(&g->status, to, __ATOMIC_RELEASE);
    return;
  }
  for (uint32_t seen = from; !__c11_atomic_compare_exchange_weak(
           &g->status, &seen, to, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
       seen = from) {
    if (seen == (RT_GWAITING | RT_GSCAN))
      rt_relax();
    else if (seen != from)
      rt_throw("casgstatus: the goroutine is in another state");
  }
}

#endif
