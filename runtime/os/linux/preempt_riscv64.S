// rt_asyncpreempt, Linux on RISC-V: see arch.h and preempt_aarch64.S, which is alike.  Unwinders
// know the two instructions after the call (libgcc's riscv_fallback_frame_state).

#define SYS_RT_SIGRETURN 139

  .section rt_text,"ax",@progbits
  .globl  rt_asyncpreempt
  .type   rt_asyncpreempt, @function
  .p2align 4
rt_asyncpreempt:
  call    rt_asyncpreempt2
  li      a7, SYS_RT_SIGRETURN
  ecall
  .size   rt_asyncpreempt, .-rt_asyncpreempt

  .section .note.GNU-stack,"",@progbits
