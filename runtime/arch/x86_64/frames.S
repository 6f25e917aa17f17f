// Frames of the stacks that switch.S and macho_switch.S leave and resume, x86-64 System V: how they
// begin, and how others read them.  See arch.h for the contracts, switch.S for the layout.
#include "runtime/arch/object.h"

  RT_TEXT

// void rt_onframe(void (*fn)(void *) /* rdi */, void *arg /* rsi */, uintptr_t sp /* rdx */)
// Nothing switches: during the call, the CFI speaks of the stack at rbx instead of this one.
FUNCTION rt_onframe
  .cfi_startproc
  pushq   %rbx
  .cfi_def_cfa_offset 16
  .cfi_offset %rbx, -16
  movq    %rdx, %rbx
  movq    %rdi, %rax
  movq    %rsi, %rdi
  .cfi_remember_state
  .cfi_def_cfa %rbx, 56
  .cfi_offset %rip, -8
  .cfi_offset %rbp, -16
  .cfi_offset %rbx, -24
  .cfi_offset %r12, -32
  .cfi_offset %r13, -40
  .cfi_offset %r14, -48
  .cfi_offset %r15, -56
  callq   *%rax
  nop                         // the return address lies within what was just said
  .cfi_restore_state
  popq    %rbx
  .cfi_def_cfa_offset 8
  retq
  .cfi_endproc
END rt_onframe

// uintptr_t rt_savedpc(uintptr_t sp /* rdi */)
FUNCTION rt_savedpc
  .cfi_startproc
  movq    48(%rdi), %rax
  retq
  .cfi_endproc
END rt_savedpc

// The outermost frame of every goroutine: rbx holds the entry function.  The undefined return
// address tells unwinders that nothing called it.
FUNCTION rt_gostart
  .cfi_startproc
  .cfi_undefined %rip
  xorl    %ebp, %ebp
  callq   *%rbx
  ud2
  .cfi_endproc
END rt_gostart

// uintptr_t rt_gostack(uintptr_t hi /* rdi */, void (*entry)(void) /* rsi */)
// The top 16 bytes stay free; below them the frame that rt_gogo loads.  rbp and r12-r15 begin with
// whatever lies there: nobody reads them.
FUNCTION rt_gostack
  .cfi_startproc
  andq    $-16, %rdi
  leaq    -72(%rdi), %rax     // 7 words below hi - 16
  leaq    RT_NAME(rt_gostart)(%rip), %rcx
  movq    %rsi, 32(%rax)      // rbx
  movq    %rcx, 48(%rax)      // resume-pc
  movq    $0, 56(%rax)        // rt_gostart has no caller
  retq
  .cfi_endproc
END rt_gostack

  RT_NO_EXECUTABLE_STACK
