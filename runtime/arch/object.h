// object.h: how assembly names and places functions, which ELF and Mach-O write differently.
#ifndef STACKLAB_RUNTIME_ARCH_OBJECT_H_
#define STACKLAB_RUNTIME_ARCH_OBJECT_H_

// FUNCTION begins a function that others may call; END, after it, gives its size to ELF.
#ifdef __APPLE__

#define RT_NAME(name) _##name
#define RT_TEXT .section __TEXT,rt_text,regular,pure_instructions
#define RT_NO_EXECUTABLE_STACK

.macro FUNCTION name
  .globl  _\name
  .p2align 4
_\name:
.endm

.macro END name
.endm

#else

#define RT_NAME(name) name
#define RT_TEXT .section rt_text,"ax",@progbits
#define RT_NO_EXECUTABLE_STACK .section .note.GNU-stack,"",@progbits

.macro FUNCTION name
  .globl  \name
  .type   \name, @function
  .p2align 4
\name:
.endm

.macro END name
  .size   \name, .-\name
.endm

#endif
#endif
