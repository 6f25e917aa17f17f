// crowd.h: many goroutines under the strategy that is being studied, or a thread in place of each:
// starting them, letting them wait, and taking stock while all of them do.
//
// "Main" is where run() of the workload was called: a goroutine whose stack does not run out, or
// an ordinary thread.  Members have numbers from 0.
#ifndef STACKLAB_BENCH_WORKLOADS_CROWD_H_
#define STACKLAB_BENCH_WORKLOADS_CROWD_H_

#include "bench/workloads/harness.h"
#include "bench/workloads/memory.h"

// crowd_use says what the members are: at the start of the program.
void crowd_use(const struct trial *trial);

// crowd_start starts n members that run fn(i).  Main.
void crowd_start(size_t n, void (*fn)(size_t i));

// crowd_spawn starts one more, which has no number and for whom nobody waits.  Any goroutine of
// the crowd; not where members are threads.
void crowd_spawn(void (*fn)(void *), void *arg);

// crowd_wait_here parks member i until someone calls crowd_wake(i); each wakes it once.
void crowd_wait_here(size_t i);
void crowd_wake(size_t i);

// crowd_arrive tells main that a member is about to wait; crowd_gather, of main, parks until all
// have told so once more, and takes stock of the memory in use then.
void crowd_arrive(void);
void crowd_gather(void);

// crowd_add adds to the result, in any order; crowd_join waits until all members have ended, and
// returns it.
void crowd_add(uint64_t value);
uint64_t crowd_join(void);

// crowd_peak fills in the most memory in use at any crowd_gather (by total), or zeros.
void crowd_peak(struct memory *out);

// crowd_shrink has those that wait give memory back as the workload's `shrink` says, and takes
// stock once all have, or after some seconds.  Main, after crowd_gather.
void crowd_shrink(void);

// What it saw: memory afterwards, how many gave some back, the time of the processor it took.
struct shrunk {
  struct memory left;
  uint64_t shrinks, cpu_ns;
};
void crowd_shrunk(struct shrunk *out);  // the last; zeros if there was none

// crowd_idle lets the process be for some milliseconds, so that what gives memory back has time to.
// Main.
void crowd_idle(void);

#endif
