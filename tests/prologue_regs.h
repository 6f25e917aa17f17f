// prologue_regs.h: the register file that a checked function gets, x86-64 System V.
#ifndef STACKLAB_TESTS_PROLOGUE_REGS_H_
#define STACKLAB_TESTS_PROLOGUE_REGS_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { PROLOGUE_GENERAL = 13 };  // rax rbx rcx rdx rsi rdi rbp r8 r9 r12-r15

struct prologue_regs {
  uint64_t general[PROLOGUE_GENERAL];
  uint64_t vector[8][4];  // ymm0-7; without AVX, xmm0-7
};

// prologue_call loads the registers from *in and calls a function with a check for `frame` bytes,
// 200 or 3000000, which stores to *out what it finds.  Returns how often it ran.
uint64_t prologue_call(const struct prologue_regs *in, struct prologue_regs *out, int frame,
                       int avx);

#ifdef __cplusplus
}
#endif
#endif
