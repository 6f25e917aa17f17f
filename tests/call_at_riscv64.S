// call_at_riscv64.S: see call_at.h; RISC-V ELF psABI.

  .text

// uint64_t case_call_at(uintptr_t sp /* a0 */, uint64_t (*fn)(uint64_t) /* a1 */,
//                       uint64_t arg /* a2 */)
  .globl  case_call_at
  .type   case_call_at, @function
  .p2align 2
case_call_at:
  .cfi_startproc
  addi    sp, sp, -16
  .cfi_def_cfa_offset 16
  sd      ra, 8(sp)
  sd      s0, 0(sp)
  .cfi_offset ra, -8
  .cfi_offset s0, -16
  addi    s0, sp, 16
  .cfi_def_cfa s0, 0
  mv      sp, a0
  mv      a0, a2
  jalr    a1
  addi    sp, s0, -16
  .cfi_def_cfa sp, 16
  ld      ra, 8(sp)
  ld      s0, 0(sp)
  addi    sp, sp, 16
  .cfi_def_cfa_offset 0
  .cfi_restore ra
  .cfi_restore s0
  ret
  .cfi_endproc
  .size   case_call_at, .-case_call_at

// uint64_t case_touch(uintptr_t sp /* a0 */)
  .globl  case_touch
  .type   case_touch, @function
  .p2align 2
case_touch:
  .cfi_startproc
  mv      t0, sp
  .cfi_def_cfa_register t0
  mv      sp, a0
  li      t1, 0x7788
  sd      t1, -8(a0)
  ld      t2, -8(a0)
  mv      t3, sp
  mv      sp, t0
  .cfi_def_cfa_register sp
  sub     a0, a0, t3
  xor     t2, t2, t1
  or      a0, a0, t2
  ret
  .cfi_endproc
  .size   case_touch, .-case_touch

  .section .note.GNU-stack,"",@progbits
