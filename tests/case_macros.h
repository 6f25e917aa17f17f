// case_macros.h: the frame of the cases in *_cases.S, x86-64 System V.  For the assembler.
//
// Each case saves its caller's registers, keeps its frame in rbx (which must move with the stack,
// or nothing of this works), puts rsp where it is told and does its deed.  rsp need not be aligned.

.macro CASE name
  .globl  \name
  .type   \name, @function
  .p2align 4
\name:
  .cfi_startproc
  pushq   %rbx
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbx, 0
  pushq   %rbp
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbp, 0
  pushq   %r12
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r12, 0
  movq    %rsp, %rbx
  .cfi_def_cfa_register %rbx
  movq    %rdi, %rsp
.endm

// Returns eax; a case may come here from anywhere, with rbx whole.
.macro DONE name
  xorl    %eax, %eax
.Lout_\name:
  cld
  movq    %rbx, %rsp
  popq    %r12
  popq    %rbp
  popq    %rbx
  .cfi_def_cfa %rsp, 8
  retq
  .cfi_endproc
  .size   \name, .-\name
.endm

// Leaves with `number` unless the two are equal.  A mov does not touch the flags.
.macro CHECK name, number, a, b:vararg
  cmpq    \a, \b
  movl    $\number, %eax
  jne     .Lout_\name
.endm
