// switch_cases_riscv64.S: the checker of callee-saved registers, and functions that break the rules
// (switch_cases.h), RISC-V ELF psABI: s0-s11 and fs0-fs11.

  .text

.macro STORE_EACH base
  sd      s0, 0(\base)
  sd      s1, 8(\base)
  sd      s2, 16(\base)
  sd      s3, 24(\base)
  sd      s4, 32(\base)
  sd      s5, 40(\base)
  sd      s6, 48(\base)
  sd      s7, 56(\base)
  sd      s8, 64(\base)
  sd      s9, 72(\base)
  sd      s10, 80(\base)
  sd      s11, 88(\base)
  fsd     fs0, 96(\base)
  fsd     fs1, 104(\base)
  fsd     fs2, 112(\base)
  fsd     fs3, 120(\base)
  fsd     fs4, 128(\base)
  fsd     fs5, 136(\base)
  fsd     fs6, 144(\base)
  fsd     fs7, 152(\base)
  fsd     fs8, 160(\base)
  fsd     fs9, 168(\base)
  fsd     fs10, 176(\base)
  fsd     fs11, 184(\base)
.endm

.macro LOAD_EACH base
  ld      s0, 0(\base)
  ld      s1, 8(\base)
  ld      s2, 16(\base)
  ld      s3, 24(\base)
  ld      s4, 32(\base)
  ld      s5, 40(\base)
  ld      s6, 48(\base)
  ld      s7, 56(\base)
  ld      s8, 64(\base)
  ld      s9, 72(\base)
  ld      s10, 80(\base)
  ld      s11, 88(\base)
  fld     fs0, 96(\base)
  fld     fs1, 104(\base)
  fld     fs2, 112(\base)
  fld     fs3, 120(\base)
  fld     fs4, 128(\base)
  fld     fs5, 136(\base)
  fld     fs6, 144(\base)
  fld     fs7, 152(\base)
  fld     fs8, 160(\base)
  fld     fs9, 168(\base)
  fld     fs10, 176(\base)
  fld     fs11, 184(\base)
.endm

// uint64_t switch_check(void (*fn)(void *) /* a0 */, void *arg /* a1 */)
// s0 belongs to the test during the call: the way back is sp alone, as it is for fn.
  .globl  switch_check
  .type   switch_check, @function
  .p2align 2
switch_check:
  .cfi_startproc
  addi    sp, sp, -208
  .cfi_def_cfa_offset 208
  STORE_EACH sp
  .cfi_offset s0, -208
  .cfi_offset s1, -200
  .cfi_offset s2, -192
  .cfi_offset s3, -184
  .cfi_offset s4, -176
  .cfi_offset s5, -168
  .cfi_offset s6, -160
  .cfi_offset s7, -152
  .cfi_offset s8, -144
  .cfi_offset s9, -136
  .cfi_offset s10, -128
  .cfi_offset s11, -120
  .cfi_offset fs0, -112
  .cfi_offset fs1, -104
  .cfi_offset fs2, -96
  .cfi_offset fs3, -88
  .cfi_offset fs4, -80
  .cfi_offset fs5, -72
  .cfi_offset fs6, -64
  .cfi_offset fs7, -56
  .cfi_offset fs8, -48
  .cfi_offset fs9, -40
  .cfi_offset fs10, -32
  .cfi_offset fs11, -24
  sd      ra, 200(sp)
  .cfi_offset ra, -8
  li      t0, 0x5afe
  addi    sp, sp, -16
  .cfi_adjust_cfa_offset 16
  sd      t0, 0(sp)
  lla     t0, switch_in
  LOAD_EACH t0
  mv      t0, a0
  mv      a0, a1
  li      a1, 0xbad
  .irp reg, a2, a3, a4, a5, a6, a7, t1, t2, t3, t4, t5, t6
  mv      \reg, a1
  .endr
  .irp reg, fa0, fa1, fa2, fa3, fa4, fa5, fa6, fa7, ft0, ft1, ft2, ft3, ft4, ft5, ft6, ft7, \
        ft8, ft9, ft10, ft11
  fmv.d.x \reg, a1
  .endr
  jalr    t0
  lla     t0, switch_out
  STORE_EACH t0
  li      a0, 0
  li      t1, 0x5afe
  ld      t0, 0(sp)
  beq     t0, t1, 1f
  addi    sp, sp, -16         // switch_pop_too_much: the one other case that can be survived
  li      a0, 1
1:
  addi    sp, sp, 16
  .cfi_adjust_cfa_offset -16
  LOAD_EACH sp
  ld      ra, 200(sp)
  addi    sp, sp, 208
  .cfi_def_cfa_offset 0
  ret
  .cfi_endproc
  .size   switch_check, .-switch_check

// void switch_clobber(void *i /* a0 */)
  .globl  switch_clobber
  .type   switch_clobber, @function
  .p2align 2
switch_clobber:
  .cfi_startproc
  lw      a0, 0(a0)
  .irp reg, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11
  addi    a0, a0, -1
  bgez    a0, 1f
  addi    \reg, \reg, 1
  ret
1:
  .endr
  .irp reg, fs0, fs1, fs2, fs3, fs4, fs5, fs6, fs7, fs8, fs9, fs10, fs11
  addi    a0, a0, -1
  bgez    a0, 1f
  fmv.x.d t0, \reg
  addi    t0, t0, 1
  fmv.d.x \reg, t0
  ret
1:
  .endr
  ret
  .cfi_endproc
  .size   switch_clobber, .-switch_clobber

// void switch_pop_too_much(void *unused)
  .globl  switch_pop_too_much
  .type   switch_pop_too_much, @function
  .p2align 2
switch_pop_too_much:
  .cfi_startproc
  addi    sp, sp, 16
  ret
  .cfi_endproc
  .size   switch_pop_too_much, .-switch_pop_too_much

  .section .rodata
  .p2align 2
  .globl  switch_nsaved
switch_nsaved:
  .word   24

  .bss
  .p2align 4
  .globl  switch_in, switch_out
switch_in:
  .zero   24 * 8
switch_out:
  .zero   24 * 8

  .section .note.GNU-stack,"",@progbits
