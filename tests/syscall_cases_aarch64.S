// syscall_cases_aarch64.S: see syscall_cases.h; AAPCS64, and the calls of Linux there.
#include "runtime/arch/aarch64/bti.h"

  .text

// long case_read_below(int fd /* w0 */, size_t bytes /* x1 */)
  .globl  case_read_below
  .type   case_read_below, @function
  .p2align 4
case_read_below:
  .cfi_startproc
  RT_LANDING_PAD
  mov     x2, x1
  sub     x1, sp, #128
  sub     x1, x1, x2
  mov     x8, #63                 // read
  svc     #0
  ret
  .cfi_endproc
  .size   case_read_below, .-case_read_below

  RT_PROPERTIES
  .section .note.GNU-stack,"",@progbits
