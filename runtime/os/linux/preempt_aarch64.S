// rt_asyncpreempt, Linux on AArch64: see arch.h.  It is never called: a signal handler makes an
// interrupted goroutine find itself here, between any two instructions, with its signal frame at SP
// (os_context_call).  The stack may move while the goroutine waits; what the frame says of SP and
// of other registers that point into the stack moves like every word.
//
// There are no CFI on purpose.  Unwinders know an address that they have no CFI for, and where
// these two instructions are, as the kernel's way back from a handler, whose frame lies at SP
// (libgcc's aarch64_fallback_frame_state; gdb's aarch64_linux_rt_sigframe).

#include "runtime/arch/aarch64/bti.h"

#define SYS_RT_SIGRETURN 139

  .section rt_text,"ax",@progbits
  .globl  rt_asyncpreempt
  .type   rt_asyncpreempt, @function
  .p2align 4
rt_asyncpreempt:
  bl      rt_asyncpreempt2
  mov     x8, #SYS_RT_SIGRETURN
  svc     #0
  .size   rt_asyncpreempt, .-rt_asyncpreempt

  RT_PROPERTIES
  .section .note.GNU-stack,"",@progbits
