// preempt_cases_risc.h: the register file of preempt_cases_aarch64.S and preempt_cases_riscv64.S.
#ifndef STACKLAB_TESTS_PREEMPT_CASES_RISC_H_
#define STACKLAB_TESTS_PREEMPT_CASES_RISC_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct preempt_regs {
  uint64_t general[32];    // by number; what cannot be set is copied
  uint64_t vector[32][2];  // RISC-V: the first word
  uint64_t flags;          // NZCV, or 0
  uint64_t control;        // FPCR, or fcsr
  int64_t pointer;         // out: what points into the stack, from SP
};

// preempt_spin loads everything from *in, spins without changing any of it until preempt_stop is
// set, and stores everything in *out.
void preempt_spin(const struct preempt_regs *in, struct preempt_regs *out);
void preempt_clobber(void);  // what another goroutine may do to registers
extern const uint64_t preempt_flags, preempt_control;  // what flags and control can be

#ifdef __cplusplus
}
#endif
#endif
