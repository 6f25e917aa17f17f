// prologue_regs.S: see prologue_regs.h.  The checks are as clang-19 makes them.

  .bss
  .p2align 3
out: .quad 0
avx: .quad 0
ran: .quad 0

  .text

.macro CHECKED name, bytes
  .type   \name, @function
  .p2align 4
\name:
  .cfi_startproc
  .if \bytes < 256
  cmpq    %fs:0x70, %rsp
  .else
  leaq    -\bytes(%rsp), %r11
  cmpq    %fs:0x70, %r11
  .endif
  ja      1f
  movl    $\bytes, %r10d
  movl    $0, %r11d
  callq   __morestack
  retq
1:
  movq    $1, -\bytes(%rsp)   // the room is there
  movq    out(%rip), %r11
  movq    %rax, 0(%r11)
  movq    %rbx, 8(%r11)
  movq    %rcx, 16(%r11)
  movq    %rdx, 24(%r11)
  movq    %rsi, 32(%r11)
  movq    %rdi, 40(%r11)
  movq    %rbp, 48(%r11)
  movq    %r8, 56(%r11)
  movq    %r9, 64(%r11)
  movq    %r12, 72(%r11)
  movq    %r13, 80(%r11)
  movq    %r14, 88(%r11)
  movq    %r15, 96(%r11)
  cmpq    $0, avx(%rip)
  je      2f
  .irp i, 0, 1, 2, 3, 4, 5, 6, 7
  vmovups %ymm\i, 104+32*\i(%r11)
  .endr
  vzeroupper
  jmp     3f
2:
  .irp i, 0, 1, 2, 3, 4, 5, 6, 7
  movups  %xmm\i, 104+32*\i(%r11)
  .endr
3:
  incq    ran(%rip)
  retq
  .cfi_endproc
  .size   \name, .-\name
.endm

CHECKED small, 200
CHECKED large, 3000000

// uint64_t prologue_call(in /* rdi */, out /* rsi */, int frame /* edx */, int avx /* ecx */)
  .globl  prologue_call
  .type   prologue_call, @function
  .p2align 4
prologue_call:
  .cfi_startproc
  .irp reg, rbx, rbp, r12, r13, r14, r15
  pushq   %\reg
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %\reg, 0
  .endr
  subq    $8, %rsp
  .cfi_adjust_cfa_offset 8
  movq    %rsi, out(%rip)
  movslq  %ecx, %rcx
  movq    %rcx, avx(%rip)
  movq    $0, ran(%rip)
  leaq    small(%rip), %r11
  leaq    large(%rip), %rax
  cmpl    $256, %edx
  cmovaeq %rax, %r11
  movq    %rdi, %r10
  testq   %rcx, %rcx
  je      1f
  .irp i, 0, 1, 2, 3, 4, 5, 6, 7
  vmovups 104+32*\i(%r10), %ymm\i
  .endr
  jmp     2f
1:
  .irp i, 0, 1, 2, 3, 4, 5, 6, 7
  movups  104+32*\i(%r10), %xmm\i
  .endr
2:
  movq    0(%r10), %rax
  movq    8(%r10), %rbx
  movq    16(%r10), %rcx
  movq    24(%r10), %rdx
  movq    32(%r10), %rsi
  movq    40(%r10), %rdi
  movq    48(%r10), %rbp
  movq    56(%r10), %r8
  movq    64(%r10), %r9
  movq    72(%r10), %r12
  movq    80(%r10), %r13
  movq    88(%r10), %r14
  movq    96(%r10), %r15
  callq   *%r11
  movq    ran(%rip), %rax
  addq    $8, %rsp
  .cfi_adjust_cfa_offset -8
  .irp reg, r15, r14, r13, r12, rbp, rbx
  popq    %\reg
  .cfi_adjust_cfa_offset -8
  .cfi_restore %\reg
  .endr
  retq
  .cfi_endproc
  .size   prologue_call, .-prologue_call

  .section .note.GNU-stack,"",@progbits
