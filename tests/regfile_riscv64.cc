// regfile_riscv64.cc: the registers of regfile_cases_riscv64.S.
#include "tests/regfile_cases.h"

const char *const case_general_names[] = {
    "ra", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
    "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11",
    "t3", "t4", "t5", "t6"};
const unsigned case_ngeneral = 28;
const case_vectors case_kinds_of_vectors[] = {{"F", case_f, 32, 1, nullptr}};
const int case_nkinds_of_vectors = 1;
