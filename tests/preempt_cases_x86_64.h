// preempt_cases_x86_64.h: the register file of preempt_cases_x86_64.S.
#ifndef STACKLAB_TESTS_PREEMPT_CASES_X86_64_H_
#define STACKLAB_TESTS_PREEMPT_CASES_X86_64_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct preempt_regs {
  uint64_t general[16];  // rax rbx rcx rdx rsi rdi rbp r8-r15; out: rbx less rsp, rcx not set
  uint64_t flags;
  uint32_t mxcsr;
  uint16_t fpucw, pad;
  double st0;
  uint64_t kmask[7];     // k1-k7, 16 bits each
  uint64_t redzone[16];  // in: 15 of them; out: the first 12, below what saves the rest
  unsigned char vector[32][64];
};

void preempt_spin(const struct preempt_regs *in, struct preempt_regs *out, int vectors);
void preempt_clobber(int vectors);

#ifdef __cplusplus
}
#endif
#endif
