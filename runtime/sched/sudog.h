// sudog.h: a goroutine in a wait queue (Go's sudog).  A goroutine that waits on one thing uses the
// one in its G; a select brings one per case.
#ifndef STACKLAB_RUNTIME_SCHED_SUDOG_H_
#define STACKLAB_RUNTIME_SCHED_SUDOG_H_

#include <stdint.h>
#include "runtime/stack/growth/growth.h"

struct rt_g;

// The fields belong to the lock of what is waited for while the sudog is queued, to the goroutine
// otherwise.
struct rt_sudog {
  struct rt_g *g;
  struct rt_sudog *next, *prev;
  struct rt_stackref elem;  // elem.p: where the element comes from or goes to; follows the stack
  void *on;                 // what it waits for: begins with the struct rt_lock of its queue
  uint64_t seq;             // not 0: rt_claim(g, seq) before anything else
  uint32_t ticket;
  uint8_t woken;            // by whom: enum rt_woken
};

enum rt_woken {
  RT_WOKEN_NOT,      // by none of those: its deadline came
  RT_WOKEN_DONE,     // it has what it waited for
  RT_WOKEN_CLOSED,   // it has not: that will not come, or has to be competed for
};

#endif
