// The stack switches of macOS, on Linux: runtime/arch/x86_64/macho_switch.S instead of switch.S,
// over a descriptor that finds Linux's thread-local word.  Its function does the worst that dyld's
// may: rdi does not survive, and the stack must be aligned as for any call.
#define LOAD_DESCRIPTOR leaq tlv_descriptor(%rip), %rdi
#include "runtime/arch/x86_64/macho_switch.S"

tlv_get_addr:
  leaq    8(%rsp), %rax       // at the call rsp was a multiple of 16
  testq   $15, %rax
  jne     1f
  pushq   %rax                // it uses the stack
  popq    %rax
  incq    tlv_calls(%rip)
  movq    rt_tls_g@gottpoff(%rip), %rax
  addq    %fs:0, %rax
  movq    $-1, %rdi
  retq
1:
  ud2

  .data
  .p2align 3
tlv_descriptor:
  .quad   tlv_get_addr
  .globl  tlv_calls
tlv_calls:
  .quad   0

  .section .tbss,"awT",@nobits
  .globl  rt_tls_g
  .type   rt_tls_g, @object
  .p2align 3
rt_tls_g:
  .quad   0
  .size   rt_tls_g, 8

  RT_NO_EXECUTABLE_STACK
