// signal_cases_aarch64.S: instructions that fault on the guard (signal_aarch64.cc), AAPCS64.
//
// Each case saves its caller's registers, keeps its frame in x29 (which must move with the stack,
// or nothing of this works), puts SP where it is told and does its deed.  Where SP is not aligned,
// it is no base of an access (Arm ARM D1.8.2, "SP alignment checking").
#include "runtime/arch/aarch64/bti.h"

  .text

.macro CASE name
  .globl  \name
  .type   \name, @function
  .p2align 4
\name:
  .cfi_startproc
  RT_LANDING_PAD
  stp     x29, x30, [sp, #-32]!
  .cfi_def_cfa_offset 32
  .cfi_offset x29, -32
  .cfi_offset x30, -24
  stp     x19, x20, [sp, #16]
  .cfi_offset x19, -16
  .cfi_offset x20, -8
  mov     x29, sp
  .cfi_def_cfa_register x29
  mov     sp, x0
.endm

.macro DONE name
  mov     x0, #0
.Lout_\name:
  mov     sp, x29
  ldp     x19, x20, [sp, #16]
  ldp     x29, x30, [sp], #32
  .cfi_def_cfa sp, 0
  ret
  .cfi_endproc
  .size   \name, .-\name
.endm

// Leaves with `number` unless the two are equal.
.macro CHECK name, number, a, b, shift:vararg
  .ifb \shift
  cmp     \a, \b
  .else
  cmp     \a, \b, \shift
  .endif
  mov     x0, #\number
  b.ne    .Lout_\name
.endm

// ---- Write-back: must move the base once, however often it is tried -----------------------------

CASE case_str_preindexed
  mov     x9, sp
  mov     x1, #0x1111
  str     x1, [sp, #-16]!
  mov     x10, sp
  sub     x9, x9, x10
  CHECK case_str_preindexed, 1, x9, #16
  ldr     x2, [sp]
  CHECK case_str_preindexed, 2, x2, x1
DONE case_str_preindexed

// The first instruction of most functions.
CASE case_stp_preindexed
  mov     x9, sp
  mov     x1, #0x1111
  mov     x2, #0x2222
  stp     x1, x2, [sp, #-512]!
  mov     x10, sp
  sub     x9, x9, x10
  CHECK case_stp_preindexed, 1, x9, #512
  ldp     x3, x4, [sp]
  CHECK case_stp_preindexed, 2, x3, x1
  CHECK case_stp_preindexed, 3, x4, x2
DONE case_stp_preindexed

CASE case_stp_vectors_preindexed
  mov     x9, sp
  movi    v1.16b, #0x5a
  movi    v2.16b, #0x6b
  stp     q1, q2, [sp, #-64]!
  mov     x10, sp
  sub     x9, x9, x10
  CHECK case_stp_vectors_preindexed, 1, x9, #64
  ldp     q3, q4, [sp]
  cmeq    v3.2d, v3.2d, v1.2d
  cmeq    v4.2d, v4.2d, v2.2d
  and     v3.16b, v3.16b, v4.16b
  umov    x3, v3.d[0]
  umov    x4, v3.d[1]
  and     x3, x3, x4
  CHECK case_stp_vectors_preindexed, 2, x3, #-1
DONE case_stp_vectors_preindexed

CASE case_str_postindexed
  mov     x9, sp
  sub     x10, x9, #8
  mov     x1, #0x1111
  str     x1, [x10], #-24
  sub     x9, x9, x10
  CHECK case_str_postindexed, 1, x9, #32
  ldr     x2, [x10, #24]
  CHECK case_str_postindexed, 2, x2, x1
DONE case_str_postindexed

CASE case_ldr_preindexed
  mov     x9, sp
  mov     x10, sp
  ldr     x1, [x10, #-40]!
  sub     x9, x9, x10
  CHECK case_ldr_preindexed, 1, x9, #40
DONE case_ldr_preindexed

// ---- Stores that straddle the guard ------------------------------------------------------------

CASE case_str
  mov     x9, sp
  mov     x1, #0x1111
  stur    x1, [x9, #-8]
  ldur    x2, [x9, #-8]
  CHECK case_str, 1, x2, x1
DONE case_str

CASE case_strh
  mov     x9, sp
  mov     w1, #0x1111
  sturh   w1, [x9, #-2]
  ldurh   w2, [x9, #-2]
  CHECK case_strh, 1, w2, w1
DONE case_strh

CASE case_stp
  mov     x9, sp
  mov     x1, #0x1111
  mov     x2, #0x2222
  stp     x1, x2, [x9, #-16]
  ldp     x3, x4, [x9, #-16]
  CHECK case_stp, 1, x3, x1
  CHECK case_stp, 2, x4, x2
DONE case_stp

CASE case_ldr
  mov     x9, sp
  mov     x10, x9
  ldur    x1, [x9, #-8]
  mov     x11, sp
  CHECK case_ldr, 1, x9, x11
  CHECK case_ldr, 2, x10, x11
DONE case_ldr

// v0-v3 to [sp - 64, sp): element by element, with write-back (post-indexed by a register).
CASE case_st4
  mov     x9, sp
  sub     x10, x9, #64
  mov     x11, #-64
  movi    v0.16b, #1
  movi    v1.16b, #2
  movi    v2.16b, #3
  movi    v3.16b, #4
  st4     {v0.16b, v1.16b, v2.16b, v3.16b}, [x10], x11
  sub     x12, x9, x10
  CHECK case_st4, 1, x12, #128
  movz    w13, #0x0201
  movk    w13, #0x0403, lsl #16
  sub     x10, x9, #64
1:
  ldr     w14, [x10], #4
  CHECK case_st4, 2, w14, w13
  cmp     x10, x9
  b.ne    1b
DONE case_st4

// ---- Read-modify-write: must happen once --------------------------------------------------------

// In a poisoned stack the word was 0xa5a5a5a5a5a5a5a5, and 0 in memory that a stack has grown by
// without moving: x1 is what it was before 1 was added.
.macro WAS
  mov     x1, #0
  sub     x2, x9, #1
  ldrb    w2, [x2]
  cbz     w2, 1f
  mov     x1, #0xa5a5
  orr     x1, x1, x1, lsl #16
  orr     x1, x1, x1, lsl #32
1:
.endm

CASE case_exclusive
  mov     x9, sp
  sub     x10, x9, #8
2:
  ldxr    x11, [x10]
  add     x12, x11, #1
  stxr    w13, x12, [x10]
  cbnz    w13, 2b
  WAS
  CHECK case_exclusive, 1, x11, x1
  ldr     x3, [x10]
  add     x1, x1, #1
  CHECK case_exclusive, 2, x3, x1
DONE case_exclusive

  .arch_extension lse
CASE case_ldadd
  mov     x9, sp
  sub     x10, x9, #8
  mov     x12, #1
  ldaddal x12, x11, [x10]
  WAS
  CHECK case_ldadd, 1, x11, x1
  ldr     x3, [x10]
  add     x1, x1, #1
  CHECK case_ldadd, 2, x3, x1
DONE case_ldadd

CASE case_casp
  mov     x9, sp
  sub     x10, x9, #16
  mov     x2, #0
  mov     x3, #0
  mov     x4, #0x1111
  mov     x5, #0x2222
2:
  mov     x6, x2
  mov     x7, x3
  caspal  x2, x3, x4, x5, [x10]   // fails and loads, then succeeds
  cmp     x2, x6
  ccmp    x3, x7, #0, eq
  b.ne    2b
  ldp     x6, x7, [x10]
  CHECK case_casp, 1, x6, x4
  CHECK case_casp, 2, x7, x5
DONE case_casp

// ---- Pointers that leave the stack before SP does ----------------------------------------------

CASE case_fill_below
  mov     x19, sp
  sub     x0, x19, #4096
  sub     x0, x0, #72
  bl      fill_page
  sub     x4, x19, #4096
  sub     x4, x4, #72
  mov     x2, #4096
1:
  ldrb    w3, [x4], #1
  CHECK case_fill_below, 1, w3, #0x77
  subs    x2, x2, #1
  b.ne    1b
DONE case_fill_below

  .type   fill_page, @function
fill_page:
  .cfi_startproc
  stp     x0, x30, [sp, #-16]!    // does not reach down to the pointer
  .cfi_def_cfa_offset 16
  .cfi_offset x30, -8
  mov     w1, #0x77
  mov     x2, #4096
1:
  strb    w1, [x0], #1
  subs    x2, x2, #1
  b.ne    1b
  ldp     x0, x30, [sp], #16
  .cfi_def_cfa_offset 0
  ret
  .cfi_endproc
  .size   fill_page, .-fill_page

CASE case_biased_base
  mov     x9, sp
  sub     x9, x9, #64
  mov     x10, #1000000 & 0xffff
  movk    x10, #1000000 >> 16, lsl #16
  sub     x11, x9, x10
  mov     x1, #0x3344
  mov     x12, x10
  add     x13, x10, #64
1:
  str     x1, [x11, x12]
  add     x12, x12, #8
  cmp     x12, x13
  b.ne    1b
  ldr     x2, [x9]
  CHECK case_biased_base, 1, x2, x1
  ldr     x2, [x9, #56]
  CHECK case_biased_base, 2, x2, x1
DONE case_biased_base

CASE case_large_frame
  mov     x9, sp
  sub     sp, sp, #16, lsl #12
  str     x9, [sp]
  ldr     x10, [sp]
  CHECK case_large_frame, 1, x10, x9
  mov     x11, sp
  sub     x9, x9, x11
  CHECK case_large_frame, 2, x9, #16, lsl #12
DONE case_large_frame

CASE case_probe_loop
  mov     x9, sp
  sub     x10, x9, #256, lsl #12
1:
  sub     sp, sp, #1, lsl #12
  str     xzr, [sp]
  mov     x11, sp
  cmp     x11, x10
  b.ne    1b
  sub     x9, x9, x11
  mov     x12, #0x100000
  CHECK case_probe_loop, 1, x9, x12
DONE case_probe_loop

  RT_PROPERTIES
  .section .note.GNU-stack,"",@progbits
