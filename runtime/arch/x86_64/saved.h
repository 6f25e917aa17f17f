// saved.h: the registers of a stack that is not running (switch.S), for the assembler.
#ifndef STACKLAB_RUNTIME_ARCH_X86_64_SAVED_H_
#define STACKLAB_RUNTIME_ARCH_X86_64_SAVED_H_

.macro PUSH_SAVED
  pushq   %rbp
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbp, 0
  pushq   %rbx
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbx, 0
  pushq   %r12
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r12, 0
  pushq   %r13
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r13, 0
  pushq   %r14
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r14, 0
  pushq   %r15
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r15, 0
.endm

.macro POP_SAVED_AND_JUMP
  popq    %r15
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r15
  popq    %r14
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r14
  popq    %r13
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r13
  popq    %r12
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r12
  popq    %rbx
  .cfi_adjust_cfa_offset -8
  .cfi_restore %rbx
  popq    %rbp
  .cfi_adjust_cfa_offset -8
  .cfi_restore %rbp
  popq    %rcx
  .cfi_adjust_cfa_offset -8
  .cfi_register %rip, %rcx
  jmpq    *%rcx
.endm

#endif
