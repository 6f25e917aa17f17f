// signal_cases_x86_64.S: instructions that fault on the guard (signal_cases.h), x86-64 System V.
#include "tests/case_macros.h"

  .text

// ---- Instructions that move rsp: must do so once, however often they are tried -----------------

CASE case_push
  movq    %rsp, %rcx
  movabsq $0x1122334455667788, %rdx
  pushq   %rdx
  subq    %rsp, %rcx
  CHECK case_push, 1, $8, %rcx
  CHECK case_push, 2, (%rsp), %rdx
DONE case_push

CASE case_push_memory
  movq    %rsp, %rcx
  pushq   pattern+8(%rip)
  subq    %rsp, %rcx
  CHECK case_push_memory, 1, $8, %rcx
  movq    pattern+8(%rip), %rdx
  CHECK case_push_memory, 2, (%rsp), %rdx
DONE case_push_memory

CASE case_push_sp
  movq    %rsp, %rcx
  pushq   %rsp
  CHECK case_push_sp, 1, (%rsp), %rcx
  subq    %rsp, %rcx
  CHECK case_push_sp, 2, $8, %rcx
DONE case_push_sp

CASE case_push_word
  movq    %rsp, %rcx
  movl    $0x1234, %edx
  pushw   %dx
  subq    %rsp, %rcx
  CHECK case_push_word, 1, $2, %rcx
  movzwl  (%rsp), %eax
  cmpl    %eax, %edx
  movl    $2, %eax
  jne     .Lout_case_push_word
DONE case_push_word

CASE case_pushf
  movq    %rsp, %rcx
  stc
  pushfq
  movl    $1, %eax
  jnc     .Lout_case_pushf
  testb   $1, (%rsp)
  movl    $2, %eax
  jz      .Lout_case_pushf
  subq    %rsp, %rcx
  CHECK case_pushf, 3, $8, %rcx
DONE case_pushf

// pop computes its destination with rsp already raised, and must not have raised it if it faults.
CASE case_pop_memory
  movabsq $0x0102030405060708, %rdx
  movq    %rdx, (%rsp)
  movq    %rsp, %rcx
  popq    -32(%rsp)
  subq    %rsp, %rcx
  CHECK case_pop_memory, 1, $-8, %rcx
  CHECK case_pop_memory, 2, -32(%rsp), %rdx
DONE case_pop_memory

CASE case_call
  movq    %rsp, %rcx
  callq   1f
1:
  leaq    1b(%rip), %rdx
  CHECK case_call, 1, (%rsp), %rdx
  subq    %rsp, %rcx
  CHECK case_call, 2, $8, %rcx
DONE case_call

CASE case_call_register
  movq    %rsp, %rcx
  leaq    1f(%rip), %rdx
  callq   *%rdx
1:
  CHECK case_call_register, 1, (%rsp), %rdx
  subq    %rsp, %rcx
  CHECK case_call_register, 2, $8, %rcx
DONE case_call_register

CASE case_call_memory
  movq    %rsp, %rcx
  leaq    1f(%rip), %rdx
  movq    %rdx, 32(%rsp)
  callq   *32(%rsp)
1:
  CHECK case_call_memory, 1, (%rsp), %rdx
  subq    %rsp, %rcx
  CHECK case_call_memory, 2, $8, %rcx
DONE case_call_memory

CASE case_call_memory_below
  movq    %rsp, %rcx
  leaq    1f(%rip), %rdx
  movq    %rdx, -24(%rsp)
  callq   *-24(%rsp)
1:
  CHECK case_call_memory_below, 1, (%rsp), %rdx
  subq    %rsp, %rcx
  CHECK case_call_memory_below, 2, $8, %rcx
DONE case_call_memory_below

CASE case_enter
  movq    %rsp, %rcx
  movabsq $0x1122334455667788, %rdx
  movq    %rdx, %rbp
  enter   $48, $0
  CHECK case_enter, 1, (%rbp), %rdx
  movq    %rcx, %rdx
  subq    %rbp, %rdx
  CHECK case_enter, 2, $8, %rdx
  subq    %rsp, %rcx
  CHECK case_enter, 3, $56, %rcx
DONE case_enter

// Nesting level 3 copies two words of the outer frame's display and pushes its own.
CASE case_enter_nested
  movq    %rsp, %rcx
  movq    %rbx, %rbp
  enter   $48, $3
  CHECK case_enter_nested, 1, (%rbp), %rbx
  CHECK case_enter_nested, 2, -24(%rbp), %rbp
  movq    -8(%rbx), %rdx
  CHECK case_enter_nested, 3, -8(%rbp), %rdx
  movq    %rcx, %rdx
  subq    %rbp, %rdx
  CHECK case_enter_nested, 4, $8, %rdx
  subq    %rsp, %rcx
  CHECK case_enter_nested, 5, $80, %rcx
DONE case_enter_nested

// ---- String instructions: interrupted between two elements, rcx, rsi and rdi half-way ----------

// Copies 240 bytes to [rsp - 120, rsp + 120), up or down, and compares: no
// byte below the red zone, which is dead to the ABI and to copystack.
.macro MOVS name, insn, size, down
CASE \name
  .if \down
  leaq    pattern+240-\size(%rip), %rsi
  leaq    120-\size(%rsp), %rdi
  std
  .else
  leaq    pattern(%rip), %rsi
  leaq    -120(%rsp), %rdi
  .endif
  movl    $240/\size, %ecx
  rep
  \insn
  CHECK \name, 1, $0, %rcx
  .if \down
  leaq    pattern-\size(%rip), %rax
  leaq    -120-\size(%rsp), %rdx
  .else
  leaq    pattern+240(%rip), %rax
  leaq    120(%rsp), %rdx
  .endif
  movq    %rax, %r12
  CHECK \name, 2, %r12, %rsi
  CHECK \name, 3, %rdx, %rdi
  cld
  leaq    pattern(%rip), %rsi
  leaq    -120(%rsp), %rdi
  movl    $240, %ecx
  repe
  cmpsb
  movl    $4, %eax
  jne     .Lout_\name
DONE \name
.endm

MOVS case_movsb, movsb, 1, 0
MOVS case_movsb_down, movsb, 1, 1
MOVS case_movsq, movsq, 8, 0
MOVS case_movsq_down, movsq, 8, 1

// From the stack to the stack: both pointers move under the instruction.
CASE case_movsb_on_stack
  leaq    pattern(%rip), %rsi
  leaq    512(%rsp), %rdi
  movl    $240, %ecx
  rep
  movsb
  leaq    512+239(%rsp), %rsi
  leaq    119(%rsp), %rdi
  movl    $240, %ecx
  std
  rep
  movsb
  cld
  leaq    511(%rsp), %rdx
  CHECK case_movsb_on_stack, 1, %rdx, %rsi
  leaq    pattern(%rip), %rsi
  leaq    -120(%rsp), %rdi
  movl    $240, %ecx
  repe
  cmpsb
  movl    $2, %eax
  jne     .Lout_case_movsb_on_stack
DONE case_movsb_on_stack

// Fills [rsp - 120, rsp + 120) with 0x5a, up or down, and looks at each byte.
.macro STOS name, insn, size, down
CASE \name
  .if \down
  leaq    120-\size(%rsp), %rdi
  std
  .else
  leaq    -120(%rsp), %rdi
  .endif
  movabsq $0x5a5a5a5a5a5a5a5a, %rax
  movl    $240/\size, %ecx
  rep
  \insn
  CHECK \name, 1, $0, %rcx
  .if \down
  leaq    -120-\size(%rsp), %rdx
  .else
  leaq    120(%rsp), %rdx
  .endif
  CHECK \name, 2, %rdx, %rdi
  cld
  leaq    -120(%rsp), %rdi
  movl    $240, %ecx
  movl    $0x5a, %eax
  repe
  scasb
  movl    $3, %eax
  jne     .Lout_\name
DONE \name
.endm

STOS case_stosb, stosb, 1, 0
STOS case_stosb_down, stosb, 1, 1
STOS case_stosq, stosq, 8, 0
STOS case_stosq_down, stosq, 8, 1

// ---- Wide and read-modify-write ----------------------------------------------------------------

CASE case_cmpxchg16b
  leaq    -48(%rsp), %rsi
  andq    $-16, %rsi
  movq    %rbx, %rbp
  movabsq $0x1111111111111111, %rbx
  movabsq $0x2222222222222222, %rcx
  movl    $1, %eax
  xorl    %edx, %edx
1:
  cmpxchg16b (%rsi)           // fails and loads rdx:rax, then succeeds
  jnz     1b
  movq    %rbx, %rdi
  movq    %rbp, %rbx
  CHECK case_cmpxchg16b, 1, (%rsi), %rdi
  CHECK case_cmpxchg16b, 2, 8(%rsi), %rcx
DONE case_cmpxchg16b

CASE case_xchg
  leaq    -48(%rsp), %rsi
  andq    $-8, %rsi
  movabsq $0x1111111111111111, %rdx
  movq    %rdx, %rcx
  xchgq   %rdx, (%rsi)
  CHECK case_xchg, 1, (%rsi), %rcx
DONE case_xchg

CASE case_fxsave
  leaq    -512(%rsp), %rsi
  andq    $-16, %rsi
  movups  pattern(%rip), %xmm3
  fxsave  (%rsi)
  movq    pattern(%rip), %rcx
  CHECK case_fxsave, 1, 160+48(%rsi), %rcx
  movq    pattern+8(%rip), %rcx
  CHECK case_fxsave, 2, 160+56(%rsi), %rcx
  stmxcsr -8(%rbx)
  movl    -8(%rbx), %eax
  cmpl    24(%rsi), %eax
  movl    $3, %eax
  jne     .Lout_case_fxsave
DONE case_fxsave

CASE case_xsave
  leaq    -1024(%rsp), %rsi
  andq    $-64, %rsi
  movups  pattern(%rip), %xmm3
  xorl    %edx, %edx
  movl    $3, %eax
  xsave   (%rsi)
  movq    pattern(%rip), %rcx
  CHECK case_xsave, 1, 160+48(%rsi), %rcx
  movq    pattern+8(%rip), %rcx
  CHECK case_xsave, 2, 160+56(%rsi), %rcx
DONE case_xsave

CASE case_store
  movabsq $0x1122334455667788, %rdx
  movq    %rdx, -8(%rsp)
  CHECK case_store, 1, -8(%rsp), %rdx
DONE case_store

CASE case_load
  movq    %rsp, %rdx
  movq    -8(%rsp), %rcx
  CHECK case_load, 1, %rsp, %rdx
DONE case_load

// Stores a vector to [rsp - bytes, rsp).
.macro STORE_VECTOR name, insn, reg, bytes
CASE \name
  leaq    pattern(%rip), %rsi
  leaq    -\bytes(%rsp), %rdi
  \insn   (%rsi), \reg
  \insn   \reg, (%rdi)
  movl    $\bytes, %ecx
  repe
  cmpsb
  movl    $1, %eax
  jne     .Lout_\name
DONE \name
.endm

STORE_VECTOR case_store_xmm, movups, %xmm5, 16
STORE_VECTOR case_store_ymm, vmovups, %ymm5, 32
STORE_VECTOR case_store_zmm, vmovups, %zmm21, 64

// Eight words scattered to rsp + 32 - 16 * i.  What was done before the fault is noted in k1; the
// addresses are in the lanes of zmm1.
CASE case_scatter
  leaq    32(%rsp), %rcx
  vpbroadcastq %rcx, %zmm1
  vpsubq  sixteens(%rip), %zmm1, %zmm1
  vmovups pattern(%rip), %zmm2
  kxnorb  %k1, %k1, %k1
  xorl    %esi, %esi
  vpscatterqq %zmm2, (%rsi,%zmm1){%k1}
  kmovb   %k1, %ecx
  CHECK case_scatter, 1, $0, %rcx
  leaq    pattern(%rip), %rdx
  leaq    32(%rsp), %rcx
  movl    $8, %esi
1:
  movq    (%rdx), %rdi
  CHECK case_scatter, 2, (%rcx), %rdi
  addq    $8, %rdx
  subq    $16, %rcx
  decl    %esi
  jnz     1b
DONE case_scatter

// rdx becomes what the word below rsp held before it was counted up a little: in a poisoned stack
// 0xa5a5a5a5a5a5a5a5, and 0 in memory that a stack has grown by without moving.
.macro FRESH
  xorl    %edx, %edx
  cmpb    $0, -1(%rsp)
  je      1f
  movabsq $0xa5a5a5a5a5a5a5a5, %rdx
1:
.endm

CASE case_add
  addq    $1, -8(%rsp)
  FRESH
  incq    %rdx
  CHECK case_add, 1, -8(%rsp), %rdx
DONE case_add

CASE case_xadd
  movl    $1, %ecx
  lock
  xaddq   %rcx, -8(%rsp)
  FRESH
  CHECK case_xadd, 2, %rcx, %rdx
  incq    %rdx
  CHECK case_xadd, 1, -8(%rsp), %rdx
DONE case_xadd

// ---- The red zone ------------------------------------------------------------------------------

CASE case_redzone
  movl    $15, %ecx
  leaq    -8(%rsp), %rdx
1:
  movq    %rcx, (%rdx)
  subq    $8, %rdx
  decl    %ecx
  jns     1b
  xorl    %ecx, %ecx
2:
  CHECK case_redzone, 1, %rcx, -128(%rsp,%rcx,8)
  incl    %ecx
  cmpl    $16, %ecx
  jne     2b
DONE case_redzone

// All of it is live when a store below it faults: no compiler does that, but the rule is 128 bytes.
CASE case_redzone_whole
  movl    $15, %ecx
1:
  movq    %rcx, -128(%rsp,%rcx,8)
  decl    %ecx
  jns     1b
  movb    $1, -192(%rsp)
  xorl    %ecx, %ecx
2:
  CHECK case_redzone_whole, 1, %rcx, -128(%rsp,%rcx,8)
  incl    %ecx
  cmpl    $16, %ecx
  jne     2b
DONE case_redzone_whole

CASE case_redzone_pointers
  leaq    -8(%rsp), %rdx
  movl    $16, %ecx
1:
  movq    %rdx, (%rdx)
  subq    $8, %rdx
  decl    %ecx
  jnz     1b
  leaq    -8(%rsp), %rdx
  movl    $16, %ecx
2:
  CHECK case_redzone_pointers, 1, (%rdx), %rdx
  subq    $8, %rdx
  decl    %ecx
  jnz     2b
DONE case_redzone_pointers

// ---- Pointers that leave the stack before rsp does ---------------------------------------------

CASE case_fill_below
  leaq    -4168(%rsp), %rdi
  callq   fill_page
  subq    $4200, %rsp
  leaq    4200-4168(%rsp), %rdi
  movl    $4096, %ecx
  movl    $0x77, %eax
  repe
  scasb
  movl    $1, %eax
  jne     .Lout_case_fill_below
DONE case_fill_below

  .type   fill_page, @function
fill_page:
  .cfi_startproc
  pushq   %rdi                // does not reach down to the pointer
  .cfi_adjust_cfa_offset 8
  movl    $4096, %ecx
  movl    $0x77, %eax
  rep
  stosb
  popq    %rdi
  .cfi_adjust_cfa_offset -8
  retq
  .cfi_endproc
  .size   fill_page, .-fill_page

CASE case_biased_base
  subq    $64, %rsp
  leaq    -1000000(%rsp), %r12
  movabsq $0x3344556677889900, %rdx
  xorl    %ecx, %ecx
1:
  movq    %rdx, 1000000(%r12,%rcx,8)
  incl    %ecx
  cmpl    $8, %ecx
  jne     1b
  CHECK case_biased_base, 1, (%rsp), %rdx
  CHECK case_biased_base, 2, 56(%rsp), %rdx
DONE case_biased_base

CASE case_large_frame
  movq    %rsp, %rcx
  subq    $65536, %rsp
  movq    %rcx, (%rsp)
  CHECK case_large_frame, 1, (%rsp), %rcx
  subq    %rsp, %rcx
  CHECK case_large_frame, 2, $65536, %rcx
DONE case_large_frame

CASE case_probe_loop
  movq    %rsp, %rcx
  leaq    -1048576(%rsp), %r11
1:
  subq    $4096, %rsp
  movq    $0, (%rsp)
  cmpq    %r11, %rsp
  jne     1b
  subq    %rsp, %rcx
  CHECK case_probe_loop, 1, $1048576, %rcx
DONE case_probe_loop

// ---- Data --------------------------------------------------------------------------------------

  .section .rodata
  .p2align 6
sixteens:
  .quad   0, 16, 32, 48, 64, 80, 96, 112
pattern:
  .set    i, 1
  .rept   240
  .byte   i
  .set    i, i + 1
  .endr

  .section .note.GNU-stack,"",@progbits
