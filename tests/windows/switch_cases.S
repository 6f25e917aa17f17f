// Registers around a call, x64 ABI of Windows.

  .text
// uint64_t registers_kept(void (*fn)(void *) /* rcx */, void *arg /* rdx */,
//                         uint64_t seed /* r8 */)
// Fills rbx rbp rdi rsi r12-r15 and xmm6-15 with words made of the seed, calls fn(arg), and returns
// how many of these 28 words are others afterwards.
  .globl  registers_kept
  .def    registers_kept; .scl 2; .type 32; .endef
  .seh_proc registers_kept
registers_kept:
  pushq   %rbp
  .seh_pushreg %rbp
  pushq   %rbx
  .seh_pushreg %rbx
  pushq   %rdi
  .seh_pushreg %rdi
  pushq   %rsi
  .seh_pushreg %rsi
  pushq   %r12
  .seh_pushreg %r12
  pushq   %r13
  .seh_pushreg %r13
  pushq   %r14
  .seh_pushreg %r14
  pushq   %r15
  .seh_pushreg %r15
  subq    $216, %rsp
  .seh_stackalloc 216
  .irp i, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  movups  %xmm\i, (\i-6)*16+48(%rsp)
  .seh_savexmm %xmm\i, (\i-6)*16+48
  .endr
  .seh_endprologue
  movq    %r8, 32(%rsp)       // above the shadow
  movq    %rcx, %rax
  movq    %rdx, %rcx
  .irp i, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  leaq    100*\i(%r8), %rdx
  movq    %rdx, %xmm\i
  leaq    100*\i+1(%r8), %rdx
  movq    %rdx, %xmm0
  punpcklqdq %xmm0, %xmm\i
  .endr
  leaq    1(%r8), %rbx
  leaq    2(%r8), %rbp
  leaq    3(%r8), %rdi
  leaq    4(%r8), %rsi
  leaq    5(%r8), %r12
  leaq    6(%r8), %r13
  leaq    7(%r8), %r14
  leaq    8(%r8), %r15
  callq   *%rax
  movq    32(%rsp), %r8
  xorl    %eax, %eax
  .macro  OTHER reg, word     // counts \reg unless it is seed + \word
  leaq    \word(%r8), %rdx
  xorl    %ecx, %ecx
  cmpq    %rdx, \reg
  setne   %cl
  addq    %rcx, %rax
  .endm
  OTHER   %rbx, 1
  OTHER   %rbp, 2
  OTHER   %rdi, 3
  OTHER   %rsi, 4
  OTHER   %r12, 5
  OTHER   %r13, 6
  OTHER   %r14, 7
  OTHER   %r15, 8
  .irp i, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  movq    %xmm\i, %r9
  OTHER   %r9, 100*\i
  movhlps %xmm\i, %xmm0
  movq    %xmm0, %r9
  OTHER   %r9, 100*\i+1
  .endr
  .irp i, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  movups  (\i-6)*16+48(%rsp), %xmm\i
  .endr
  addq    $216, %rsp
  popq    %r15
  popq    %r14
  popq    %r13
  popq    %r12
  popq    %rsi
  popq    %rdi
  popq    %rbx
  popq    %rbp
  retq
  .seh_endproc
