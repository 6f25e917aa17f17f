// A goroutine that spins with every register set to something known, for preempt_test.
//
// void preempt_spin(const struct preempt_regs *in /* rdi */, struct preempt_regs *out /* rsi */,
//                   int vectors /* edx: 0 SSE, 1 AVX, 2 AVX-512 */)
//
// Loads everything from *in, spins without changing any of it but rcx until preempt_stop is set,
// and stores everything in *out: see preempt_cases_x86_64.h for the layout.  The loop leaves the
// flags alone (mov and jrcxz do).  The red zone below rsp holds what in->redzone holds.  rbx is a
// pointer into this stack.
#define GPR 0
#define FLAGS 128
#define MXCSR 136
#define FPUCW 140
#define ST0 144
#define KMASK 152
#define REDZONE 208
#define VECTORS 336

  .text
  .globl  preempt_spin
  .type   preempt_spin, @function
  .p2align 4
preempt_spin:
  .cfi_startproc
  pushq   %rbp
  pushq   %rbx
  pushq   %r12
  pushq   %r13
  pushq   %r14
  pushq   %r15
  pushq   %rsi
  pushq   %rdx
  subq    $8, %rsp
  stmxcsr (%rsp)
  fnstcw  4(%rsp)
  cmpl    $1, %edx
  jl      .Lload_sse
  je      .Lload_avx
  .irp    i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  vmovdqu64 VECTORS+64*\i(%rdi), %zmm\i
  .endr
  .irp    i, 1,2,3,4,5,6,7
  kmovw   KMASK+8*(\i-1)(%rdi), %k\i
  .endr
  jmp     .Lloaded
.Lload_avx:
  .irp    i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
  vmovdqu VECTORS+64*\i(%rdi), %ymm\i
  .endr
  jmp     .Lloaded
.Lload_sse:
  .irp    i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
  movdqu  VECTORS+64*\i(%rdi), %xmm\i
  .endr
.Lloaded:
  ldmxcsr MXCSR(%rdi)
  fldcw   FPUCW(%rdi)
  fldl    ST0(%rdi)
  .irp    i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14
  movq    REDZONE+8*\i(%rdi), %rax
  movq    %rax, -128+8*\i(%rsp)
  .endr
  pushq   FLAGS(%rdi)
  movq    GPR+0(%rdi), %rax
  movq    GPR+24(%rdi), %rdx
  movq    GPR+32(%rdi), %rsi
  movq    GPR+48(%rdi), %rbp
  movq    GPR+56(%rdi), %r8
  movq    GPR+64(%rdi), %r9
  movq    GPR+72(%rdi), %r10
  movq    GPR+80(%rdi), %r11
  movq    GPR+88(%rdi), %r12
  movq    GPR+96(%rdi), %r13
  movq    GPR+104(%rdi), %r14
  movq    GPR+112(%rdi), %r15
  movq    GPR+40(%rdi), %rdi
  leaq    -64(%rsp), %rbx
  popfq
  // rsp is where it was; the flag word lies at the top of the red zone, above the others.
.Lspin:
  movzbl  preempt_stop(%rip), %ecx
  jrcxz   .Lspin
  leaq    -16(%rsp), %rsp     // over the flag word; flags untouched
  pushfq
  pushq   %rdi
  movq    48(%rsp), %rdi      // rsi of the entry: 8 flags, 8 rdi, 16, 8 mxcsr, 8 rdx
  movq    %rax, GPR+0(%rdi)
  popq    GPR+40(%rdi)
  popq    FLAGS(%rdi)
  leaq    16(%rsp), %rsp
  subq    %rsp, %rbx          // it was 72 below rsp
  movq    %rbx, GPR+8(%rdi)
  movq    %rdx, GPR+24(%rdi)
  movq    %rsi, GPR+32(%rdi)
  movq    %rbp, GPR+48(%rdi)
  movq    %r8, GPR+56(%rdi)
  movq    %r9, GPR+64(%rdi)
  movq    %r10, GPR+72(%rdi)
  movq    %r11, GPR+80(%rdi)
  movq    %r12, GPR+88(%rdi)
  movq    %r13, GPR+96(%rdi)
  movq    %r14, GPR+104(%rdi)
  movq    %r15, GPR+112(%rdi)
  cld
  .irp    i, 0,1,2,3,4,5,6,7,8,9,10,11
  movq    -128+8*\i(%rsp), %rax
  movq    %rax, REDZONE+8*\i(%rdi)
  .endr
  stmxcsr MXCSR(%rdi)
  fnstcw  FPUCW(%rdi)
  fstpl   ST0(%rdi)
  movq    8(%rsp), %rdx
  cmpl    $1, %edx
  jl      .Lstore_sse
  je      .Lstore_avx
  .irp    i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  vmovdqu64 %zmm\i, VECTORS+64*\i(%rdi)
  .endr
  .irp    i, 1,2,3,4,5,6,7
  kmovw   %k\i, KMASK+8*(\i-1)(%rdi)
  .endr
  vzeroupper
  jmp     .Lstored
.Lstore_avx:
  .irp    i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
  vmovdqu %ymm\i, VECTORS+64*\i(%rdi)
  .endr
  vzeroupper
  jmp     .Lstored
.Lstore_sse:
  .irp    i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
  movdqu  %xmm\i, VECTORS+64*\i(%rdi)
  .endr
.Lstored:
  ldmxcsr (%rsp)
  fldcw   4(%rsp)
  addq    $8, %rsp
  popq    %rdx
  popq    %rsi
  popq    %r15
  popq    %r14
  popq    %r13
  popq    %r12
  popq    %rbx
  popq    %rbp
  retq
  .cfi_endproc
  .size   preempt_spin, .-preempt_spin

// void preempt_clobber(int vectors /* edi */): what another goroutine may do to registers.
  .globl  preempt_clobber
  .type   preempt_clobber, @function
preempt_clobber:
  .cfi_startproc
  fninit
  cmpl    $1, %edi
  jl      .Lclobber_sse
  vzeroall
  cmpl    $1, %edi
  je      .Lclobbered
  .irp    i, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  vpxorq  %zmm\i, %zmm\i, %zmm\i
  .endr
  .irp    i, 1,2,3,4,5,6,7
  kxorw   %k\i, %k\i, %k\i
  .endr
  retq
.Lclobber_sse:
  .irp    i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
  pxor    %xmm\i, %xmm\i
  .endr
.Lclobbered:
  retq
  .cfi_endproc
  .size   preempt_clobber, .-preempt_clobber

  .section .note.GNU-stack,"",@progbits
