// rt_asyncpreempt, x64 ABI of Windows: see arch.h, and preempt.S for System V's.  It is never
// called: an interrupted goroutine finds itself here, between any two instructions.
//
//     interrupted rsp ->  ...
//                         the interrupted pc
//                         flags
//              rbp ->     rax rbx rcx rdx rsi rdi r8-r15 rbp
//                         padding, then XSAVE's area (SDM vol. 1, 13.4: aligned to 64 bytes)
//              rsp ->     the shadow of rt_asyncpreempt2
//
// The stack may move while the goroutine waits: everything here is addressed from rbp or rsp, which
// move with it, by multiples of far more than 64.

  .section rt_text$m,"xr"
  .globl  rt_asyncpreempt
  .def    rt_asyncpreempt; .scl 2; .type 32; .endef
  .p2align 4
  .seh_proc rt_asyncpreempt
rt_asyncpreempt:
  pushfq
  .seh_stackalloc 8
  pushq   %rax
  .seh_pushreg %rax
  pushq   %rbx
  .seh_pushreg %rbx
  pushq   %rcx
  .seh_pushreg %rcx
  pushq   %rdx
  .seh_pushreg %rdx
  pushq   %rsi
  .seh_pushreg %rsi
  pushq   %rdi
  .seh_pushreg %rdi
  pushq   %r8
  .seh_pushreg %r8
  pushq   %r9
  .seh_pushreg %r9
  pushq   %r10
  .seh_pushreg %r10
  pushq   %r11
  .seh_pushreg %r11
  pushq   %r12
  .seh_pushreg %r12
  pushq   %r13
  .seh_pushreg %r13
  pushq   %r14
  .seh_pushreg %r14
  pushq   %r15
  .seh_pushreg %r15
  pushq   %rbp
  .seh_pushreg %rbp
  movq    %rsp, %rbp
  .seh_setframe %rbp, 0
  .seh_endprologue
  cld                         // the ABI wants it clear at a call
  subq    rt_xsave_bytes(%rip), %rsp
  andq    $-64, %rsp
  movq    rt_xsave_mask(%rip), %rax
  testq   %rax, %rax
  jz      .Lfxsave
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
  subq    $32, %rsp
  callq   rt_asyncpreempt2
  movq    rt_xsave_mask(%rip), %rax
  movq    %rax, %rdx
  shrq    $32, %rdx
  xrstor64 32(%rsp)
.Lrestore:
  movq    %rbp, %rsp
  popq    %rbp
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
  popfq
  retq
.Lfxsave:
  fxsave64 (%rsp)
  subq    $32, %rsp
  callq   rt_asyncpreempt2
  fxrstor64 32(%rsp)
  jmp     .Lrestore
  .seh_endproc
