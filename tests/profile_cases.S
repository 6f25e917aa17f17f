// Where an unwinder goes astray, x86-64 System V.

  .text
// void profile_astray(size_t bytes /* rdi */): touches the stack that far below SP while its return
// address says 0x10, where there is no code to look at.
  .globl  profile_astray
  .type   profile_astray, @function
profile_astray:
  .cfi_startproc
  popq    %rax
  .cfi_adjust_cfa_offset -8
  pushq   $0x10
  .cfi_adjust_cfa_offset 8
  movq    %rsp, %rdx
  subq    %rdi, %rdx
  movb    $1, (%rdx)
  popq    %rcx
  .cfi_adjust_cfa_offset -8
  pushq   %rax
  .cfi_adjust_cfa_offset 8
  retq
  .cfi_endproc
  .size   profile_astray, .-profile_astray

  .section .note.GNU-stack,"",@progbits
