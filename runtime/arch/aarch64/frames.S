// Frames of the stacks that switch.S and macho_switch.S leave and resume, AArch64 (AAPCS64): how
// they begin, and how others read them.  See arch.h for the contracts, switch.S for the layout.
#include "runtime/arch/aarch64/bti.h"
#include "runtime/arch/aarch64/saved.h"
#include "runtime/arch/object.h"

#ifdef __APPLE__
#define PAGE_OF(name) _##name@PAGE
#define IN_PAGE_OF(name) _##name@PAGEOFF
#else
#define PAGE_OF(name) name
#define IN_PAGE_OF(name) :lo12:name
#endif

  RT_TEXT

// void rt_onframe(void (*fn)(void *) /* x0 */, void *arg /* x1 */, uintptr_t sp /* x2 */)
// Nothing switches: during the call, the CFI speaks of the stack at x19 instead of this one.
FUNCTION rt_onframe
  .cfi_startproc
  RT_LANDING_PAD
  sub     sp, sp, #32
  .cfi_def_cfa_offset 32
  stp     x29, x30, [sp]
  .cfi_offset x29, -32
  .cfi_offset x30, -24
  str     x19, [sp, #16]
  .cfi_offset x19, -16
  mov     x29, sp             // a frame record, as macOS asks for at all times
  mov     x19, x2
  mov     x9, x0
  mov     x0, x1
  .cfi_remember_state
  .cfi_def_cfa x19, SAVED_BYTES
  SAVED_RULES
  blr     x9
  nop                         // the return address lies within what was just said
  .cfi_restore_state
  ldr     x19, [sp, #16]
  ldp     x29, x30, [sp]
  add     sp, sp, #32
  .cfi_def_cfa_offset 0
  .cfi_restore x19
  .cfi_restore x29
  .cfi_restore x30
  ret
  .cfi_endproc
END rt_onframe

// uintptr_t rt_savedpc(uintptr_t sp /* x0 */)
FUNCTION rt_savedpc
  .cfi_startproc
  RT_LANDING_PAD
  ldr     x0, [x0, #8]
  ret
  .cfi_endproc
END rt_savedpc

// The outermost frame of every goroutine: x19 holds the entry function.  The undefined return
// address tells unwinders that nothing called it, and the frame pointer of 0 those that follow it.
FUNCTION rt_gostart
  .cfi_startproc
  .cfi_undefined x30
  RT_LANDING_PAD
  mov     x29, xzr
  mov     x30, xzr
  blr     x19
  brk     #1
  .cfi_endproc
END rt_gostart

// uintptr_t rt_gostack(uintptr_t hi /* x0 */, void (*entry)(void) /* x1 */)
// The top 16 bytes stay free; below them the frame that rt_gogo loads.  What is not set here begins
// with whatever lies there: nobody reads it.
FUNCTION rt_gostack
  .cfi_startproc
  RT_LANDING_PAD
  and     x0, x0, #-16
  sub     x0, x0, #(SAVED_BYTES + 16)
  adrp    x9, PAGE_OF(rt_gostart)
  add     x9, x9, IN_PAGE_OF(rt_gostart)
  str     x9, [x0, #8]        // x30
  str     x1, [x0, #16]       // x19
  ret
  .cfi_endproc
END rt_gostack

  RT_PROPERTIES
  RT_NO_EXECUTABLE_STACK
