// regfile_aarch64.cc: the registers of regfile_cases_aarch64.S.
#include <sys/auxv.h>
#include <sys/prctl.h>

#include "tests/regfile_cases.h"

#ifndef HWCAP_SVE
#define HWCAP_SVE (1 << 22)
#endif

static const char *NoSve() {
  if (!(getauxval(AT_HWCAP) & HWCAP_SVE)) return "this CPU has no SVE";
  const int length = prctl(PR_SVE_GET_VL) & PR_SVE_VL_LEN_MASK;
  return length == 64 ? nullptr : "the vectors of SVE have another length than 64 bytes";
}

const char *const case_general_names[] = {
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
    "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22",
    "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30"};
const unsigned case_ngeneral = 31;
const case_vectors case_kinds_of_vectors[] = {{"V", case_v, 32, 2, nullptr},
                                              {"Z", case_z, 32, 8, NoSve}};
const int case_nkinds_of_vectors = 2;
