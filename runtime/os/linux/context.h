// context.h: the part of Linux's ucontext_t that differs by CPU; context_<cpu>.c fills it in.
#ifndef STACKLAB_RUNTIME_OS_LINUX_CONTEXT_H_
#define STACKLAB_RUNTIME_OS_LINUX_CONTEXT_H_

#include <stdbool.h>
#include <stdint.h>
#include "runtime/arch/arch.h"

void os_context_pc_sp(void *context, uintptr_t *pc, uintptr_t *sp);
// os_context_call pushes the interrupted pc below `redzone` bytes under SP, and goes to fn.
void os_context_call(void *context, uintptr_t fn, size_t redzone);
// os_context_stub tells whether pc lies in a stub of the linker's, from where a call goes on to a
// shared library.  pc: in text that ends at `to`.
bool os_context_stub(uintptr_t pc, uintptr_t to);
void os_context_regs(void *context, struct rt_regfile *out);

// os_context_undo takes back what an instruction that faulted at addr has done already, where the
// CPU or who emulates it is not careful to: it is to run again from the start.
void os_context_undo(void *context, uintptr_t addr);

#endif
