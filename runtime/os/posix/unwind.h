// unwind.h: what posix/unwind.c asks of the system, which knows names and lines.
#ifndef STACKLAB_RUNTIME_OS_POSIX_UNWIND_H_
#define STACKLAB_RUNTIME_OS_POSIX_UNWIND_H_

#include <stdbool.h>
#include <stdint.h>
#include "runtime/os/os.h"

// os_print_frame prints frame i.  pc: as the unwinder says it: after a call, that is where the call
// returns to; call: within the instruction that is being run.
void os_print_frame(int i, uintptr_t pc, uintptr_t call);

// os_unwinds_without_lock tells whether the unwinder finds CFI without a lock.
bool os_unwinds_without_lock(void);

#endif
