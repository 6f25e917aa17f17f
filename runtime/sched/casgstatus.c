// The states of a goroutine and the steps between them.
#include <stdatomic.h>
#include "runtime/os/throw.h"
#include "runtime/sched/sched.h"

#define BIT(state) (1u << (state))

// allowed[from] has the bit of every state that may follow.
static const uint32_t allowed[RT_GSTATES] = {
    [RT_GIDLE] = BIT(RT_GDEAD),
    [RT_GDEAD] = BIT(RT_GRUNNABLE),
    [RT_GRUNNABLE] = BIT(RT_GRUNNING),
    [RT_GRUNNING] = BIT(RT_GRUNNABLE) | BIT(RT_GSYSCALL) | BIT(RT_GWAITING) | BIT(RT_GDEAD) |
                    BIT(RT_GCOPYSTACK) | BIT(RT_GPREEMPTED),
    [RT_GSYSCALL] = BIT(RT_GRUNNING) | BIT(RT_GRUNNABLE),
    [RT_GWAITING] = BIT(RT_GRUNNABLE) | BIT(RT_GCOPYSTACK),
    [RT_GCOPYSTACK] = BIT(RT_GRUNNING) | BIT(RT_GWAITING),
    [RT_GPREEMPTED] = BIT(RT_GWAITING) | BIT(RT_GRUNNABLE),
};

// A scan bit is set on, and cleared from, the state it is found with; nothing else changes.
bool rt_gstatus_allowed(enum rt_gstatus from, enum rt_gstatus to) {
  if ((from ^ to) == RT_GSCAN) return (from & ~(unsigned)RT_GSCAN) < RT_GSTATES;
  return from < RT_GSTATES && to < RT_GSTATES && (allowed[from] & BIT(to));
}

// A goroutine that waits can be readied by several at once: exactly one may win.  In every other
// state it belongs to one thread (the one that runs it, or that took it off a queue), which is the
// only one to change it: a plain store does, where a locked instruction costs as much as a switch.
void rt_casgstatus(struct rt_g *g, enum rt_gstatus from, enum rt_gstatus to) {
  if (!rt_gstatus_allowed(from, to)) rt_throw("casgstatus: no such step");
  uint32_t seen = from;
  if (from != RT_GWAITING) {
    if (atomic_load_explicit(&g->status, memory_order_relaxed) != seen)
      rt_throw("casgstatus: the goroutine is in another state");
    atomic_store_explicit(&g->status, to, memory_order_release);
  } else if (!atomic_compare_exchange_strong_explicit(&g->status, &seen, to, memory_order_acq_rel,
                                                      memory_order_acquire)) {
    rt_throw("casgstatus: the goroutine is in another state");
  }
}
