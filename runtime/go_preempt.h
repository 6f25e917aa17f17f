// go_preempt.h: asynchronous preemption; part of go.h, and docs/preemption.md.
//
// A goroutine that has run for 10 ms is interrupted wherever it is in the program's own code, and
// others run.  It never happens inside the runtime, in shared libraries (so not while malloc or
// stdio hold their locks), between go_entersyscall and go_exitsyscall, nor in programs linked
// statically or with AddressSanitizer, ThreadSanitizer or MemorySanitizer, whose own code cannot be
// told from the program's.
#ifndef STACKLAB_RUNTIME_GO_PREEMPT_H_
#define STACKLAB_RUNTIME_GO_PREEMPT_H_

#include <stdint.h>
#include "runtime/go_api.h"

GO_API_BEGIN

// go_preempt_off keeps the calling goroutine from being interrupted until go_preempt_on has been
// called as often.  For sections that hold a lock of the thread's, such as a pthread mutex: a
// goroutine that is interrupted goes on only on its own thread, so another goroutine there that
// waits for the lock would wait for ever.  A go_mutex needs none of this.  Do not park in between.
// Goroutine only: GO_ENOTG.  GO_EINVAL: on without an off, or off 16,384 times.
int go_preempt_off(void);
int go_preempt_on(void);

GO_API_END
#endif
