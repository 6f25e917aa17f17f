// bti.h: what assembly says for branch target identification (AAELF64, "Program Property"): a
// landing pad where an indirect call may come in, and a note that every file of the link must have
// or the linker turns the protection off for all.
#ifndef STACKLAB_RUNTIME_ARCH_AARCH64_BTI_H_
#define STACKLAB_RUNTIME_ARCH_AARCH64_BTI_H_

// `bti c`, a hint that older CPUs and assemblers do not know by name.
#define RT_LANDING_PAD hint #34

#ifdef __APPLE__
#define RT_PROPERTIES
#else
.macro RT_PROPERTIES
  .section .note.gnu.property,"a",@note
  .p2align 3
  .word   4                 // the name's bytes
  .word   16                // the property's
  .word   5                 // NT_GNU_PROPERTY_TYPE_0
  .asciz  "GNU"
  .word   0xc0000000        // GNU_PROPERTY_AARCH64_FEATURE_1_AND
  .word   4
  .word   1                 // GNU_PROPERTY_AARCH64_FEATURE_1_BTI
  .word   0
.endm
#endif

#endif
