// Stack switches, x64 ABI of Windows.  See arch.h for the contracts, and switch.S for System V's,
// which these follow.
//
// A stack that is not running looks like this (learn.microsoft.com, "x64 calling convention": rbx,
// rbp, rdi, rsi, r12-r15 and xmm6-15 belong to the caller; the x87 control word and mxcsr do too,
// and are kept per thread, not per goroutine):
//
//     sp -> xmm6 .. xmm15  8 bytes  r15 r14 r13 r12 rsi rdi rbx rbp  resume-pc  ...frames
//
// - Beside the word rt_tls_g, the thread keeps the bounds of the stack that it is on, which the
//   system reads at each exception and each touch of a guard page, and of which it changes one: the
//   limit, which therefore is saved in the g, where compiled code of System V has its mark.
// - Whoever calls a function leaves it 32 bytes above its return address, its "shadow".
// - Unwinders know prologues only (learn.microsoft.com/cpp/build/exception-handling-x64): a frame
//   is described by the instructions that would have made it.
#include "runtime/arch/x86_64/win64_thread.h"

// Of PUSH_SAVED, below the general registers; and all of it.
#define XMM_BYTES 168
#define SAVED_BYTES (XMM_BYTES + 64)

  .section rt_text$m,"xr"

// With `extra` bytes below, for the function's own use: rsp is aligned to 16 bytes if that is.
.macro SAVED_DIRECTIVES extra
  .seh_stackalloc XMM_BYTES + \extra
  .seh_savexmm %xmm6, \extra
  .seh_savexmm %xmm7, \extra + 16
  .seh_savexmm %xmm8, \extra + 32
  .seh_savexmm %xmm9, \extra + 48
  .seh_savexmm %xmm10, \extra + 64
  .seh_savexmm %xmm11, \extra + 80
  .seh_savexmm %xmm12, \extra + 96
  .seh_savexmm %xmm13, \extra + 112
  .seh_savexmm %xmm14, \extra + 128
  .seh_savexmm %xmm15, \extra + 144
.endm

.macro PUSH_SAVED extra
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
  subq    $(XMM_BYTES + \extra), %rsp
  SAVED_DIRECTIVES \extra
  .seh_endprologue
  movaps  %xmm6, \extra(%rsp)
  movaps  %xmm7, \extra+16(%rsp)
  movaps  %xmm8, \extra+32(%rsp)
  movaps  %xmm9, \extra+48(%rsp)
  movaps  %xmm10, \extra+64(%rsp)
  movaps  %xmm11, \extra+80(%rsp)
  movaps  %xmm12, \extra+96(%rsp)
  movaps  %xmm13, \extra+112(%rsp)
  movaps  %xmm14, \extra+128(%rsp)
  movaps  %xmm15, \extra+144(%rsp)
.endm

.macro POP_SAVED_AND_JUMP
  movaps  (%rsp), %xmm6
  movaps  16(%rsp), %xmm7
  movaps  32(%rsp), %xmm8
  movaps  48(%rsp), %xmm9
  movaps  64(%rsp), %xmm10
  movaps  80(%rsp), %xmm11
  movaps  96(%rsp), %xmm12
  movaps  112(%rsp), %xmm13
  movaps  128(%rsp), %xmm14
  movaps  144(%rsp), %xmm15
  addq    $XMM_BYTES, %rsp
  popq    %r15
  popq    %r14
  popq    %r13
  popq    %r12
  popq    %rsi
  popq    %rdi
  popq    %rbx
  popq    %rbp
  popq    %rcx
  jmpq    *%rcx
.endm

// void rt_gloop(struct rt_g *(*next)(void *) /* rcx */, void *arg /* rdx */,
//               uintptr_t *g0_sp /* r8 */)
//
//     0(rsp) shadow of what is called   32(rsp) next   40(rsp) arg   48.. as PUSH_SAVED
  .globl  rt_gloop
  .def    rt_gloop; .scl 2; .type 32; .endef
  .p2align 4
  .seh_proc rt_gloop
  .seh_handler os_unhandled, @except
rt_gloop:
  PUSH_SAVED 48
  movq    %rcx, 32(%rsp)
  movq    %rdx, 40(%rsp)
  movq    %rsp, (%r8)
.Lnext:
  movq    40(%rsp), %rcx
  callq   *32(%rsp)
  testq   %rax, %rax
  je      .Ldone
  movq    %rax, %rcx
// __attribute__((noreturn)) void rt_gogo(struct rt_g *g /* rcx */): g's first word is its sp.
  .globl  rt_gogo
rt_gogo:
  SETSTACK %rcx
  movq    (%rcx), %rsp
  SETG    %rcx
  POP_SAVED_AND_JUMP
// The end of rt_mcall_to: on g0 now, in the frame of its rt_gloop.
.Lcall:
  callq   *%rdx
  jmp     .Lnext
.Ldone:
  addq    $48, %rsp
  POP_SAVED_AND_JUMP
  .seh_endproc

// void rt_mcall_to(struct rt_g *g /* rcx */, void (*fn)(struct rt_g *) /* rdx */,
//                  uintptr_t g0_sp /* r8 */, struct rt_g *g0 /* r9 */)
  .globl  rt_mcall_to
  .def    rt_mcall_to; .scl 2; .type 32; .endef
  .p2align 4
  .seh_proc rt_mcall_to
rt_mcall_to:
  PUSH_SAVED 0
  movq    %rsp, (%rcx)
  movq    TEB_STACK_LIMIT, %rax
  movq    %rax, RT_G_LOW(%rcx)  // the system may have moved it
  SETSTACK %r9
  movq    %r8, %rsp
  SETG    %r9
  jmp     .Lcall
  .seh_endproc

// void rt_onstack(void (*fn)(void *) /* rcx */, void *arg /* rdx */, uintptr_t sp /* r8 */,
//                 struct rt_g *current /* r9 */, const struct rt_extent *on /* on the stack */)
// rbp holds the way back: it survives fn by the ABI, and the unwinder follows it.  fn may return on
// another thread.
  .globl  rt_onstack
  .def    rt_onstack; .scl 2; .type 32; .endef
  .p2align 4
  .seh_proc rt_onstack
rt_onstack:
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
  movq    %rsp, %rbp
  .seh_setframe %rbp, 0
  .seh_endprologue
  movl    _tls_index(%rip), %eax
  movq    TEB_TLS, %r10
  movq    (%r10,%rax,8), %rax
  movq    rt_tls_g@SECREL32(%rax), %rbx   // the caller's g
  movq    TEB_STACK_BASE, %rdi            // and its stack
  movq    TEB_STACK_LIMIT, %rsi
  movq    TEB_DEALLOCATION_STACK, %r12
  movq    TEB_EXCEPTION_LIST, %r13
  movq    $-1, TEB_EXCEPTION_LIST         // none yet on the other stack
  movq    88(%rsp), %r11                  // on: above the 6, the return address, the shadow
  movq    (%r11), %r10
  subq    $OS_STACK_END_BYTES, %r10
  movq    %r10, TEB_DEALLOCATION_STACK
  movq    8(%r11), %r10
  movq    %r10, TEB_STACK_BASE
  movq    16(%r11), %r10
  movq    %r10, TEB_STACK_LIMIT
  leaq    -32(%r8), %rsp
  movq    %r9, rt_tls_g@SECREL32(%rax)
  movq    %rcx, %rax
  movq    %rdx, %rcx
  callq   rt_onstack_call
  movq    %rbp, %rsp
  movq    %rdi, TEB_STACK_BASE
  movq    %rsi, TEB_STACK_LIMIT
  movq    %r12, TEB_DEALLOCATION_STACK
  movq    %r13, TEB_EXCEPTION_LIST
  SETG    %rbx
  popq    %r13
  popq    %r12
  popq    %rsi
  popq    %rdi
  popq    %rbx
  popq    %rbp
  retq
  .seh_endproc

// The outermost frame there.  Handlers of exceptions are looked for up to here: the system takes
// none whose frame is not on the stack that the thread knows.
  .def    rt_onstack_call; .scl 3; .type 32; .endef
  .p2align 4
  .seh_proc rt_onstack_call
  .seh_handler os_unhandled, @except
rt_onstack_call:
  subq    $40, %rsp
  .seh_stackalloc 40
  .seh_endprologue
  callq   *%rax
  nop                         // the return address must not look like that of an epilogue
  addq    $40, %rsp
  retq
  .seh_endproc

// void rt_onframe(void (*fn)(void *) /* rcx */, void *arg /* rdx */, uintptr_t sp /* r8 */)
// Nothing switches.  To unwinders this function looks as if it had pushed what lies at rbx.
  .globl  rt_onframe
  .def    rt_onframe; .scl 2; .type 32; .endef
  .p2align 4
  .seh_proc rt_onframe
rt_onframe:
  pushq   %rbx
  subq    $32, %rsp
  movq    %r8, %rbx
  movq    %rcx, %rax
  movq    %rdx, %rcx
  .seh_pushreg %rbp
  .seh_pushreg %rbx
  .seh_pushreg %rdi
  .seh_pushreg %rsi
  .seh_pushreg %r12
  .seh_pushreg %r13
  .seh_pushreg %r14
  .seh_pushreg %r15
  SAVED_DIRECTIVES 0
  .seh_setframe %rbx, 0
  .seh_endprologue
  callq   *%rax
  nop                         // the return address must not look like that of an epilogue
  addq    $32, %rsp
  popq    %rbx
  retq
  .seh_endproc

// uintptr_t rt_savedpc(uintptr_t sp /* rcx */)
  .globl  rt_savedpc
  .def    rt_savedpc; .scl 2; .type 32; .endef
  .p2align 4
rt_savedpc:
  movq    SAVED_BYTES(%rcx), %rax
  retq

// The outermost frame of every goroutine: rbx holds the entry function.  A return address of 0
// tells unwinders that nothing called it; an exception that nobody handles ends here.
  .globl  rt_gostart
  .def    rt_gostart; .scl 2; .type 32; .endef
  .p2align 4
  .seh_proc rt_gostart
  .seh_handler os_unhandled, @except
rt_gostart:
  subq    $32, %rsp           // rsp was aligned already: this was gone to, not called
  .seh_stackalloc 32
  .seh_endprologue
  xorl    %ebp, %ebp
  callq   *%rbx
  ud2
  .seh_endproc

// uintptr_t rt_gostack(uintptr_t hi /* rcx */, void (*entry)(void) /* rdx */)
// The top 16 bytes stay free; below them the frame that rt_gogo loads.  The other registers begin
// with whatever lies there: nobody reads them.
  .globl  rt_gostack
  .def    rt_gostack; .scl 2; .type 32; .endef
  .p2align 4
rt_gostack:
  andq    $-16, %rcx
  leaq    -(16 + 16 + 8 + SAVED_BYTES)(%rcx), %rax
  leaq    rt_gostart(%rip), %r8
  movq    %rdx, SAVED_BYTES-16(%rax)  // rbx
  movq    %r8, SAVED_BYTES(%rax)      // resume-pc
  movq    $0, SAVED_BYTES+8(%rax)     // rt_gostart has no caller
  retq

// Of the section (os_runtime_text): the linker sorts what follows a $.
  .section rt_text$a,"xr"
  .globl  rt_text_lo
rt_text_lo:
  .section rt_text$z,"xr"
  .globl  rt_text_hi
rt_text_hi:

  .section .tls$,"dw"
  .globl  rt_tls_g
  .p2align 3
rt_tls_g:
  .quad   0
