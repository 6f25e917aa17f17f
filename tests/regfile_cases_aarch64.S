// regfile_cases_aarch64.S: see regfile_cases.h; AAPCS64.
#include "runtime/arch/aarch64/bti.h"

  .text

.macro SAVE_ALL
  stp     x29, x30, [sp, #-96]!
  .cfi_def_cfa_offset 96
  .cfi_offset x29, -96
  .cfi_offset x30, -88
  stp     x19, x20, [sp, #16]
  .cfi_offset x19, -80
  .cfi_offset x20, -72
  stp     x21, x22, [sp, #32]
  .cfi_offset x21, -64
  .cfi_offset x22, -56
  stp     x23, x24, [sp, #48]
  .cfi_offset x23, -48
  .cfi_offset x24, -40
  stp     x25, x26, [sp, #64]
  .cfi_offset x25, -32
  .cfi_offset x26, -24
  stp     x27, x28, [sp, #80]
  .cfi_offset x27, -16
  .cfi_offset x28, -8
.endm

.macro LOAD_ALL_AND_RETURN
  ldp     x19, x20, [sp, #16]
  ldp     x21, x22, [sp, #32]
  ldp     x23, x24, [sp, #48]
  ldp     x25, x26, [sp, #64]
  ldp     x27, x28, [sp, #80]
  ldp     x29, x30, [sp], #96
  .cfi_def_cfa_offset 0
  ret
.endm

// To sp in x0; the way back is a distance, in memory, since no register is spared.
.macro GO_TO_SP
  mov     x9, sp
  sub     x9, x9, x0
  adrp    x10, way_back
  str     x9, [x10, :lo12:way_back]
  mov     sp, x0
.endm

.macro COME_BACK
  adrp    x10, way_back
  ldr     x9, [x10, :lo12:way_back]
  add     sp, sp, x9
.endm

// void case_general(uintptr_t sp /* x0 */)
  .globl  case_general
  .type   case_general, @function
  .p2align 4
case_general:
  .cfi_startproc
  RT_LANDING_PAD
  SAVE_ALL
  GO_TO_SP
  adrp    x30, case_general_in
  add     x30, x30, :lo12:case_general_in
  ldp     x0, x1, [x30, #0]
  ldp     x2, x3, [x30, #16]
  ldp     x4, x5, [x30, #32]
  ldp     x6, x7, [x30, #48]
  ldp     x8, x9, [x30, #64]
  ldp     x10, x11, [x30, #80]
  ldp     x12, x13, [x30, #96]
  ldp     x14, x15, [x30, #112]
  ldp     x16, x17, [x30, #128]
  ldp     x18, x19, [x30, #144]
  ldp     x20, x21, [x30, #160]
  ldp     x22, x23, [x30, #176]
  ldp     x24, x25, [x30, #192]
  ldp     x26, x27, [x30, #208]
  ldp     x28, x29, [x30, #224]
  ldr     x30, [x30, #240]
  str     xzr, [sp, #-16]!
  stp     x0, x1, [sp, #-256]!
  stp     x2, x3, [sp, #16]
  stp     x4, x5, [sp, #32]
  stp     x6, x7, [sp, #48]
  stp     x8, x9, [sp, #64]
  stp     x10, x11, [sp, #80]
  stp     x12, x13, [sp, #96]
  stp     x14, x15, [sp, #112]
  stp     x16, x17, [sp, #128]
  stp     x18, x19, [sp, #144]
  stp     x20, x21, [sp, #160]
  stp     x22, x23, [sp, #176]
  stp     x24, x25, [sp, #192]
  stp     x26, x27, [sp, #208]
  stp     x28, x29, [sp, #224]
  str     x30, [sp, #240]
  adrp    x9, case_general_out
  add     x9, x9, :lo12:case_general_out
  mov     x10, #0
1:
  ldr     x11, [sp, x10, lsl #3]
  str     x11, [x9, x10, lsl #3]
  add     x10, x10, #1
  cmp     x10, #31
  b.ne    1b
  add     sp, sp, #272
  COME_BACK
  LOAD_ALL_AND_RETURN
  .cfi_endproc
  .size   case_general, .-case_general

// The low halves of v8-v15 are the caller's: in x19-x26 meanwhile.
.macro KEEP_D8_TO_D15
  fmov    x19, d8
  fmov    x20, d9
  fmov    x21, d10
  fmov    x22, d11
  fmov    x23, d12
  fmov    x24, d13
  fmov    x25, d14
  fmov    x26, d15
.endm
.macro LOAD_D8_TO_D15
  fmov    d8, x19
  fmov    d9, x20
  fmov    d10, x21
  fmov    d11, x22
  fmov    d12, x23
  fmov    d13, x24
  fmov    d14, x25
  fmov    d15, x26
.endm

// void NAME(uintptr_t sp /* x0 */): REG0 to REG31, of at most 64 bytes each.
.macro VECTORS name, reg
  .globl  \name
  .type   \name, @function
  .p2align 4
\name:
  .cfi_startproc
  RT_LANDING_PAD
  SAVE_ALL
  KEEP_D8_TO_D15
  adrp    x9, case_vector_in
  add     x9, x9, :lo12:case_vector_in
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, \
        24, 25, 26, 27, 28, 29, 30, 31
  ldr     \reg\n, [x9]
  add     x9, x9, #64
  .endr
  stur    xzr, [x0, #-8]
  adrp    x9, case_vector_out
  add     x9, x9, :lo12:case_vector_out
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, \
        24, 25, 26, 27, 28, 29, 30, 31
  str     \reg\n, [x9]
  add     x9, x9, #64
  .endr
  LOAD_D8_TO_D15
  LOAD_ALL_AND_RETURN
  .cfi_endproc
  .size   \name, .-\name
.endm

  VECTORS case_v, q
  .arch_extension sve
  VECTORS case_z, z

// uint64_t case_store_through(uintptr_t sp /* x0 */, unsigned i /* w1 */)
  .globl  case_store_through
  .type   case_store_through, @function
  .p2align 4
case_store_through:
  .cfi_startproc
  RT_LANDING_PAD
  SAVE_ALL
  GO_TO_SP
  .irp n, 0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, \
        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 2
  cmp     w1, #\n
  b.ne    1f
  sub     x\n, sp, #64
  .ifc \n, 2
  mov     x3, #\n + 100
  str     x3, [x\n]
  .else
  mov     x2, #\n + 100
  str     x2, [x\n]
  .endif
  mov     w1, #\n            // the register under test may have been it
  b       2f
1:
  .endr
2:
  add     w2, w1, #100
  mov     x3, sp
  ldur    x4, [x3, #-64]
  cmp     x4, x2
  cset    x0, ne
  COME_BACK
  LOAD_ALL_AND_RETURN
  .cfi_endproc
  .size   case_store_through, .-case_store_through

// ---- Data --------------------------------------------------------------------------------------

  .bss
  .p2align 6
way_back:
  .zero   8
  .p2align 6
  .globl  case_vector_in, case_vector_out, case_general_in, case_general_out
case_vector_in:
  .zero   32 * 64
case_vector_out:
  .zero   32 * 64
case_general_in:
  .zero   31 * 8
case_general_out:
  .zero   31 * 8

  RT_PROPERTIES
  .section .note.GNU-stack,"",@progbits
