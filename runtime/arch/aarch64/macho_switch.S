// Stack switches, arm64 on macOS.  See arch.h for the contracts, and switch.S: the frames and the
// order of steps are the same.  What differs is the thread-local word rt_tls_g.  Its address comes
// from a call, through a descriptor (dyld's threadLocalVariables), which leaves all registers alone
// but x0, x16, x17 and x30, and needs a stack: so it is asked for before the stack changes, and
// again where the thread may be another.  x18 is the system's, and x29 names a frame record at all
// times (Apple, "Writing ARM64 code for Apple platforms").
//
// The code runs on Linux, too, in tests/macho_switch_test, which has a descriptor of its own.
#include "runtime/arch/aarch64/saved.h"
#include "runtime/arch/object.h"

#ifdef __APPLE__
.macro LOAD_DESCRIPTOR
  adrp    x0, _rt_tls_g@TLVPPAGE
  ldr     x0, [x0, _rt_tls_g@TLVPPAGEOFF]
.endm
#endif

// x0 = the address of the thread's current g.  Clobbers x9, x16, x17 and x30.
.macro TLS_G
  LOAD_DESCRIPTOR
  ldr     x9, [x0]
  blr     x9
.endm

  RT_TEXT

// struct rt_g *rt_getg_call(void)
FUNCTION rt_getg_call
  .cfi_startproc
  sub     sp, sp, #16
  .cfi_def_cfa_offset 16
  stp     x29, x30, [sp]
  .cfi_offset x29, -16
  .cfi_offset x30, -8
  mov     x29, sp
  TLS_G
  ldr     x0, [x0]
  ldp     x29, x30, [sp]
  add     sp, sp, #16
  .cfi_def_cfa_offset 0
  .cfi_restore x29
  .cfi_restore x30
  ret
  .cfi_endproc

// void rt_gloop(struct rt_g *(*next)(void *) /* x0 */, void *arg /* x1 */,
//               uintptr_t *g0_sp /* x2 */)
FUNCTION rt_gloop
  .cfi_startproc
  SAVE
  sub     sp, sp, #16
  .cfi_adjust_cfa_offset 16
  stp     x0, x1, [sp]
  mov     x9, sp
  str     x9, [x2]
Lnext:
  add     x29, sp, #16        // SAVE begins with a frame record
  ldp     x9, x0, [sp]
  blr     x9
  .cfi_remember_state
  cbz     x0, Ldone
Lresume:
  mov     x19, x0
  TLS_G
  ldr     x9, [x19]
  mov     sp, x9
  str     x19, [x0]
  .cfi_def_cfa sp, SAVED_BYTES
  LOAD_AND_RETURN
Ldone:
  .cfi_restore_state
  add     sp, sp, #16
  .cfi_adjust_cfa_offset -16
  LOAD_AND_RETURN
  .cfi_endproc

// __attribute__((noreturn)) void rt_gogo(struct rt_g *g /* x0 */)
FUNCTION rt_gogo
  .cfi_startproc
  b       Lresume
  .cfi_endproc

// void rt_mcall_to(struct rt_g *g /* x0 */, void (*fn)(struct rt_g *) /* x1 */,
//                  uintptr_t g0_sp /* x2 */, struct rt_g *g0 /* x3 */)
FUNCTION rt_mcall_to
  .cfi_startproc
  SAVE
  mov     x29, sp
  str     x29, [x0]
  mov     x19, x0
  TLS_G
  mov     sp, x2
  str     x3, [x0]
  .cfi_def_cfa sp, SAVED_BYTES + 16   // on g0 now, in rt_gloop's frame
  add     x29, sp, #16
  mov     x0, x19
  blr     x1
  b       Lnext
  .cfi_endproc

// void rt_onstack(void (*fn)(void *) /* x0 */, void *arg /* x1 */, uintptr_t sp /* x2 */,
//                 struct rt_g *current /* x3 */)
FUNCTION rt_onstack
  .cfi_startproc
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
  mov     x19, x0
  TLS_G
  ldr     x20, [x0]           // the caller's g
  mov     sp, x2
  str     x3, [x0]
  mov     x0, x1
  blr     x19
  TLS_G                       // the thread may be another one
  mov     sp, x29
  str     x20, [x0]
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
