// preempt.h: goroutines that do not come back are interrupted (Go's preempt.go).
//
// In C a goroutine that has been interrupted may hold the address of a thread-local variable (errno
// is one) in a register: it goes on on the same M, until it next parks or yields by itself.
#ifndef STACKLAB_RUNTIME_SCHED_PREEMPT_H_
#define STACKLAB_RUNTIME_SCHED_PREEMPT_H_

#include "runtime/sched/sched.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { RT_PREEMPT_NS = 10000000 };  // so long a goroutine may run (Go's forcePreemptNS)

// rt_preempt_init makes interruptions possible, or not.  GO_ETHREAD.
int rt_preempt_init(bool on);

// rt_preemptone interrupts the goroutine that runs on p, if one does and it may be interrupted: it
// is asked once, and sysmon asks again.  Any thread, while the scheduler runs.
void rt_preemptone(struct rt_p *p);

// rt_preempt_here interrupts the running goroutine if it was asked to, as where no threads are
// interrupted (deterministic.h).  Any stack.
void rt_preempt_here(void);

// rt_in_runtime tells whether pc lies in the runtime's own code.  Signal-safe.
bool rt_in_runtime(uintptr_t pc);

#ifdef __cplusplus
}
#endif
#endif
