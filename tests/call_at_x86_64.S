// call_at_x86_64.S: see call_at.h; x86-64 System V.
#include "tests/case_macros.h"

  .text

// uint64_t case_call_at(uintptr_t sp /* rdi */, uint64_t (*fn)(uint64_t) /* rsi */, uint64_t arg)
  .globl  case_call_at
  .type   case_call_at, @function
  .p2align 4
case_call_at:
  .cfi_startproc
  pushq   %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq    %rsp, %rbp
  .cfi_def_cfa_register %rbp
  movq    %rdi, %rsp
  movq    %rdx, %rdi
  callq   *%rsi
  movq    %rbp, %rsp
  popq    %rbp
  .cfi_def_cfa %rsp, 8
  retq
  .cfi_endproc
  .size   case_call_at, .-case_call_at

// uint64_t case_touch(uintptr_t sp /* rdi */)
CASE case_touch
  movabsq $0x1122334455667788, %rdx
  movq    %rsp, %rcx
  movq    %rdx, -8(%rcx)
  CHECK case_touch, 1, -8(%rsp), %rdx
  CHECK case_touch, 2, %rsp, %rcx
DONE case_touch

  .section .note.GNU-stack,"",@progbits
