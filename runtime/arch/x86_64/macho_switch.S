// Stack switches, x86-64 on macOS.  See arch.h for the contracts, and switch.S: the frames and the
// order of steps are the same.  What differs is the thread-local word rt_tls_g.  Its address comes
// from a call, through a descriptor (dyld's threadLocalVariables), which leaves all registers alone
// but rax and rdi, and needs a stack: so it is asked for before the stack changes, and again where
// the thread may be another.  There is no low-water mark: no compiler makes checks here.
//
// The code runs on Linux, too, in tests/macho_switch_test, which has a descriptor of its own.
#include "runtime/arch/object.h"
#include "runtime/arch/x86_64/saved.h"

#ifdef __APPLE__
#define LOAD_DESCRIPTOR movq _rt_tls_g@TLVP(%rip), %rdi
#endif

// rax = the address of the thread's current g.  Clobbers rdi and \frame, which keeps rsp meanwhile.
.macro TLS_G frame
  movq    %rsp, \frame
  andq    $-16, %rsp
  LOAD_DESCRIPTOR
  callq   *(%rdi)
  movq    \frame, %rsp
.endm

  RT_TEXT

// struct rt_g *rt_getg_call(void)
FUNCTION rt_getg_call
  .cfi_startproc
  pushq   %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq    %rsp, %rbp
  .cfi_def_cfa_register %rbp
  LOAD_DESCRIPTOR
  callq   *(%rdi)
  movq    (%rax), %rax
  popq    %rbp
  .cfi_def_cfa %rsp, 8
  retq
  .cfi_endproc

// void rt_gloop(struct rt_g *(*next)(void *) /* rdi */, void *arg /* rsi */,
//               uintptr_t *g0_sp /* rdx */)
FUNCTION rt_gloop
  .cfi_startproc
  PUSH_SAVED
  subq    $24, %rsp
  .cfi_adjust_cfa_offset 24
  movq    %rdi, 0(%rsp)
  movq    %rsi, 8(%rsp)
  movq    %rsp, (%rdx)
Lnext:
  movq    8(%rsp), %rdi
  callq   *0(%rsp)
  testq   %rax, %rax
  je      Ldone
  movq    %rax, %rdi
  .cfi_remember_state
Lresume:
  movq    %rdi, %rbx
  TLS_G   %rbp
  movq    (%rbx), %rsp
  movq    %rbx, (%rax)
  .cfi_def_cfa %rsp, 56
  POP_SAVED_AND_JUMP
Ldone:
  .cfi_restore_state
  addq    $24, %rsp
  .cfi_adjust_cfa_offset -24
  POP_SAVED_AND_JUMP
  .cfi_endproc

// __attribute__((noreturn)) void rt_gogo(struct rt_g *g /* rdi */)
FUNCTION rt_gogo
  .cfi_startproc
  jmp     Lresume
  .cfi_endproc

// void rt_mcall_to(struct rt_g *g /* rdi */, void (*fn)(struct rt_g *) /* rsi */,
//                  uintptr_t g0_sp /* rdx */, struct rt_g *g0 /* rcx */)
FUNCTION rt_mcall_to
  .cfi_startproc
  PUSH_SAVED
  movq    %rsp, (%rdi)
  movq    %rdi, %rbx
  TLS_G   %rbp
  movq    %rbx, %rdi
  movq    %rdx, %rsp
  movq    %rcx, (%rax)
  .cfi_def_cfa %rsp, 80       // on g0 now, in rt_gloop's frame
  callq   *%rsi
  jmp     Lnext
  .cfi_endproc

// void rt_onstack(void (*fn)(void *) /* rdi */, void *arg /* rsi */, uintptr_t sp /* rdx */,
//                 struct rt_g *current /* rcx */)
FUNCTION rt_onstack
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
  movq    %rdi, %r12
  TLS_G   %rbx
  movq    (%rax), %rbx        // the caller's g
  movq    %rsi, %rdi
  movq    %rdx, %rsp
  movq    %rcx, (%rax)
  callq   *%r12
  // Still on that stack, which is aligned.  The thread may be another one.
  LOAD_DESCRIPTOR
  callq   *(%rdi)
  leaq    -16(%rbp), %rsp
  movq    %rbx, (%rax)
  popq    %r12
  popq    %rbx
  popq    %rbp
  .cfi_def_cfa %rsp, 8
  retq
  .cfi_endproc

#ifdef __APPLE__
// The descriptor that dyld completes, and the word that each thread begins with.
  .tbss   _rt_tls_g$tlv$init, 8, 3
  .section __DATA,__thread_vars,thread_local_variables
  .globl  _rt_tls_g
_rt_tls_g:
  .quad   __tlv_bootstrap
  .quad   0
  .quad   _rt_tls_g$tlv$init
#endif
