// Stack switches, x86-64 System V.  See arch.h for the contracts.
//
// A stack that is not running looks like this (psABI 3.2.1: rbx, rbp, r12-r15 belong to the
// caller; the x87 control word and mxcsr do too, and are kept per thread, not per goroutine):
//
//     sp -> r15 r14 r13 r12 rbx rbp  resume-pc  ...frames of the caller, up to hi
//
// - The word rt_tls_g names g exactly while rsp is on g's stack: it is changed only between the
//   load of rsp and the first use of the new stack, so a fault is charged to the right stack.
// - So does the low-water mark that the checks of compiled code read (arch.h): set last on the way
//   to a goroutine, cleared first on the way out, for a signal handler may come between.
// - Every resume is `pop; jmp`: the return predictor of the stack we leave would mispredict a ret.
// - g0 saves nothing at a switch: its loop, rt_gloop, keeps its state in its frame, at an rsp that
//   stays the same, so a goroutine that leaves just goes to the top of the loop.  Stores are what
//   a switch is made of (one a cycle): this halves them.

#include "runtime/arch/offsets.h"
#include "runtime/arch/x86_64/mark.h"
#include "runtime/arch/x86_64/saved.h"

  .section rt_text,"ax",@progbits

// Sets the thread's current g from \reg; clobbers rax.
.macro SETG reg
  movq    rt_tls_g@gottpoff(%rip), %rax
  movq    \reg, %fs:(%rax)
.endm

// void rt_gloop(struct rt_g *(*next)(void *) /* rdi */, void *arg /* rsi */,
//               uintptr_t *g0_sp /* rdx */)
//
//     0(rsp) next   8(rsp) arg   16.. r15 r14 r13 r12 rbx rbp  return address
  .globl  rt_gloop
  .type   rt_gloop, @function
  .p2align 4
rt_gloop:
  .cfi_startproc
  PUSH_SAVED
  subq    $24, %rsp
  .cfi_adjust_cfa_offset 24
  movq    %rdi, 0(%rsp)
  movq    %rsi, 8(%rsp)
  movq    %rsp, (%rdx)
.Lnext:
  movq    8(%rsp), %rdi
  callq   *0(%rsp)
  testq   %rax, %rax
  je      .Ldone
  movq    %rax, %rdi
  .cfi_remember_state
// __attribute__((noreturn)) void rt_gogo(struct rt_g *g /* rdi */): g's first word is its sp.
  .globl  rt_gogo
rt_gogo:
  movq    (%rdi), %rsp
  SETG    %rdi
  movq    RT_G_LOW(%rdi), %rax
  movq    %rax, RT_LOW_MARK
  .cfi_def_cfa %rsp, 56
  POP_SAVED_AND_JUMP
.Ldone:
  .cfi_restore_state
  addq    $24, %rsp
  .cfi_adjust_cfa_offset -24
  POP_SAVED_AND_JUMP
  .cfi_endproc
  .size   rt_gloop, .-rt_gloop

// void rt_mcall_to(struct rt_g *g /* rdi */, void (*fn)(struct rt_g *) /* rsi */,
//                  uintptr_t g0_sp /* rdx */, struct rt_g *g0 /* rcx */)
  .globl  rt_mcall_to
  .type   rt_mcall_to, @function
  .p2align 4
rt_mcall_to:
  .cfi_startproc
  PUSH_SAVED
  movq    %rsp, (%rdi)
  movq    $0, RT_LOW_MARK
  movq    %rdx, %rsp
  SETG    %rcx
  .cfi_def_cfa %rsp, 80       // on g0 now, in rt_gloop's frame
  callq   *%rsi
  jmp     .Lnext
  .cfi_endproc
  .size   rt_mcall_to, .-rt_mcall_to

// void rt_onstack(void (*fn)(void *) /* rdi */, void *arg /* rsi */, uintptr_t sp /* rdx */,
//                 struct rt_g *current /* rcx */)
// rbp holds the way back: it survives fn by the ABI, and the unwinder follows it.
  .globl  rt_onstack
  .type   rt_onstack, @function
  .p2align 4
rt_onstack:
  .cfi_startproc
  pushq   %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq    %rsp, %rbp
  .cfi_def_cfa_register %rbp
  pushq   %rbx
  .cfi_offset %rbx, -24
  pushq   %r12
  .cfi_offset %r12, -32
  pushq   %r13
  .cfi_offset %r13, -40
  movq    rt_tls_g@gottpoff(%rip), %r12
  movq    %fs:(%r12), %rbx    // the caller's g
  movq    RT_LOW_MARK, %r13   // and its mark
  movq    $0, RT_LOW_MARK
  movq    %rdx, %rsp
  movq    %rcx, %fs:(%r12)
  movq    %rdi, %rax
  movq    %rsi, %rdi
// The frame of the call has this name, because only there does gdb follow a caller whose frame lies
// below that of its callee (get_prev_frame_always_1 in its frame.c).
  .type   __morestack, @function
__morestack:
  callq   *%rax
  leaq    -24(%rbp), %rsp
  .size   __morestack, .-__morestack
  movq    %rbx, %fs:(%r12)
  movq    %r13, RT_LOW_MARK
  popq    %r13
  popq    %r12
  popq    %rbx
  popq    %rbp
  .cfi_def_cfa %rsp, 8
  retq
  .cfi_endproc
  .size   rt_onstack, .-rt_onstack

  .section .tbss,"awT",@nobits
  .globl  rt_tls_g
  .type   rt_tls_g, @object
  .p2align 3
rt_tls_g:
  .quad   0
  .size   rt_tls_g, 8

  .section .note.GNU-stack,"",@progbits
