// syscall_cases_riscv64.S: see syscall_cases.h; RISC-V ELF psABI, and the calls of Linux there.
  .text

// long case_read_below(int fd /* a0 */, size_t bytes /* a1 */)
  .globl  case_read_below
  .type   case_read_below, @function
  .p2align 2
case_read_below:
  .cfi_startproc
  mv      a2, a1
  addi    a1, sp, -128
  sub     a1, a1, a2
  li      a7, 63                  // read
  ecall
  ret
  .cfi_endproc
  .size   case_read_below, .-case_read_below

  .section .note.GNU-stack,"",@progbits
