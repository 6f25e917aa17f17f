// switch_cases_aarch64.S: the checker of callee-saved registers, and functions that break the rules
// (switch_cases.h), AAPCS64 6.1: x19-x29, and of v8-v15 the low halves.
#include "runtime/arch/aarch64/bti.h"

  .text

.macro EACH insn, base
  \insn    x19, [\base, #0]
  \insn    x20, [\base, #8]
  \insn    x21, [\base, #16]
  \insn    x22, [\base, #24]
  \insn    x23, [\base, #32]
  \insn    x24, [\base, #40]
  \insn    x25, [\base, #48]
  \insn    x26, [\base, #56]
  \insn    x27, [\base, #64]
  \insn    x28, [\base, #72]
  \insn    x29, [\base, #80]
  \insn    d8, [\base, #88]
  \insn    d9, [\base, #96]
  \insn    d10, [\base, #104]
  \insn    d11, [\base, #112]
  \insn    d12, [\base, #120]
  \insn    d13, [\base, #128]
  \insn    d14, [\base, #136]
  \insn    d15, [\base, #144]
.endm

// uint64_t switch_check(void (*fn)(void *) /* x0 */, void *arg /* x1 */)
// x29 belongs to the test during the call: the way back is SP alone, as it is for fn.
  .globl  switch_check
  .type   switch_check, @function
  .p2align 4
switch_check:
  .cfi_startproc
  RT_LANDING_PAD
  sub     sp, sp, #176
  .cfi_def_cfa_offset 176
  EACH    str, sp
  .cfi_offset x19, -176
  .cfi_offset x20, -168
  .cfi_offset x21, -160
  .cfi_offset x22, -152
  .cfi_offset x23, -144
  .cfi_offset x24, -136
  .cfi_offset x25, -128
  .cfi_offset x26, -120
  .cfi_offset x27, -112
  .cfi_offset x28, -104
  .cfi_offset x29, -96
  .cfi_offset b8, -88
  .cfi_offset b9, -80
  .cfi_offset b10, -72
  .cfi_offset b11, -64
  .cfi_offset b12, -56
  .cfi_offset b13, -48
  .cfi_offset b14, -40
  .cfi_offset b15, -32
  str     x30, [sp, #152]
  .cfi_offset x30, -24
  mov     x9, #0x5afe
  str     x9, [sp, #-16]!
  .cfi_adjust_cfa_offset 16
  adrp    x9, switch_in
  add     x9, x9, :lo12:switch_in
  EACH    ldr, x9
  mov     x16, x0
  mov     x0, x1
  mov     x1, #0xbad
  .irp reg, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17
  mov     x\reg, x1
  .endr
  .irp reg, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
  fmov    d\reg, x1
  .endr
  blr     x16
  adrp    x9, switch_out
  add     x9, x9, :lo12:switch_out
  EACH    str, x9
  mov     x0, #0
  mov     x10, #0x5afe
  ldr     x9, [sp]
  cmp     x9, x10
  b.eq    1f
  sub     sp, sp, #16         // switch_pop_too_much: the one other case that can be survived
  mov     x0, #1
1:
  add     sp, sp, #16
  .cfi_adjust_cfa_offset -16
  EACH    ldr, sp
  ldr     x30, [sp, #152]
  add     sp, sp, #176
  .cfi_def_cfa_offset 0
  ret
  .cfi_endproc
  .size   switch_check, .-switch_check

// void switch_clobber(void *i /* x0 */)
  .globl  switch_clobber
  .type   switch_clobber, @function
  .p2align 4
switch_clobber:
  .cfi_startproc
  RT_LANDING_PAD
  ldr     w0, [x0]
  .irp reg, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
  subs    w0, w0, #1
  b.pl    1f
  add     x\reg, x\reg, #1
  ret
1:
  .endr
  .irp reg, 8, 9, 10, 11, 12, 13, 14, 15
  subs    w0, w0, #1
  b.pl    1f
  fmov    x9, d\reg
  add     x9, x9, #1
  fmov    d\reg, x9
  ret
1:
  .endr
  ret
  .cfi_endproc
  .size   switch_clobber, .-switch_clobber

// void switch_pop_too_much(void *unused)
  .globl  switch_pop_too_much
  .type   switch_pop_too_much, @function
  .p2align 4
switch_pop_too_much:
  .cfi_startproc
  RT_LANDING_PAD
  add     sp, sp, #16
  ret
  .cfi_endproc
  .size   switch_pop_too_much, .-switch_pop_too_much

  .section .rodata
  .p2align 2
  .globl  switch_nsaved
switch_nsaved:
  .word   19

  .bss
  .p2align 4
  .globl  switch_in, switch_out
switch_in:
  .zero   24 * 8
switch_out:
  .zero   24 * 8

  RT_PROPERTIES
  .section .note.GNU-stack,"",@progbits
