// win64_thread.h: what Windows keeps of a thread, in the TEB that GS points to, as the switches use
// it (public in winternl.h and winnt.h as NT_TIB and TEB; the offsets are the ABI's).
#ifndef STACKLAB_RUNTIME_ARCH_X86_64_WIN64_THREAD_H_
#define STACKLAB_RUNTIME_ARCH_X86_64_WIN64_THREAD_H_

#include "runtime/arch/offsets.h"
#include "runtime/os/windows/stack_end.h"

// Where the stack begins that the thread is on; down to where it is committed, which the kernel
// moves when a guard page is touched; and where it ends.  Exceptions are delivered, and their
// handlers found, only between the first two.
#define TEB_STACK_BASE %gs:0x08
#define TEB_STACK_LIMIT %gs:0x10
#define TEB_DEALLOCATION_STACK %gs:0x1478
// Handlers that are not found by unwinding, the innermost first; -1 ends the list.  Windows has
// none in 64-bit programs (but keeps this with each fiber); Wine's own libraries do.
#define TEB_EXCEPTION_LIST %gs:0x00
#define TEB_TLS %gs:0x58  // ThreadLocalStoragePointer: a table of the modules' blocks

// Makes the thread's current g \reg; clobbers rax and r10.
.macro SETG reg
  movl    _tls_index(%rip), %eax
  movq    TEB_TLS, %r10
  movq    (%r10,%rax,8), %rax
  movq    \reg, rt_tls_g@SECREL32(%rax)
.endm

// Tells the system that the thread is on the stack of the g at \reg; clobbers rax.
.macro SETSTACK reg
  movq    RT_G_HI(\reg), %rax
  movq    %rax, TEB_STACK_BASE
  movq    RT_G_LOW(\reg), %rax
  movq    %rax, TEB_STACK_LIMIT
  movq    RT_G_LO(\reg), %rax
  subq    $OS_STACK_END_BYTES, %rax
  movq    %rax, TEB_DEALLOCATION_STACK
.endm

#endif
