// switch_cases_x86_64.S: the checker of callee-saved registers, and functions that break the rules
// (switch_cases.h), x86-64 System V (psABI 3.2.1).

  .text

// uint64_t switch_check(void (*fn)(void *) /* rdi */, void *arg /* rsi */)
// rbp and rbx belong to the test during the call: the way back is rsp alone, as it is for fn.
  .globl  switch_check
  .type   switch_check, @function
  .p2align 4
switch_check:
  .cfi_startproc
  .irp reg, rbx, rbp, r12, r13, r14, r15
  pushq   %\reg
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %\reg, 0
  .endr
  movabsq $0x5afe5afe5afe5afe, %rax
  pushq   %rax
  .cfi_adjust_cfa_offset 8
  .set    i, 0
  .irp reg, rbx, rbp, r12, r13, r14, r15
  movq    switch_in+i(%rip), %\reg
  .set    i, i + 8
  .endr
  movq    %rdi, %rax
  movq    %rsi, %rdi
  .irp reg, rcx, rdx, rsi, r8, r9, r10, r11
  movabsq $0x0badc0de0badc0de, %\reg
  .endr
  callq   *%rax
  .set    i, 0
  .irp reg, rbx, rbp, r12, r13, r14, r15
  movq    %\reg, switch_out+i(%rip)
  .set    i, i + 8
  .endr
  movabsq $0x5afe5afe5afe5afe, %rcx
  xorl    %eax, %eax
  cmpq    %rcx, (%rsp)
  je      1f
  subq    $8, %rsp            // switch_pop_too_much: the one other case that can be survived
  movl    $1, %eax
1:
  addq    $8, %rsp
  .cfi_adjust_cfa_offset -8
  .irp reg, r15, r14, r13, r12, rbp, rbx
  popq    %\reg
  .cfi_adjust_cfa_offset -8
  .cfi_restore %\reg
  .endr
  retq
  .cfi_endproc
  .size   switch_check, .-switch_check

// void switch_clobber(void *i /* rdi */)
  .globl  switch_clobber
  .type   switch_clobber, @function
  .p2align 4
switch_clobber:
  .cfi_startproc
  movl    (%rdi), %edi
  .irp reg, rbx, rbp, r12, r13, r14, r15
  subl    $1, %edi
  jns     1f
  incq    %\reg
  retq
1:
  .endr
  retq
  .cfi_endproc
  .size   switch_clobber, .-switch_clobber

// void switch_pop_too_much(void *unused)
  .globl  switch_pop_too_much
  .type   switch_pop_too_much, @function
  .p2align 4
switch_pop_too_much:
  .cfi_startproc
  popq    %rcx
  addq    $8, %rsp
  jmpq    *%rcx
  .cfi_endproc
  .size   switch_pop_too_much, .-switch_pop_too_much

  .section .rodata
  .p2align 2
  .globl  switch_nsaved
switch_nsaved:
  .long   6                   // rbx rbp r12 r13 r14 r15

  .bss
  .p2align 4
  .globl  switch_in, switch_out
switch_in:
  .zero   24 * 8
switch_out:
  .zero   24 * 8

  .section .note.GNU-stack,"",@progbits
