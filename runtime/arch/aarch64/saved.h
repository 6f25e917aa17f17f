// saved.h: the registers of a stack that is not running (switch.S), for the assembler.
#ifndef STACKLAB_RUNTIME_ARCH_AARCH64_SAVED_H_
#define STACKLAB_RUNTIME_ARCH_AARCH64_SAVED_H_

#define SAVED_BYTES 160

// What a stack that is not running holds, for unwinders: \cfa is SAVED_BYTES above its SP.
.macro SAVED_RULES
  .cfi_offset x29, -160
  .cfi_offset x30, -152
  .cfi_offset x19, -144
  .cfi_offset x20, -136
  .cfi_offset x21, -128
  .cfi_offset x22, -120
  .cfi_offset x23, -112
  .cfi_offset x24, -104
  .cfi_offset x25, -96
  .cfi_offset x26, -88
  .cfi_offset x27, -80
  .cfi_offset x28, -72
  .cfi_offset b8, -64
  .cfi_offset b9, -56
  .cfi_offset b10, -48
  .cfi_offset b11, -40
  .cfi_offset b12, -32
  .cfi_offset b13, -24
  .cfi_offset b14, -16
  .cfi_offset b15, -8
.endm

.macro SAVE
  sub     sp, sp, #SAVED_BYTES
  .cfi_adjust_cfa_offset SAVED_BYTES
  stp     x29, x30, [sp]
  stp     x19, x20, [sp, #16]
  stp     x21, x22, [sp, #32]
  stp     x23, x24, [sp, #48]
  stp     x25, x26, [sp, #64]
  stp     x27, x28, [sp, #80]
  stp     d8, d9, [sp, #96]
  stp     d10, d11, [sp, #112]
  stp     d12, d13, [sp, #128]
  stp     d14, d15, [sp, #144]
  SAVED_RULES
.endm

.macro LOAD_AND_RETURN
  ldp     x29, x30, [sp]
  ldp     x19, x20, [sp, #16]
  ldp     x21, x22, [sp, #32]
  ldp     x23, x24, [sp, #48]
  ldp     x25, x26, [sp, #64]
  ldp     x27, x28, [sp, #80]
  ldp     d8, d9, [sp, #96]
  ldp     d10, d11, [sp, #112]
  ldp     d12, d13, [sp, #128]
  ldp     d14, d15, [sp, #144]
  add     sp, sp, #SAVED_BYTES
  .cfi_def_cfa_offset 0
  .cfi_restore x29
  .cfi_restore x30
  .cfi_restore x19
  .cfi_restore x20
  .cfi_restore x21
  .cfi_restore x22
  .cfi_restore x23
  .cfi_restore x24
  .cfi_restore x25
  .cfi_restore x26
  .cfi_restore x27
  .cfi_restore x28
  .cfi_restore b8
  .cfi_restore b9
  .cfi_restore b10
  .cfi_restore b11
  .cfi_restore b12
  .cfi_restore b13
  .cfi_restore b14
  .cfi_restore b15
  ret
.endm

#endif
