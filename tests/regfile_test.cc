// regfile_test.cc: every register that holds a pointer into the stack when an instruction faults
// holds it afterwards, moved; every register that holds something else holds that.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "tests/goroutine.h"
#include "tests/signal_cases.h"

namespace {

const char *const kNames[CASE_GENERAL] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8",
                                          "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

// The bounds before and after the fault of one case.
struct Moved {
  uintptr_t lo, hi, new_hi;
};

// Runs a case that stores below SP = lo, in words made by fill(bounds).
template <typename Fill>
Moved Fault(void (*run)(uintptr_t), const Fill &fill) {
  Moved m = {};
  const Swept swept = Sweep(0, 1, 1, [&](int) {
    m.lo = Bounds().lo;
    m.hi = Bounds().hi;
    fill(m);
    run(m.lo);
    m.new_hi = Bounds().hi;
  });
  EXPECT_EQ(swept.growths, 1u);
  return m;
}

TEST(GeneralRegisters, AllMoveWithTheStackTheyPointInto) {
  const Moved m = Fault(case_general, [](const Moved &b) {
    for (uintptr_t i = 0; i < CASE_GENERAL; i++) case_general_in[i] = b.lo + 8 + i * 100;
  });
  for (int i = 0; i < CASE_GENERAL; i++)
    EXPECT_EQ(case_general_out[i], case_general_in[i] + m.new_hi - m.hi) << kNames[i];
}

TEST(GeneralRegisters, MoveFromHiDownToFarBelowTheStack) {
  const Moved m = Fault(case_general, [](const Moved &b) {
    const uintptr_t slot_lo = b.hi + 4096 - (uintptr_t{64} << 20);
    for (uintptr_t i = 0; i < CASE_GENERAL; i++)
      case_general_in[i] = i % 3 == 0 ? b.hi : i % 3 == 1 ? b.lo - 1000000 : slot_lo;
  });
  for (int i = 0; i < CASE_GENERAL; i++)
    EXPECT_EQ(case_general_out[i], case_general_in[i] + m.new_hi - m.hi) << kNames[i];
}

TEST(GeneralRegisters, StayWhereTheyPointElsewhere) {
  Fault(case_general, [](const Moved &b) {
    const uintptr_t slot_lo = b.hi + 4096 - (uintptr_t{64} << 20);
    const uint64_t values[] = {b.hi + 1, slot_lo - 1, 0, ~uint64_t{0}, b.lo << 16, b.lo >> 1};
    for (size_t i = 0; i < CASE_GENERAL; i++) case_general_in[i] = values[i % 6];
  });
  for (int i = 0; i < CASE_GENERAL; i++)
    EXPECT_EQ(case_general_out[i], case_general_in[i]) << kNames[i];
}

class AStoreThrough : public testing::TestWithParam<int> {};

TEST_P(AStoreThrough, ArrivesOnTheNewStack) {
  uint64_t failed = 99;
  const Swept swept = Sweep(0, 72, 8, [&](int k) {
    failed = case_store_through(Bounds().lo + static_cast<uintptr_t>(k), GetParam());
    if (failed) abort();
  });
  EXPECT_EQ(failed, 0u);
  EXPECT_EQ(swept.growths, 8u);
}

INSTANTIATE_TEST_SUITE_P(EachRegister, AStoreThrough, testing::Range(0, int{CASE_GENERAL}),
                         [](const auto &info) { return std::string(kNames[info.param]); });

// ---- Vectors -----------------------------------------------------------------------------------

// Pointers in some lanes, other words in the rest, no two alike.
void FillVectors(const Moved &b) {
  for (uint64_t v = 0; v < CASE_VECTORS; v++)
    for (uint64_t lane = 0; lane < 8; lane++)
      case_vector_in[v][lane] =
          (v + lane) % 3 == 2 ? ~(v * 8 + lane) : b.lo + 16 + (v * 8 + lane) * 8;
}

void ExpectVectorsMoved(const Moved &m, int vectors, int lanes) {
  for (int v = 0; v < vectors; v++)
    for (int lane = 0; lane < lanes; lane++) {
      const uint64_t in = case_vector_in[v][lane];
      const uint64_t delta = (v + lane) % 3 == 2 ? 0 : m.new_hi - m.hi;
      EXPECT_EQ(case_vector_out[v][lane], in + delta) << "vector " << v << ", lane " << lane;
    }
}

TEST(VectorRegisters, MoveLaneByLaneXmm) {
  const Moved m = Fault(case_xmm, FillVectors);
  ExpectVectorsMoved(m, 16, 2);
}

TEST(VectorRegisters, MoveLaneByLaneYmm) {
  if (!__builtin_cpu_supports("avx")) GTEST_SKIP() << "this CPU has no AVX";
  const Moved m = Fault(case_ymm, FillVectors);
  ExpectVectorsMoved(m, 16, 4);
}

TEST(VectorRegisters, MoveLaneByLaneZmm) {
  if (!__builtin_cpu_supports("avx512f")) GTEST_SKIP() << "this CPU has no AVX-512";
  const Moved m = Fault(case_zmm, FillVectors);
  ExpectVectorsMoved(m, 32, 8);
}

}  // namespace
