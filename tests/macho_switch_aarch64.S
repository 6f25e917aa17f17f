// The stack switches of macOS, on Linux: runtime/arch/aarch64/macho_switch.S instead of switch.S,
// over a descriptor that finds Linux's thread-local word.  Its function does the worst that dyld's
// may: x16 and x17 do not survive, and the stack must be there.
.macro LOAD_DESCRIPTOR
  adrp    x0, tlv_descriptor
  add     x0, x0, :lo12:tlv_descriptor
.endm
#include "runtime/arch/aarch64/macho_switch.S"

tlv_get_addr:
  stp     x9, x10, [sp, #-16]!
  adrp    x9, tlv_calls
  ldr     x10, [x9, :lo12:tlv_calls]
  add     x10, x10, #1
  str     x10, [x9, :lo12:tlv_calls]
  mrs     x16, tpidr_el0
  adrp    x17, :gottprel:rt_tls_g
  ldr     x17, [x17, :gottprel_lo12:rt_tls_g]
  add     x0, x16, x17
  mov     x16, #-1
  mov     x17, #-1
  ldp     x9, x10, [sp], #16
  ret

  .data
  .p2align 3
tlv_descriptor:
  .quad   tlv_get_addr
  .globl  tlv_calls
tlv_calls:
  .quad   0

  .section .tbss,"awT",@nobits
  .globl  rt_tls_g
  .type   rt_tls_g, @object
  .p2align 3
rt_tls_g:
  .quad   0
  .size   rt_tls_g, 8

  RT_NO_EXECUTABLE_STACK
