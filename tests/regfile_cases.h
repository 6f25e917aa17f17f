// regfile_cases.h: register files full of a test's words while a store faults; one
// regfile_cases_<cpu>.S and regfile_<cpu>.cc each.
#ifndef STACKLAB_TESTS_REGFILE_CASES_H_
#define STACKLAB_TESTS_REGFILE_CASES_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CASE_GENERAL_MOST = 31, CASE_VECTORS = 32 };

// What registers hold when a store faults, and after it; only the first case_ngeneral are used.
extern const char *const case_general_names[];
extern const unsigned case_ngeneral;
extern uint64_t case_general_in[CASE_GENERAL_MOST], case_general_out[CASE_GENERAL_MOST];
extern uint64_t case_vector_in[CASE_VECTORS][8], case_vector_out[CASE_VECTORS][8];

// case_general loads the registers from _in, stores below SP = sp, saves them to _out.
void case_general(uintptr_t sp);
// case_store_through stores through register i, which holds sp - 64; 0 if the word arrived.
uint64_t case_store_through(uintptr_t sp, unsigned i);

// The same as case_general for the first `vectors` vector registers, of so many words each.
struct case_vectors {
  const char *name;
  void (*run)(uintptr_t sp);
  int vectors, lanes;
  const char *(*missing)(void);  // why it cannot run here, or NULL; NULL: it always can
};
extern const struct case_vectors case_kinds_of_vectors[];
extern const int case_nkinds_of_vectors;

void case_xmm(uintptr_t sp), case_ymm(uintptr_t sp), case_zmm(uintptr_t sp);  // x86-64
void case_v(uintptr_t sp), case_z(uintptr_t sp);                              // AArch64
void case_f(uintptr_t sp);                                                    // RISC-V

#ifdef __cplusplus
}
#endif
#endif
