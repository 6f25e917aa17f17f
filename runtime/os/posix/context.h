// context.h: what differs of ucontext_t by system and CPU; context_<cpu>.c of the system's folder
// implements it.
#ifndef STACKLAB_RUNTIME_OS_POSIX_CONTEXT_H_
#define STACKLAB_RUNTIME_OS_POSIX_CONTEXT_H_

#include <stdbool.h>
#include <stdint.h>
#include "runtime/arch/arch.h"

void os_context_pc_sp(void *context, uintptr_t *pc, uintptr_t *sp);
// os_context_call makes the interrupted code go to fn, with what rt_asyncpreempt needs to go back
// below `redzone` bytes under SP.  os_context_init prepares it.  0 or GO_ETHREAD.
int os_context_init(void);
void os_context_call(void *context, uintptr_t fn, size_t redzone);
void os_context_regs(void *context, struct rt_regfile *out);

// os_context_undo takes back what an instruction that faulted at addr has done already, where the
// CPU or who emulates it is not careful to: it is to run again from the start.
void os_context_undo(void *context, uintptr_t addr);

#endif
