// regfile_aarch64.cc: the registers of regfile_cases_aarch64.S.
#include <gtest/gtest.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

#include <cstdint>
#include <cstring>

extern "C" {
#include "runtime/arch/arch.h"
}
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

namespace {

// Records as the kernel lays them (arch/arm64/include/uapi/asm/sigcontext.h): magic, size, a
// vector's length, and of SVE flags.
struct Record {
  uint32_t magic, size;
  uint16_t length, flags;
  unsigned char rest[52];
};

bool Savable(Record first) {
  alignas(16) Record records[2] = {first, {}};
  rt_regfile regs = {};
  regs.vector = reinterpret_cast<unsigned char *>(records);
  regs.vector_bytes = sizeof records;
  return rt_regfile_savable(&regs);
}

TEST(RegFile, WhatAFunctionCannotRunWithIsNotSavable) {
  constexpr uint32_t kSve = 0x53564501, kZa = 0x54366345, kExtra = 0x45585401;
  EXPECT_TRUE(Savable({kSve, 64, 16, 0, {}}));
  EXPECT_FALSE(Savable({kSve, 64, 16, 1, {}})) << "the streaming mode";
  EXPECT_TRUE(Savable({kZa, 16, 16, 0, {}}));
  EXPECT_FALSE(Savable({kZa, 64, 16, 0, {}}));
  EXPECT_FALSE(Savable({kExtra, 32, 0, 0, {}}));
}

}  // namespace
