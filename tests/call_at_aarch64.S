// call_at_aarch64.S: see call_at.h; AAPCS64.
#include "runtime/arch/aarch64/bti.h"

  .text

// uint64_t case_call_at(uintptr_t sp /* x0 */, uint64_t (*fn)(uint64_t) /* x1 */,
//                       uint64_t arg /* x2 */)
  .globl  case_call_at
  .type   case_call_at, @function
  .p2align 4
case_call_at:
  .cfi_startproc
  RT_LANDING_PAD
  stp     x29, x30, [sp, #-16]!
  .cfi_def_cfa_offset 16
  .cfi_offset x29, -16
  .cfi_offset x30, -8
  mov     x29, sp
  .cfi_def_cfa_register x29
  mov     sp, x0
  mov     x0, x2
  blr     x1
  mov     sp, x29
  ldp     x29, x30, [sp], #16
  .cfi_def_cfa sp, 0
  .cfi_restore x29
  .cfi_restore x30
  ret
  .cfi_endproc
  .size   case_call_at, .-case_call_at

// uint64_t case_touch(uintptr_t sp /* x0 */)
// The base of the store is x0: SP may only be one where it is aligned.
  .globl  case_touch
  .type   case_touch, @function
  .p2align 4
case_touch:
  .cfi_startproc
  RT_LANDING_PAD
  mov     x9, sp
  .cfi_def_cfa_register x9
  mov     sp, x0
  mov     x10, #0x7788
  stur    x10, [x0, #-8]
  ldur    x11, [x0, #-8]
  mov     x12, sp
  mov     sp, x9
  .cfi_def_cfa_register sp
  sub     x0, x0, x12
  eor     x11, x11, x10
  orr     x0, x0, x11
  ret
  .cfi_endproc
  .size   case_touch, .-case_touch

  RT_PROPERTIES
  .section .note.GNU-stack,"",@progbits
