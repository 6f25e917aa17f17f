// regfile_aarch64.cc: the registers of regfile_cases_aarch64.S.
#include "tests/regfile_cases.h"

const char *const case_general_names[] = {
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
    "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22",
    "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30"};
const unsigned case_ngeneral = 31;
const case_vectors case_kinds_of_vectors[] = {{"V", case_v, 32, 2, nullptr}};
const int case_nkinds_of_vectors = 1;
