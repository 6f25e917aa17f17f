// sweep.h: one case under one strategy: at every place of its sweep, on a fresh goroutine.
#ifndef STACKLAB_BENCH_HAZARDS_SWEEP_H_
#define STACKLAB_BENCH_HAZARDS_SWEEP_H_

#include "bench/hazards/hazard.h"
#include "runtime/stack/growth/growth.h"

// How the stack is made to grow.
enum growth_mode { BY_FAULT = 1, ON_REQUEST = 2, BY_ITSELF = 4 };

// What a sweep has come to.  In memory that is shared with the parent: a sweep may end anywhere.
struct sweep {
  uint32_t begun, ended;       // calls of the case
  uint32_t left;               // bytes of stack left in the call that was begun last
  uint32_t mode;               // of it
  uint32_t wrong;              // calls with a wrong result
  uint32_t wrong_left;         // bytes left in the first of them
  uint32_t strayed;            // calls that came back on a stack that the goroutine had left
  uint32_t grew, moved;        // calls in which the stack has grown, and in which it has moved
  uint32_t must_grow;          // calls of instructions that touch more than there is
  uint32_t grow_calls, grown;  // calls of hazard_grow, and those in which the stack has grown
  uint32_t roomy;              // calls on a stack that had room for everything from the start
  uint32_t dying;              // hazard_dies_now has been called
  int32_t refused;             // a GO_E* code
  int32_t failed;              // the harness itself: could not prepare, or start
  char not_here[80];
  char instruction[40];        // that was begun last
};

// sweep_modes returns how a strategy can be made to grow in this case: growth_modes, or 0: not at
// all.
unsigned sweep_modes(const struct hazard *h, const struct rt_growth *growth);

// sweep_run does it all and returns, unless the case ends the process.  Ordinary thread.
void sweep_run(const struct hazard *h, const struct rt_growth *growth, struct sweep *out);

#endif
