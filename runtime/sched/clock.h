// clock.h: the clock that timers go by: the system's, or a virtual one that stands still until it
// is told to go on.
#ifndef STACKLAB_RUNTIME_SCHED_CLOCK_H_
#define STACKLAB_RUNTIME_SCHED_CLOCK_H_

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// rt_nanotime returns the time in ns: CLOCK_MONOTONIC, or the virtual clock.  Never 0.  Any thread;
// signal-safe.
int64_t rt_nanotime(void);

// rt_clock_virtual makes the clock virtual, beginning at `start` ns; 0: the system's again.  While
// nothing runs.
void rt_clock_virtual(int64_t start);
bool rt_clock_is_virtual(void);

// rt_clock_advance moves the virtual clock forward to `to`; back, it does not go.  Any thread.
void rt_clock_advance(int64_t to);

#ifdef __cplusplus
}
#endif
#endif
