// regfile_test.cc: every register that holds a pointer into the stack when an instruction faults
// holds it afterwards, moved; every register that holds something else holds that.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "tests/goroutine.h"
#include "tests/regfile_cases.h"

namespace {

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

// Where the slot begins that hi lies in.
uintptr_t SlotLo(const Moved &b) { return b.hi / RT_STACK_REACH * RT_STACK_REACH; }

TEST(GeneralRegisters, AllMoveWithTheStackTheyPointInto) {
  const Moved m = Fault(case_general, [](const Moved &b) {
    for (unsigned i = 0; i < case_ngeneral; i++) case_general_in[i] = b.lo + 8 + i * 100;
  });
  for (unsigned i = 0; i < case_ngeneral; i++)
    EXPECT_EQ(case_general_out[i], case_general_in[i] + m.new_hi - m.hi) << case_general_names[i];
}

TEST(GeneralRegisters, MoveFromHiDownToFarBelowTheStack) {
  const Moved m = Fault(case_general, [](const Moved &b) {
    const uintptr_t slot_lo = SlotLo(b);
    for (unsigned i = 0; i < case_ngeneral; i++)
      case_general_in[i] = i % 3 == 0 ? b.hi : i % 3 == 1 ? b.lo - 1000000 : slot_lo;
  });
  for (unsigned i = 0; i < case_ngeneral; i++)
    EXPECT_EQ(case_general_out[i], case_general_in[i] + m.new_hi - m.hi) << case_general_names[i];
}

TEST(GeneralRegisters, StayWhereTheyPointElsewhere) {
  Fault(case_general, [](const Moved &b) {
    const uintptr_t slot_lo = SlotLo(b);
    const uint64_t values[] = {b.hi + 1, slot_lo - 1, 0, ~uint64_t{0}, b.lo << 16, b.lo >> 1};
    for (unsigned i = 0; i < case_ngeneral; i++) case_general_in[i] = values[i % 6];
  });
  for (unsigned i = 0; i < case_ngeneral; i++)
    EXPECT_EQ(case_general_out[i], case_general_in[i]) << case_general_names[i];
}

class AStoreThrough : public testing::TestWithParam<unsigned> {};

TEST_P(AStoreThrough, ArrivesOnTheNewStack) {
  uint64_t failed = 99;
  const Swept swept = Sweep(0, 72, 8, [&](int k) {
    failed = case_store_through(Bounds().lo + static_cast<uintptr_t>(k), GetParam());
    if (failed) abort();
  });
  EXPECT_EQ(failed, 0u);
  EXPECT_EQ(swept.growths, 8u);
}

INSTANTIATE_TEST_SUITE_P(EachRegister, AStoreThrough, testing::Range(0u, case_ngeneral),
                         [](const auto &info) {
                           return std::string(case_general_names[info.param]);
                         });

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

class VectorRegisters : public testing::TestWithParam<case_vectors> {};

TEST_P(VectorRegisters, MoveLaneByLane) {
  const case_vectors &v = GetParam();
  if (v.missing && v.missing()) GTEST_SKIP() << v.missing();
  const Moved m = Fault(v.run, FillVectors);
  ExpectVectorsMoved(m, v.vectors, v.lanes);
}

INSTANTIATE_TEST_SUITE_P(Each, VectorRegisters,
                         testing::ValuesIn(case_kinds_of_vectors,
                                           case_kinds_of_vectors + case_nkinds_of_vectors),
                         [](const auto &info) { return std::string(info.param.name); });

}  // namespace
