// What the checks of split-stack code call, x86-64 System V; see arch.h.  The other side is LLVM's
// X86FrameLowering::adjustForSegmentedStacks (gcc's is alike: gcc.gnu.org/wiki/SplitStacks):
//
//     cmpq    %fs:0x70, %rsp         // or  leaq -frame(%rsp), %r11; cmpq %fs:0x70, %r11
//     ja      body                   //     from frames of 256 bytes on
//     movl    $frame, %r10d
//     movl    $argument_bytes, %r11d
//     callq   __morestack
//     retq                           // libgcc's runs the body on another segment, and returns here
//     body:
//
// Ours moves the whole stack and goes to the body, once, as if nothing had been: every register
// and every word of the stack is as it was, but for the pointers into it.
//
//     rsp at the check -> return address of the function
//     16(rbp)  ->         arguments on the stack, above; they move with the rest
//      8(rbp)  ->         pc after the call of __morestack
//     rbp      ->         rbp, rax rbx rcx rdx rsi rdi r8 r9 r12-r15    (rax: varargs, and where
//     rsp      ->         8 bytes of padding, xmm7 .. xmm0              LLVM keeps a closure's r10)
//
// A mark of 0 means that this stack is not ours to move: g0's, a thread's own.  There only
// __morestack_non_split is ever called, and an alloca larger than the address space.
#include "runtime/arch/offsets.h"
#include "runtime/arch/x86_64/mark.h"

// lld lets a caller of unchecked code ask for this much more (adjustPrologueForCrossSplitStack);
// libgcc's figure is the same.
#define HEADROOM 0x4000
// What XGETBV and XSAVE call the upper halves of YMM0-15, and of ZMM0-15 (SDM vol. 1, 13.1).
#define UPPER_HALVES 0x44

  .section rt_text,"ax",@progbits

// A checked function that calls unchecked code.  lld has changed its prologue such that it calls
// this one instead, every time if the frame is small: the room is there already, as a rule.
  .globl  __morestack_non_split
  .type   __morestack_non_split, @function
  .p2align 4
__morestack_non_split:
  .cfi_startproc
  leaq    -HEADROOM(%rsp), %r11
  subq    %r10, %r11
  cmpq    RT_LOW_MARK, %r11
  jbe     1f
  incq    (%rsp)              // over the ret
  retq
1:
  addq    $HEADROOM, %r10
  .cfi_endproc
  .size   __morestack_non_split, .-__morestack_non_split

// r10: frame bytes; all other registers but r11 may hold arguments.
  .globl  __morestack
  .type   __morestack, @function
__morestack:
  .cfi_startproc
  movq    rt_tls_g@gottpoff(%rip), %r11
  movq    %fs:(%r11), %r11
  testq   %r11, %r11
  je      .Lbody              // not a thread of the runtime's
  cmpq    %r11, RT_G_M(%r11)
  je      .Lbody              // g0
  pushq   %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq    %rsp, %rbp
  .cfi_def_cfa_register %rbp
  pushq   %rax
  pushq   %rbx
  .cfi_offset %rbx, -32
  pushq   %rcx
  pushq   %rdx
  pushq   %rsi
  pushq   %rdi
  pushq   %r8
  pushq   %r9
  pushq   %r12
  .cfi_offset %r12, -88
  pushq   %r13
  .cfi_offset %r13, -96
  pushq   %r14
  .cfi_offset %r14, -104
  pushq   %r15
  .cfi_offset %r15, -112
  subq    $136, %rsp
  movaps  %xmm0, 0(%rsp)
  movaps  %xmm1, 16(%rsp)
  movaps  %xmm2, 32(%rsp)
  movaps  %xmm3, 48(%rsp)
  movaps  %xmm4, 64(%rsp)
  movaps  %xmm5, 80(%rsp)
  movaps  %xmm6, 96(%rsp)
  movaps  %xmm7, 112(%rsp)
  movq    %r11, %rbx          // g
  movq    rt_tls_g@gottpoff(%rip), %r12
  movq    RT_G_M(%rbx), %r13  // its M, and so g0
  movq    %rsp, %r14
  movq    $0, RT_LOW_MARK
  movq    (%r13), %rsp
  movq    %r13, %fs:(%r12)
  andq    $-16, %rsp          // on g0 now
  // Vector arguments wider than xmm: only if some are in use, for to load the upper halves is to
  // slow down all SSE code after.  They are kept as they are.
  movq    rt_xsave_mask(%rip), %r15
  andq    $UPPER_HALVES, %r15
  je      .Lsaved
  cmpb    $0, rt_xgetbv_in_use(%rip)
  je      .Lupper
  movl    $1, %ecx
  xgetbv
  andl    %eax, %r15d
  je      .Lsaved
.Lupper:
  subq    rt_xsave_bytes(%rip), %rsp
  andq    $-64, %rsp
  xorl    %edx, %edx
  movq    %rdx, 512(%rsp)     // the header must be zero where XSAVE does not write it
  movq    %rdx, 520(%rsp)
  movq    %rdx, 528(%rsp)
  movq    %rdx, 536(%rsp)
  movq    %rdx, 544(%rsp)
  movq    %rdx, 552(%rsp)
  movq    %rdx, 560(%rsp)
  movq    %rdx, 568(%rsp)
  movl    %r15d, %eax
  xsave64 (%rsp)
.Lsaved:
  movq    %rbx, %rdi
  movq    %r14, %rsi
  movq    %r10, %rdx
  movq    8(%rbp), %rcx
  callq   rt_morestack
  cmpq    %r14, %rax
  je      .Lstayed
  movq    %rax, %r14
  leaq    232(%r14), %rbp     // where the frame is now: unwinders go on there
  movq    %rbx, %rdi
  movq    8(%rbp), %rsi
  callq   rt_morestack_moved
.Lstayed:
  testl   %r15d, %r15d
  je      .Lback
  movl    %r15d, %eax
  xorl    %edx, %edx
  xrstor64 (%rsp)
.Lback:
  movq    %r14, %rsp          // the frame is there again
  movq    %rbx, %fs:(%r12)
  movq    RT_G_LOW(%rbx), %rax
  movq    %rax, RT_LOW_MARK
  movaps  0(%rsp), %xmm0
  movaps  16(%rsp), %xmm1
  movaps  32(%rsp), %xmm2
  movaps  48(%rsp), %xmm3
  movaps  64(%rsp), %xmm4
  movaps  80(%rsp), %xmm5
  movaps  96(%rsp), %xmm6
  movaps  112(%rsp), %xmm7
  addq    $136, %rsp
  popq    %r15
  .cfi_restore %r15
  popq    %r14
  .cfi_restore %r14
  popq    %r13
  .cfi_restore %r13
  popq    %r12
  .cfi_restore %r12
  popq    %r9
  popq    %r8
  popq    %rdi
  popq    %rsi
  popq    %rdx
  popq    %rcx
  popq    %rbx
  .cfi_restore %rbx
  popq    %rax
  popq    %rbp
  .cfi_def_cfa %rsp, 8
  .cfi_restore %rbp
.Lbody:
  incq    (%rsp)
  retq
  .cfi_endproc
  .size   __morestack, .-__morestack

// void *__morestack_allocate_stack_space(size_t size /* rdi, rounded up to 16 */): an alloca for
// which there was no room.  libgcc's answers with memory elsewhere and leaves rsp alone.  Where
// there is room the caller moves rsp itself, so it counts on no rsp after: ours moves it, too.
  .globl  __morestack_allocate_stack_space
  .type   __morestack_allocate_stack_space, @function
  .p2align 4
__morestack_allocate_stack_space:
  .cfi_startproc
  movq    %rdi, %r10
  callq   __morestack
  retq                        // goes on below
  popq    %rcx
  .cfi_adjust_cfa_offset -8
  .cfi_register %rip, %rcx
  subq    %rdi, %rsp
  andq    $-16, %rsp
  movq    %rsp, %rax
  jmpq    *%rcx
  .cfi_endproc
  .size   __morestack_allocate_stack_space, .-__morestack_allocate_stack_space

  .section .note.GNU-stack,"",@progbits
