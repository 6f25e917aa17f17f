// shrink.h: goroutines that wait give memory back (Go's shrinkstack), when the policy says so or
// the program asks.
//
// While a goroutine waits its stack belongs to nobody.  Whoever shrinks it sets the scan bit of its
// state, and then nobody can ready it: rt_casgstatus waits.  Elements on the stack may be written
// by those that hold the locks of the channels it waits on: those locks are taken too, or, where
// one is held, the stack stays for now.
#ifndef STACKLAB_RUNTIME_SCHED_SHRINK_H_
#define STACKLAB_RUNTIME_SCHED_SHRINK_H_

#include <stdatomic.h>
#include "runtime/sched/sched.h"

#ifdef __cplusplus
extern "C" {
#endif

// Who is to give memory back without being asked.
struct rt_shrinkpolicy {
  int64_t idle_ns;  // who has waited for so long; 0: nobody
  bool pressure;    // everybody that waits, once the system is short of memory
};

// Read by all Ms: see struct rt_det.
extern struct rt_shrinking {
  bool on;                // there is a policy; fixed while go_run runs
  _Atomic bool fresh;     // somebody has parked, or was passed over, since the last pass began
  _Atomic bool wanted;    // a pass is due, or on its way
  const char *root;       // of os_memory_short: a test has a system of its own; fixed as `on` is
} __attribute__((aligned(64))) rt_shrinking;

void rt_shrink_init(const struct rt_shrinkpolicy *policy);

// g->shrink: RT_SHRUNK once it has had its turn in this wait, and how often in a row it came back
// soon afterwards.
enum { RT_SHRUNK = 0x80 };

// rt_shrink_park gives g, about to wait, a turn.  rt_shrink_parked notes that somebody waits now,
// who may have memory to give: either a pass that begins meanwhile sees it wait, or it sees that
// the pass has begun.  g0.
static inline void rt_shrink_park(struct rt_g *g) {
  const uint8_t soon = atomic_load_explicit(&g->shrink, memory_order_relaxed) & ~RT_SHRUNK;
  atomic_store_explicit(&g->shrink, soon, memory_order_relaxed);
}
static inline void rt_shrink_parked(void) {
  if (!rt_shrinking.on) return;
  atomic_thread_fence(memory_order_seq_cst);
  if (!atomic_load_explicit(&rt_shrinking.fresh, memory_order_relaxed))
    atomic_store(&rt_shrinking.fresh, true);
}

// rt_shrink_tick says whether a pass should begin now, and when to ask again at the latest: in ns
// of rt_nanotime, 0: when somebody has parked.  sysmon.
bool rt_shrink_tick(int64_t now, int64_t *again);

// rt_shrink_due says whether a goroutine that has waited for so long is due, where the policy says
// idle_ns, and counts in *soon.  Who comes and goes just slower than the policy's time would pay
// for it each time: whoever is found to have waited hardly longer than it had to has to wait twice
// as long the next time, up to 64 times as long, and not once it has waited 4 times what it had to.
bool rt_shrink_due(int64_t idle_ns, int64_t waited_ns, uint8_t *soon);

// rt_shrink_some goes on with the pass for a bounded number of goroutines: true if there are more.
// g0, with a P.
bool rt_shrink_some(struct rt_m *m);

#ifdef __cplusplus
}
#endif
#endif
