// rt_asyncpreempt, x86-64 System V: see arch.h.  It is never called: a signal handler makes an
// interrupted goroutine find itself here, between any two instructions.
//
//     interrupted rsp ->  ...
//                         128 bytes of red zone (psABI 3.2.2), maybe in use
//              136(cfa)   the interrupted pc
//                         flags
//              rbp ->     rbp, rax rbx rcx rdx rsi rdi r8-r15
//                         padding, then XSAVE's area (SDM vol. 1, 13.4: aligned to 64 bytes)
//              rsp ->
//
// The stack may move while the goroutine waits: everything here is addressed from rbp or rsp, which
// move with it, by multiples of far more than 64.

#include "runtime/arch/object.h"

  RT_TEXT
FUNCTION rt_asyncpreempt
  .cfi_startproc
  .cfi_signal_frame
  .cfi_def_cfa %rsp, 136
  .cfi_offset %rip, -136
  pushfq
  .cfi_adjust_cfa_offset 8
  pushq   %rbp
  .cfi_adjust_cfa_offset 8
  .cfi_offset %rbp, -152
  movq    %rsp, %rbp
  .cfi_def_cfa %rbp, 152
  cld                         // the ABI wants it clear at a call
  pushq   %rax
  .cfi_offset %rax, -160
  pushq   %rbx
  .cfi_offset %rbx, -168
  pushq   %rcx
  .cfi_offset %rcx, -176
  pushq   %rdx
  .cfi_offset %rdx, -184
  pushq   %rsi
  .cfi_offset %rsi, -192
  pushq   %rdi
  .cfi_offset %rdi, -200
  pushq   %r8
  .cfi_offset %r8, -208
  pushq   %r9
  .cfi_offset %r9, -216
  pushq   %r10
  .cfi_offset %r10, -224
  pushq   %r11
  .cfi_offset %r11, -232
  pushq   %r12
  .cfi_offset %r12, -240
  pushq   %r13
  .cfi_offset %r13, -248
  pushq   %r14
  .cfi_offset %r14, -256
  pushq   %r15
  .cfi_offset %r15, -264
  subq    RT_NAME(rt_xsave_bytes)(%rip), %rsp
  andq    $-64, %rsp
  movq    RT_NAME(rt_xsave_mask)(%rip), %rax
  testq   %rax, %rax
  jz      2f
  movq    %rax, %rdx
  shrq    $32, %rdx
  xorl    %ecx, %ecx          // the header must be zero where XSAVE does not write it
  movq    %rcx, 512(%rsp)
  movq    %rcx, 520(%rsp)
  movq    %rcx, 528(%rsp)
  movq    %rcx, 536(%rsp)
  movq    %rcx, 544(%rsp)
  movq    %rcx, 552(%rsp)
  movq    %rcx, 560(%rsp)
  movq    %rcx, 568(%rsp)
  xsave64 (%rsp)
  callq   RT_NAME(rt_asyncpreempt2)
  movq    RT_NAME(rt_xsave_mask)(%rip), %rax
  movq    %rax, %rdx
  shrq    $32, %rdx
  xrstor64 (%rsp)
1:
  leaq    -112(%rbp), %rsp    // 14 registers below rbp
  popq    %r15
  popq    %r14
  popq    %r13
  popq    %r12
  popq    %r11
  popq    %r10
  popq    %r9
  popq    %r8
  popq    %rdi
  popq    %rsi
  popq    %rdx
  popq    %rcx
  popq    %rbx
  popq    %rax
  popq    %rbp
  .cfi_def_cfa %rsp, 144
  popfq
  .cfi_adjust_cfa_offset -8
  retq    $128                // over the red zone, flags untouched
2:
  .cfi_def_cfa %rbp, 152
  fxsave64 (%rsp)
  callq   RT_NAME(rt_asyncpreempt2)
  fxrstor64 (%rsp)
  jmp     1b
  .cfi_endproc
END rt_asyncpreempt

  RT_NO_EXECUTABLE_STACK
