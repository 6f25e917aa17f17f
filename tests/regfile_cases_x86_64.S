// regfile_cases_x86_64.S: see regfile_cases.h; x86-64 System V.
#include "tests/case_macros.h"

  .text

// All fifteen are the test's: the way back is a distance from rsp, in memory.
  .globl  case_general
  .type   case_general, @function
  .p2align 4
case_general:
  .cfi_startproc
  .irp reg, rbx, rbp, r12, r13, r14, r15
  pushq   %\reg
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %\reg, 0
  .endr
  movq    %rsp, %rax
  subq    %rdi, %rax
  movq    %rax, way_back(%rip)
  movq    %rdi, %rsp
  .set    i, 0
  .irp reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
  movq    case_general_in+i(%rip), %\reg
  .set    i, i + 8
  .endr
  movq    $1, -8(%rsp)
  .set    i, 0
  .irp reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
  movq    %\reg, case_general_out+i(%rip)
  .set    i, i + 8
  .endr
  addq    way_back(%rip), %rsp
  .irp reg, r15, r14, r13, r12, rbp, rbx
  popq    %\reg
  .cfi_adjust_cfa_offset -8
  .cfi_restore %\reg
  .endr
  retq
  .cfi_endproc
  .size   case_general, .-case_general

// void case_xmm(uintptr_t sp) and its wider kin: vectors load, move <insn>, registers <class>.
.macro VECTORS name, insn, class, last
CASE \name
  leaq    case_vector_in(%rip), %rsi
  leaq    case_vector_out(%rip), %rdi
  .altmacro
  .set    i, 0
  .rept   \last + 1
  VECTOR_LOAD \insn, \class, %i
  .set    i, i + 1
  .endr
  movq    $1, -8(%rsp)
  .set    i, 0
  .rept   \last + 1
  VECTOR_STORE \insn, \class, %i
  .set    i, i + 1
  .endr
  .noaltmacro
DONE \name
.endm
.macro VECTOR_LOAD insn, class, number
  \insn   64*\number(%rsi), %\class\number
.endm
.macro VECTOR_STORE insn, class, number
  \insn   %\class\number, 64*\number(%rdi)
.endm

VECTORS case_xmm, movups, xmm, 15
VECTORS case_ymm, vmovups, ymm, 15
VECTORS case_zmm, vmovups, zmm, 31

// uint64_t case_store_through(uintptr_t sp /* rdi */, unsigned i /* esi */)
  .globl  case_store_through
  .type   case_store_through, @function
  .p2align 4
case_store_through:
  .cfi_startproc
  .irp reg, rbx, rbp, r12, r13, r14, r15
  pushq   %\reg
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %\reg, 0
  .endr
  movq    %rsp, %rax
  subq    %rdi, %rax
  movq    %rax, way_back(%rip)
  movq    %rdi, %rsp
  .set    i, 0
  .irp reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
  cmpl    $i, %esi
  jne     1f
  leaq    -64(%rsp), %\reg
  movq    $i + 100, (%\reg)
  movl    $i, %esi            // the register under test may have been it
  jmp     2f
1:
  .set    i, i + 1
  .endr
2:
  leal    100(%rsi), %ecx
  xorl    %eax, %eax
  cmpq    %rcx, -64(%rsp)
  setne   %al
  addq    way_back(%rip), %rsp
  .irp reg, r15, r14, r13, r12, rbp, rbx
  popq    %\reg
  .cfi_adjust_cfa_offset -8
  .cfi_restore %\reg
  .endr
  retq
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

  .section .note.GNU-stack,"",@progbits
