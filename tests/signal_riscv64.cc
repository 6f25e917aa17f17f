// signal_riscv64.cc: RISC-V instructions that fault half-way (signal_test.cc).
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/at_every_byte.h"
#include "tests/goroutine.h"

extern "C" {
typedef uint64_t case_fn(uintptr_t sp);
case_fn case_sd, case_sh, case_fsd, case_ld, case_prologue, case_amoadd, case_reserved,
    case_fill_below, case_biased_base, case_large_frame, case_probe_loop;
}

namespace {

struct Instruction {
  const char *name;
  case_fn *run;
  int reach;  // bytes below SP that it touches
  int step = 1;
};

class AnInstructionThatFaults : public testing::TestWithParam<Instruction> {};

TEST_P(AnInstructionThatFaults, IsRetriedWithTheSameResultAtEveryByte) {
  ExpectRightAtEveryByte(GetParam().run, GetParam().reach, GetParam().step);
}

const Instruction kInstructions[] = {
    {"Sd", case_sd, 8},
    {"Sh", case_sh, 2},
    {"Fsd", case_fsd, 8},
    {"Ld", case_ld, 8},
    {"Prologue", case_prologue, 496, 16},
    {"BiasedBase", case_biased_base, 64, 8},
};

INSTANTIATE_TEST_SUITE_P(Signal, AnInstructionThatFaults, testing::ValuesIn(kInstructions),
                         [](const auto &info) { return std::string(info.param.name); });

// The word that is read lies below the live bytes of the old stack: poison says what it holds.
TEST(AReadModifyWriteThatFaults, HappensOnce) {
  go_config config = SmallStacks();
  config.stack_debug = "poison";
  for (case_fn *run : {case_amoadd, case_reserved}) {
    uint64_t failed = 99;
    const Swept swept = Sweep(0, 1, 1, [&](int) { failed = run(Bounds().lo); }, config);
    EXPECT_EQ(failed, 0u);
    EXPECT_EQ(swept.growths, 1u);
  }
}

// ---- Pointers that leave the stack before SP does ----------------------------------------------

TEST(APointerBelowTheStack, MovesThoughSpIsStillAboveIt) {
  const Swept swept = Sweep(0, 512, 16, [](int k) {
    if (case_fill_below(Bounds().lo + static_cast<uintptr_t>(k))) abort();
  });
  // One growth for the push or the first byte that is filled; none twice.
  EXPECT_EQ(swept.growths, 32u);
}

TEST(AProbeLoop, EndsAtTheEndThatMovedWithIt) {
  std::vector<uint64_t> failed(64, 99);
  const Swept swept = Sweep(0, 64, 16, [&](int k) {
    failed[static_cast<size_t>(k)] = case_probe_loop(Bounds().lo + static_cast<uintptr_t>(k));
  });
  for (size_t k = 0; k < 64; k += 16) EXPECT_EQ(failed[k], 0u) << "at lo + " << k;
  // 8 KiB to 2 MiB by doubling, a page at a time.
  EXPECT_LE(swept.growths, 4u * 8);
}

TEST(AFrameOf64KiB, GrowsAStackOf8KiBOnceAtEveryOffset) {
  std::vector<uint64_t> failed(512, 99);
  const Swept swept = Sweep(0, 512, 16, [&](int k) {
    failed[static_cast<size_t>(k)] = case_large_frame(Bounds().lo + static_cast<uintptr_t>(k));
  });
  for (size_t k = 0; k < 512; k += 16) EXPECT_EQ(failed[k], 0u) << "at lo + " << k;
  EXPECT_EQ(swept.growths, 32u);
}

}  // namespace
