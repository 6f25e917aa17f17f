// Stack switches, RISC-V 64 (LP64D).  See arch.h for the contracts.
//
// A stack that is not running looks like this (RISC-V psABI, "Register Convention": s0-s11,
// fs0-fs11 and sp belong to the caller, ra is where to go on; gp and tp are the thread's, and fcsr
// stays with it):
//
//     sp -> ra s0 s1 ... s11  fs0 fs1 ... fs11  padding  ...frames of the caller, up to hi
//
// - The word rt_tls_g names g exactly while SP is on g's stack: it is changed only between the
//   load of SP and the first use of the new stack, so a fault is charged to the right stack.
// - g0 saves nothing at a switch: its loop, rt_gloop, keeps its state in its frame, at an SP that
//   stays the same, so a goroutine that leaves just goes to the top of the loop.

#define SAVED_BYTES 208

  .section rt_text,"ax",@progbits

// Sets the thread's current g from \reg; clobbers t0.
.macro SETG reg
  la.tls.ie t0, rt_tls_g
  add     t0, t0, tp
  sd      \reg, 0(t0)
.endm

.macro EACH_SAVED integer, float
  \integer ra, 0
  \integer s0, 8
  \integer s1, 16
  \integer s2, 24
  \integer s3, 32
  \integer s4, 40
  \integer s5, 48
  \integer s6, 56
  \integer s7, 64
  \integer s8, 72
  \integer s9, 80
  \integer s10, 88
  \integer s11, 96
  \float  fs0, 104
  \float  fs1, 112
  \float  fs2, 120
  \float  fs3, 128
  \float  fs4, 136
  \float  fs5, 144
  \float  fs6, 152
  \float  fs7, 160
  \float  fs8, 168
  \float  fs9, 176
  \float  fs10, 184
  \float  fs11, 192
.endm
.macro STORE reg, at
  sd      \reg, \at(sp)
.endm
.macro FSTORE reg, at
  fsd     \reg, \at(sp)
.endm
.macro LOAD reg, at
  ld      \reg, \at(sp)
.endm
.macro FLOAD reg, at
  fld     \reg, \at(sp)
.endm
// For unwinders: the CFA is SAVED_BYTES above the SP of a stack that is not running.
.macro RULE reg, at
  .cfi_offset \reg, \at - SAVED_BYTES
.endm
.macro FORGET reg, at
  .cfi_restore \reg
.endm

.macro SAVE
  addi    sp, sp, -SAVED_BYTES
  .cfi_adjust_cfa_offset SAVED_BYTES
  EACH_SAVED STORE, FSTORE
  EACH_SAVED RULE, RULE
.endm

.macro LOAD_AND_RETURN
  EACH_SAVED LOAD, FLOAD
  addi    sp, sp, SAVED_BYTES
  .cfi_def_cfa_offset 0
  EACH_SAVED FORGET, FORGET
  ret
.endm

// void rt_gloop(struct rt_g *(*next)(void *) /* a0 */, void *arg /* a1 */,
//               uintptr_t *g0_sp /* a2 */)
//
//     0(sp) next   8(sp) arg   16.. what SAVE saves
  .globl  rt_gloop
  .type   rt_gloop, @function
  .p2align 4
rt_gloop:
  .cfi_startproc
  SAVE
  addi    sp, sp, -16
  .cfi_adjust_cfa_offset 16
  sd      a0, 0(sp)
  sd      a1, 8(sp)
  sd      sp, 0(a2)
.Lnext:
  ld      a0, 8(sp)
  ld      t1, 0(sp)
  jalr    t1
  .cfi_remember_state
  beqz    a0, .Ldone
// __attribute__((noreturn)) void rt_gogo(struct rt_g *g /* a0 */): g's first word is its sp.
  .globl  rt_gogo
rt_gogo:
  ld      sp, 0(a0)
  SETG    a0
  .cfi_def_cfa sp, SAVED_BYTES
  LOAD_AND_RETURN
.Ldone:
  .cfi_restore_state
  addi    sp, sp, 16
  .cfi_adjust_cfa_offset -16
  LOAD_AND_RETURN
  .cfi_endproc
  .size   rt_gloop, .-rt_gloop

// void rt_mcall_to(struct rt_g *g /* a0 */, void (*fn)(struct rt_g *) /* a1 */,
//                  uintptr_t g0_sp /* a2 */, struct rt_g *g0 /* a3 */)
  .globl  rt_mcall_to
  .type   rt_mcall_to, @function
  .p2align 4
rt_mcall_to:
  .cfi_startproc
  SAVE
  sd      sp, 0(a0)
  mv      sp, a2
  SETG    a3
  .cfi_def_cfa sp, SAVED_BYTES + 16   // on g0 now, in rt_gloop's frame
  jalr    a1
  j       .Lnext
  .cfi_endproc
  .size   rt_mcall_to, .-rt_mcall_to

// void rt_onstack(void (*fn)(void *) /* a0 */, void *arg /* a1 */, uintptr_t sp /* a2 */,
//                 struct rt_g *current /* a3 */)
// s0 holds the way back: it survives fn by the ABI, and unwinders follow it.  The thread may be
// another one after the call.
  .globl  rt_onstack
  .type   rt_onstack, @function
  .p2align 4
rt_onstack:
  .cfi_startproc
  addi    sp, sp, -32
  .cfi_def_cfa_offset 32
  sd      ra, 24(sp)
  .cfi_offset ra, -8
  sd      s0, 16(sp)
  .cfi_offset s0, -16
  sd      s1, 8(sp)
  .cfi_offset s1, -24
  sd      s2, 0(sp)
  .cfi_offset s2, -32
  addi    s0, sp, 32
  .cfi_def_cfa s0, 0
  la.tls.ie s1, rt_tls_g
  add     t0, s1, tp
  ld      s2, 0(t0)           // the caller's g
  mv      t1, a0
  mv      a0, a1
  mv      sp, a2
  sd      a3, 0(t0)
// The frame of the call has this name, because only there does gdb follow a caller whose frame lies
// below that of its callee (get_prev_frame_always_1 in its frame.c).
  .type   __morestack, @function
__morestack:
  jalr    t1
  addi    sp, s0, -32
  .size   __morestack, .-__morestack
  add     t0, s1, tp
  sd      s2, 0(t0)
  .cfi_def_cfa sp, 32
  ld      s2, 0(sp)
  ld      s1, 8(sp)
  ld      s0, 16(sp)
  ld      ra, 24(sp)
  addi    sp, sp, 32
  .cfi_def_cfa_offset 0
  .cfi_restore s2
  .cfi_restore s1
  .cfi_restore s0
  .cfi_restore ra
  ret
  .cfi_endproc
  .size   rt_onstack, .-rt_onstack

// void rt_onframe(void (*fn)(void *) /* a0 */, void *arg /* a1 */, uintptr_t sp /* a2 */)
// Nothing switches: during the call, the CFI speaks of the stack at s1 instead of this one.
  .globl  rt_onframe
  .type   rt_onframe, @function
  .p2align 4
rt_onframe:
  .cfi_startproc
  addi    sp, sp, -16
  .cfi_def_cfa_offset 16
  sd      ra, 8(sp)
  .cfi_offset ra, -8
  sd      s1, 0(sp)
  .cfi_offset s1, -16
  mv      s1, a2
  mv      t1, a0
  mv      a0, a1
  .cfi_remember_state
  .cfi_def_cfa s1, SAVED_BYTES
  EACH_SAVED RULE, RULE
  jalr    t1
  nop                         // the return address lies within what was just said
  .cfi_restore_state
  ld      s1, 0(sp)
  ld      ra, 8(sp)
  addi    sp, sp, 16
  .cfi_def_cfa_offset 0
  .cfi_restore s1
  .cfi_restore ra
  ret
  .cfi_endproc
  .size   rt_onframe, .-rt_onframe

// uintptr_t rt_savedpc(uintptr_t sp /* a0 */)
  .globl  rt_savedpc
  .type   rt_savedpc, @function
  .p2align 4
rt_savedpc:
  .cfi_startproc
  ld      a0, 0(a0)
  ret
  .cfi_endproc
  .size   rt_savedpc, .-rt_savedpc

// The outermost frame of every goroutine: s1 holds the entry function.  The undefined return
// address tells unwinders that nothing called it, and the frame pointer of 0 those that follow it.
  .globl  rt_gostart
  .type   rt_gostart, @function
  .p2align 4
rt_gostart:
  .cfi_startproc
  .cfi_undefined ra
  li      s0, 0
  li      ra, 0
  jalr    s1
  ebreak
  .cfi_endproc
  .size   rt_gostart, .-rt_gostart

// uintptr_t rt_gostack(uintptr_t hi /* a0 */, void (*entry)(void) /* a1 */)
// The top 16 bytes stay free; below them the frame that rt_gogo loads.  What is not set here begins
// with whatever lies there: nobody reads it.
  .globl  rt_gostack
  .type   rt_gostack, @function
  .p2align 4
rt_gostack:
  .cfi_startproc
  andi    a0, a0, -16
  addi    a0, a0, -(SAVED_BYTES + 16)
  lla     t0, rt_gostart
  sd      t0, 0(a0)           // ra
  sd      a1, 16(a0)          // s1
  ret
  .cfi_endproc
  .size   rt_gostack, .-rt_gostack

  .section .tbss,"awT",@nobits
  .globl  rt_tls_g
  .type   rt_tls_g, @object
  .p2align 3
rt_tls_g:
  .quad   0
  .size   rt_tls_g, 8

  .section .note.GNU-stack,"",@progbits
