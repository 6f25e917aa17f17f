// stats.h: what keeps go_stats away from what go_run frees.
#ifndef STACKLAB_RUNTIME_SCHED_STATS_H_
#define STACKLAB_RUNTIME_SCHED_STATS_H_

#include "runtime/sched/lock.h"

#ifdef __cplusplus
extern "C" {
#endif

// Held by go_stats from beginning to end, and while go_run frees goroutines and Ps and resets
// rt_sched.  Before sched.lock, which a walk over a million goroutines must not hold.
extern struct rt_lock rt_statslock;

#ifdef __cplusplus
}
#endif
#endif
