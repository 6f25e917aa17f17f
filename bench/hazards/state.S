// state.S: all of the state that is not in general registers, live over a store that may fault.
// See instructions.c, whose struct state this reads and writes.  x86-64 System V; AT&T syntax.

#define VECTOR(n) 64*n
#define MASK(n)   2048+8*n
#define X87(n)    2112+16*n
#define MXCSR     2240
#define CONFIG    2304
#define TILE(n)   2368+1024*n

// A step for the first `count` registers of a class.
.macro EACH step, count, insn, class
  .altmacro
  .set    i, 0
  .rept   \count
  \step   \insn, \class, %i
  .set    i, i + 1
  .endr
  .noaltmacro
.endm
.macro LOAD insn, class, n
  \insn   VECTOR(\n)(%rsi), %\class\n
.endm
.macro STORE insn, class, n
  \insn   %\class\n, VECTOR(\n)(%rdx)
.endm

  .text
// void hazard_state(uintptr_t sp, const struct state *in, struct state *out, unsigned level).
// The level: 0 SSE and x87, 1 AVX, 2 AVX-512, 3 AMX, each with those before.  The frame is in rbx,
// which moves with the stack; in and out are on none.
  .globl  hazard_state
  .type   hazard_state, @function
  .p2align 4
hazard_state:
  .cfi_startproc
  pushq   %rbx
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbx, 0
  movq    %rsp, %rbx
  .cfi_def_cfa_register %rbx
  stmxcsr before(%rip)
  movq    %rdi, %rsp

  .irp n, 0, 1, 2, 3, 4, 5, 6, 7
  fldt    X87(\n)(%rsi)
  .endr
  ldmxcsr MXCSR(%rsi)
  cmpl    $1, %ecx
  je      1f
  ja      2f
  EACH    LOAD, 16, movups, xmm
  jmp     4f
1:
  EACH    LOAD, 16, vmovups, ymm
  jmp     4f
2:
  EACH    LOAD, 32, vmovups, zmm
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7
  kmovw   MASK(\n)(%rsi), %k\n
  .endr
  cmpl    $3, %ecx
  jne     4f
  movl    $64, %r8d
  ldtilecfg CONFIG(%rsi)
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7
  tileloadd TILE(\n)(%rsi,%r8,1), %tmm\n
  .endr
4:
  movq    $1, -8(%rsp)

  cmpl    $1, %ecx
  je      1f
  ja      2f
  EACH    STORE, 16, movups, xmm
  jmp     4f
1:
  EACH    STORE, 16, vmovups, ymm
  vzeroupper
  jmp     4f
2:
  EACH    STORE, 32, vmovups, zmm
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7
  kmovw   %k\n, MASK(\n)(%rdx)
  .endr
  vzeroupper
  cmpl    $3, %ecx
  jne     4f
  sttilecfg CONFIG(%rdx)
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7
  tilestored %tmm\n, TILE(\n)(%rdx,%r8,1)
  .endr
  tilerelease
4:
  stmxcsr MXCSR(%rdx)
  .irp n, 7, 6, 5, 4, 3, 2, 1, 0
  fstpt   X87(\n)(%rdx)
  .endr
  ldmxcsr before(%rip)
  movq    %rbx, %rsp
  popq    %rbx
  .cfi_def_cfa %rsp, 8
  retq
  .cfi_endproc
  .size   hazard_state, .-hazard_state

  .local  before
  .comm   before, 4, 4
  .section .note.GNU-stack, "", @progbits
