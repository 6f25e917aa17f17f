// syscall_cases_x86_64.S: see syscall_cases.h; x86-64 System V, and the calls of Linux there.
  .text

// long case_read_below(int fd /* edi */, size_t bytes /* rsi */)
  .globl  case_read_below
  .type   case_read_below, @function
  .p2align 4
case_read_below:
  .cfi_startproc
  movq    %rsi, %rdx
  leaq    -128(%rsp), %rsi
  subq    %rdx, %rsi
  xorl    %eax, %eax              // read
  syscall
  retq
  .cfi_endproc
  .size   case_read_below, .-case_read_below

  .section .note.GNU-stack,"",@progbits
