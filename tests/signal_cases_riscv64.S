// signal_cases_riscv64.S: instructions that fault on the guard (signal_riscv64.cc), RISC-V ELF
// psABI.
//
// Each case saves its caller's registers, keeps its frame in s0 (which must move with the stack, or
// nothing of this works), puts sp where it is told and does its deed.

  .text

.macro CASE name
  .globl  \name
  .type   \name, @function
  .p2align 2
\name:
  .cfi_startproc
  addi    sp, sp, -32
  .cfi_def_cfa_offset 32
  sd      ra, 24(sp)
  sd      s0, 16(sp)
  sd      s1, 8(sp)
  .cfi_offset ra, -8
  .cfi_offset s0, -16
  .cfi_offset s1, -24
  mv      s0, sp
  .cfi_def_cfa s0, 32
  mv      sp, a0
.endm

.macro DONE name
  li      a0, 0
.Lout_\name:
  mv      sp, s0
  ld      ra, 24(sp)
  ld      s0, 16(sp)
  ld      s1, 8(sp)
  addi    sp, sp, 32
  .cfi_def_cfa sp, 0
  ret
  .cfi_endproc
  .size   \name, .-\name
.endm

// Leaves with `number` unless the two are equal.
.macro CHECK name, number, a, b
  li      a0, \number
  bne     \a, \b, .Lout_\name
.endm

CASE case_sd
  li      t1, 0x1111
  sd      t1, -8(sp)
  ld      t2, -8(sp)
  CHECK case_sd, 1, t2, t1
DONE case_sd

CASE case_sh
  li      t1, 0x1111
  sh      t1, -2(sp)
  lhu     t2, -2(sp)
  CHECK case_sh, 1, t2, t1
DONE case_sh

CASE case_fsd
  li      t1, 0x1111
  fmv.d.x ft0, t1
  fsd     ft0, -8(sp)
  ld      t2, -8(sp)
  CHECK case_fsd, 1, t2, t1
DONE case_fsd

CASE case_ld
  mv      t0, sp
  ld      t1, -8(sp)
  CHECK case_ld, 1, t0, sp
DONE case_ld

// The first two instructions of most functions, in their compressed forms.
CASE case_prologue
  mv      t0, sp
  mv      t1, ra
  c.addi16sp sp, -496
  c.sdsp  ra, 0(sp)
  sub     t0, t0, sp
  li      t2, 496
  CHECK case_prologue, 1, t0, t2
  ld      t3, 0(sp)
  CHECK case_prologue, 2, t3, t1
DONE case_prologue

// In a poisoned stack the word was 0xa5a5a5a5a5a5a5a5, and 0 in memory that a stack has grown by
// without moving: t1 is what it was before 1 was added.
.macro WAS
  li      t1, 0
  lbu     t2, -1(sp)
  beqz    t2, 1f
  li      t1, 0xa5a5a5a5a5a5a5a5
1:
.endm

CASE case_amoadd
  addi    t0, sp, -8
  li      t3, 1
  amoadd.d t4, t3, (t0)
  WAS
  CHECK case_amoadd, 1, t4, t1
  ld      t5, 0(t0)
  addi    t1, t1, 1
  CHECK case_amoadd, 2, t5, t1
DONE case_amoadd

CASE case_reserved
  addi    t0, sp, -8
2:
  lr.d    t4, (t0)
  addi    t3, t4, 1
  sc.d    t5, t3, (t0)
  bnez    t5, 2b
  WAS
  CHECK case_reserved, 1, t4, t1
  ld      t5, 0(t0)
  addi    t1, t1, 1
  CHECK case_reserved, 2, t5, t1
DONE case_reserved

CASE case_fill_below
  li      s1, -4168
  add     s1, sp, s1
  mv      a0, s1
  call    fill_page
  li      t0, 4096
  li      t2, 0x77
1:
  lbu     t1, 0(s1)
  CHECK case_fill_below, 1, t1, t2
  addi    s1, s1, 1
  addi    t0, t0, -1
  bnez    t0, 1b
DONE case_fill_below

  .type   fill_page, @function
fill_page:
  .cfi_startproc
  addi    sp, sp, -16
  .cfi_def_cfa_offset 16
  sd      ra, 8(sp)           // does not reach down to the pointer
  .cfi_offset ra, -8
  li      t0, 4096
  li      t1, 0x77
1:
  sb      t1, 0(a0)
  addi    a0, a0, 1
  addi    t0, t0, -1
  bnez    t0, 1b
  ld      ra, 8(sp)
  addi    sp, sp, 16
  .cfi_def_cfa_offset 0
  ret
  .cfi_endproc
  .size   fill_page, .-fill_page

CASE case_biased_base
  addi    t0, sp, -64
  li      t1, 1000000
  sub     t2, t0, t1
  li      t3, 0x3344
  li      t4, 8
1:
  add     t5, t2, t1
  sd      t3, 0(t5)
  addi    t1, t1, 8
  addi    t4, t4, -1
  bnez    t4, 1b
  ld      t1, 0(t0)
  CHECK case_biased_base, 1, t1, t3
  ld      t1, 56(t0)
  CHECK case_biased_base, 2, t1, t3
DONE case_biased_base

CASE case_large_frame
  mv      t0, sp
  li      t1, 65536
  sub     sp, sp, t1
  sd      t0, 0(sp)
  ld      t2, 0(sp)
  CHECK case_large_frame, 1, t2, t0
  sub     t0, t0, sp
  CHECK case_large_frame, 2, t0, t1
DONE case_large_frame

CASE case_probe_loop
  mv      t0, sp
  li      t1, 1048576
  li      t2, 4096
  sub     t3, sp, t1
1:
  sub     sp, sp, t2
  sd      zero, 0(sp)
  bne     sp, t3, 1b
  sub     t0, t0, sp
  CHECK case_probe_loop, 1, t0, t1
DONE case_probe_loop

  .section .note.GNU-stack,"",@progbits
