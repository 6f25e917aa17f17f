// Stack switches, AArch64 (AAPCS64).  See arch.h for the contracts.
//
// A stack that is not running looks like this (AAPCS64 6.1: x19-x29, sp and the low halves of
// v8-v15 belong to the caller; x30 is where to go on; FPCR is kept per thread):
//
//     sp -> x29 x30  x19 x20 ... x27 x28  d8 d9 ... d14 d15  ...frames of the caller, up to hi
//
// - The word rt_tls_g names g exactly while SP is on g's stack: it is changed only between the
//   load of SP and the first use of the new stack, so a fault is charged to the right stack.
// - A frame is made by `sub` and then plain stores: a store that faults can be run again, whatever
//   the CPU does about the base of one that writes it back.
// - Every resume is a `ret`: with BTI an indirect branch may only go to a landing pad, and the
//   place after a call is none.
// - g0 saves nothing at a switch: its loop, rt_gloop, keeps its state in its frame, at an SP that
//   stays the same, so a goroutine that leaves just goes to the top of the loop.
// - x18 is the platform's (AAPCS64 6.1.1): not touched.

#include "runtime/arch/aarch64/bti.h"
#include "runtime/arch/aarch64/saved.h"

  .section rt_text,"ax",@progbits

// *\to = the address of the thread's current g, from an offset in \to; clobbers nothing else.
.macro TLS_G_OFFSET to
  adrp    \to, :gottprel:rt_tls_g
  ldr     \to, [\to, :gottprel_lo12:rt_tls_g]
.endm

// Sets the thread's current g from \reg; clobbers x10, x11.
.macro SETG reg
  TLS_G_OFFSET x10
  mrs     x11, tpidr_el0
  str     \reg, [x11, x10]
.endm

// void rt_gloop(struct rt_g *(*next)(void *) /* x0 */, void *arg /* x1 */,
//               uintptr_t *g0_sp /* x2 */)
//
//     0(sp) next   8(sp) arg   16.. what SAVE saves
  .globl  rt_gloop
  .type   rt_gloop, @function
  .p2align 4
rt_gloop:
  .cfi_startproc
  RT_LANDING_PAD
  SAVE
  sub     sp, sp, #16
  .cfi_adjust_cfa_offset 16
  stp     x0, x1, [sp]
  mov     x9, sp
  str     x9, [x2]
.Lnext:
  ldp     x9, x0, [sp]
  blr     x9
  .cfi_remember_state
  cbz     x0, .Ldone
// __attribute__((noreturn)) void rt_gogo(struct rt_g *g /* x0 */): g's first word is its sp.
  .globl  rt_gogo
rt_gogo:
  RT_LANDING_PAD
  ldr     x9, [x0]
  mov     sp, x9
  SETG    x0
  .cfi_def_cfa sp, SAVED_BYTES
  LOAD_AND_RETURN
.Ldone:
  .cfi_restore_state
  add     sp, sp, #16
  .cfi_adjust_cfa_offset -16
  LOAD_AND_RETURN
  .cfi_endproc
  .size   rt_gloop, .-rt_gloop

// void rt_mcall_to(struct rt_g *g /* x0 */, void (*fn)(struct rt_g *) /* x1 */,
//                  uintptr_t g0_sp /* x2 */, struct rt_g *g0 /* x3 */)
  .globl  rt_mcall_to
  .type   rt_mcall_to, @function
  .p2align 4
rt_mcall_to:
  .cfi_startproc
  RT_LANDING_PAD
  SAVE
  mov     x9, sp
  str     x9, [x0]
  mov     sp, x2
  SETG    x3
  .cfi_def_cfa sp, SAVED_BYTES + 16   // on g0 now, in rt_gloop's frame
  blr     x1
  b       .Lnext
  .cfi_endproc
  .size   rt_mcall_to, .-rt_mcall_to

// void rt_onstack(void (*fn)(void *) /* x0 */, void *arg /* x1 */, uintptr_t sp /* x2 */,
//                 struct rt_g *current /* x3 */)
// x29 holds the way back: it survives fn by the ABI, and unwinders follow it.  The thread may be
// another one after the call.
  .globl  rt_onstack
  .type   rt_onstack, @function
  .p2align 4
rt_onstack:
  .cfi_startproc
  RT_LANDING_PAD
  sub     sp, sp, #32
  .cfi_def_cfa_offset 32
  stp     x29, x30, [sp]
  .cfi_offset x29, -32
  .cfi_offset x30, -24
  stp     x19, x20, [sp, #16]
  .cfi_offset x19, -16
  .cfi_offset x20, -8
  mov     x29, sp
  .cfi_def_cfa_register x29
  TLS_G_OFFSET x19
  mrs     x9, tpidr_el0
  ldr     x20, [x9, x19]      // the caller's g
  mov     x10, x0
  mov     x0, x1
  mov     sp, x2
  str     x3, [x9, x19]
// The frame of the call has this name, because only there does gdb follow a caller whose frame lies
// below that of its callee (get_prev_frame_always_1 in its frame.c).
  .type   __morestack, @function
__morestack:
  blr     x10
  mov     sp, x29
  .size   __morestack, .-__morestack
  mrs     x9, tpidr_el0
  str     x20, [x9, x19]
  ldp     x19, x20, [sp, #16]
  ldp     x29, x30, [sp]
  add     sp, sp, #32
  .cfi_def_cfa sp, 0
  .cfi_restore x19
  .cfi_restore x20
  .cfi_restore x29
  .cfi_restore x30
  ret
  .cfi_endproc
  .size   rt_onstack, .-rt_onstack

  .section .tbss,"awT",@nobits
  .globl  rt_tls_g
  .type   rt_tls_g, @object
  .p2align 3
rt_tls_g:
  .quad   0
  .size   rt_tls_g, 8

  RT_PROPERTIES
  .section .note.GNU-stack,"",@progbits
