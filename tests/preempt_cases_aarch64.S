// A goroutine that spins with every register set to something known (preempt_regs_risc.cc),
// AAPCS64.  x16 reads preempt_stop, and x17 points into this stack.
#include "runtime/arch/aarch64/bti.h"

#define VECTORS 256
#define FLAGS 768
#define CONTROL 776
#define POINTER 784

  .text
// void preempt_spin(const struct preempt_regs *in /* x0 */, struct preempt_regs *out /* x1 */)
  .globl  preempt_spin
  .type   preempt_spin, @function
  .p2align 4
preempt_spin:
  .cfi_startproc
  RT_LANDING_PAD
  sub     sp, sp, #176
  .cfi_def_cfa_offset 176
  stp     x19, x20, [sp, #0]
  .cfi_offset x19, -176
  .cfi_offset x20, -168
  stp     x21, x22, [sp, #16]
  .cfi_offset x21, -160
  .cfi_offset x22, -152
  stp     x23, x24, [sp, #32]
  .cfi_offset x23, -144
  .cfi_offset x24, -136
  stp     x25, x26, [sp, #48]
  .cfi_offset x25, -128
  .cfi_offset x26, -120
  stp     x27, x28, [sp, #64]
  .cfi_offset x27, -112
  .cfi_offset x28, -104
  stp     x29, x30, [sp, #80]
  .cfi_offset x29, -96
  .cfi_offset x30, -88
  stp     d8, d9, [sp, #96]
  stp     d10, d11, [sp, #112]
  stp     d12, d13, [sp, #128]
  stp     d14, d15, [sp, #144]
  mrs     x2, fpcr
  stp     x1, x2, [sp, #160]
  ldr     x2, [x0, #CONTROL]
  msr     fpcr, x2
  ldr     x2, [x0, #FLAGS]
  msr     nzcv, x2
  add     x16, x0, #VECTORS
  ldp     q0, q1, [x16, #0]
  ldp     q2, q3, [x16, #32]
  ldp     q4, q5, [x16, #64]
  ldp     q6, q7, [x16, #96]
  ldp     q8, q9, [x16, #128]
  ldp     q10, q11, [x16, #160]
  ldp     q12, q13, [x16, #192]
  ldp     q14, q15, [x16, #224]
  ldp     q16, q17, [x16, #256]
  ldp     q18, q19, [x16, #288]
  ldp     q20, q21, [x16, #320]
  ldp     q22, q23, [x16, #352]
  ldp     q24, q25, [x16, #384]
  ldp     q26, q27, [x16, #416]
  ldp     q28, q29, [x16, #448]
  ldp     q30, q31, [x16, #480]
  mov     x16, x0
  ldr     x0, [x16, #0]
  ldr     x1, [x16, #8]
  ldr     x2, [x16, #16]
  ldr     x3, [x16, #24]
  ldr     x4, [x16, #32]
  ldr     x5, [x16, #40]
  ldr     x6, [x16, #48]
  ldr     x7, [x16, #56]
  ldr     x8, [x16, #64]
  ldr     x9, [x16, #72]
  ldr     x10, [x16, #80]
  ldr     x11, [x16, #88]
  ldr     x12, [x16, #96]
  ldr     x13, [x16, #104]
  ldr     x14, [x16, #112]
  ldr     x15, [x16, #120]
  ldr     x18, [x16, #144]
  ldr     x19, [x16, #152]
  ldr     x20, [x16, #160]
  ldr     x21, [x16, #168]
  ldr     x22, [x16, #176]
  ldr     x23, [x16, #184]
  ldr     x24, [x16, #192]
  ldr     x25, [x16, #200]
  ldr     x26, [x16, #208]
  ldr     x27, [x16, #216]
  ldr     x28, [x16, #224]
  ldr     x29, [x16, #232]
  ldr     x30, [x16, #240]
  sub     x17, sp, #64
1:
  adrp    x16, preempt_stop
  ldrb    w16, [x16, :lo12:preempt_stop]
  cbz     w16, 1b
  ldr     x16, [sp, #160]
  str     x0, [x16, #0]
  str     x1, [x16, #8]
  str     x2, [x16, #16]
  str     x3, [x16, #24]
  str     x4, [x16, #32]
  str     x5, [x16, #40]
  str     x6, [x16, #48]
  str     x7, [x16, #56]
  str     x8, [x16, #64]
  str     x9, [x16, #72]
  str     x10, [x16, #80]
  str     x11, [x16, #88]
  str     x12, [x16, #96]
  str     x13, [x16, #104]
  str     x14, [x16, #112]
  str     x15, [x16, #120]
  str     x18, [x16, #144]
  str     x19, [x16, #152]
  str     x20, [x16, #160]
  str     x21, [x16, #168]
  str     x22, [x16, #176]
  str     x23, [x16, #184]
  str     x24, [x16, #192]
  str     x25, [x16, #200]
  str     x26, [x16, #208]
  str     x27, [x16, #216]
  str     x28, [x16, #224]
  str     x29, [x16, #232]
  str     x30, [x16, #240]
  mov     x0, sp
  sub     x17, x17, x0
  str     x17, [x16, #POINTER]
  mrs     x0, nzcv
  str     x0, [x16, #FLAGS]
  mrs     x0, fpcr
  str     x0, [x16, #CONTROL]
  add     x16, x16, #VECTORS
  stp     q0, q1, [x16, #0]
  stp     q2, q3, [x16, #32]
  stp     q4, q5, [x16, #64]
  stp     q6, q7, [x16, #96]
  stp     q8, q9, [x16, #128]
  stp     q10, q11, [x16, #160]
  stp     q12, q13, [x16, #192]
  stp     q14, q15, [x16, #224]
  stp     q16, q17, [x16, #256]
  stp     q18, q19, [x16, #288]
  stp     q20, q21, [x16, #320]
  stp     q22, q23, [x16, #352]
  stp     q24, q25, [x16, #384]
  stp     q26, q27, [x16, #416]
  stp     q28, q29, [x16, #448]
  stp     q30, q31, [x16, #480]
  ldr     x0, [sp, #168]
  msr     fpcr, x0
  ldp     x19, x20, [sp, #0]
  ldp     x21, x22, [sp, #16]
  ldp     x23, x24, [sp, #32]
  ldp     x25, x26, [sp, #48]
  ldp     x27, x28, [sp, #64]
  ldp     x29, x30, [sp, #80]
  ldp     d8, d9, [sp, #96]
  ldp     d10, d11, [sp, #112]
  ldp     d12, d13, [sp, #128]
  ldp     d14, d15, [sp, #144]
  add     sp, sp, #176
  .cfi_def_cfa_offset 0
  ret
  .cfi_endproc
  .size   preempt_spin, .-preempt_spin

// void preempt_clobber(void)
  .globl  preempt_clobber
  .type   preempt_clobber, @function
  .p2align 4
preempt_clobber:
  .cfi_startproc
  RT_LANDING_PAD
  .irp reg, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18
  mov     x\reg, #0
  .endr
  .irp reg, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
  movi    v\reg\().2d, #0
  .endr
  .irp reg, 8, 9, 10, 11, 12, 13, 14, 15
  ins     v\reg\().d[1], xzr
  .endr
  msr     nzcv, xzr
  ret
  .cfi_endproc
  .size   preempt_clobber, .-preempt_clobber

  .section .rodata
  .p2align 3
  .globl  preempt_flags, preempt_control
preempt_flags:
  .quad   0xf0000000          // negative, zero, carry, overflow
preempt_control:
  .quad   0x01400000          // flush to zero, round up

  RT_PROPERTIES
  .section .note.GNU-stack,"",@progbits
