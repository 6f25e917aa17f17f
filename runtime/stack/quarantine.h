// quarantine.h: old stacks kept without access for a while (GO_STACKDEBUG=quarantine), so that a
// stale pointer is reported where it is used instead of corrupting somebody else's memory.
#ifndef STACKLAB_RUNTIME_STACK_QUARANTINE_H_
#define STACKLAB_RUNTIME_STACK_QUARANTINE_H_

#include "runtime/os/os.h"
#include "runtime/stack/stack.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { RT_QUARANTINED = 256 };  // old stacks held at a time

// rt_quarantine takes over a stack that goroutine goid left at its move number `move`, in the
// place of the oldest one, which goes to the cache.  [signal-safe]
void rt_quarantine(struct rt_stackcache *cache, const struct rt_stack *old, uint64_t goid,
                   uint32_t move);

// rt_quarantine_check does nothing if the fault is not on a quarantined stack.  Otherwise it
// prints who touched what (goid: the running goroutine, 0 none), a backtrace, and aborts.
void rt_quarantine_check(const struct os_fault *fault, uint64_t goid);

// rt_quarantine_empty gives every stack held to the cache, but for those that the system refuses to
// make accessible again: they are held on, and tried again later.  No goroutine may run.
void rt_quarantine_empty(struct rt_stackcache *cache);

#ifdef __cplusplus
}
#endif
#endif
