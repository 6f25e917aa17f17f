// signal_x86_64.cc: x86-64 instructions that fault half-way, and the red zone (signal_test.cc).
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/at_every_byte.h"
#include "tests/goroutine.h"
#include "tests/signal_cases.h"

namespace {

// ---- Instructions that fault half-way ----------------------------------------------------------

struct Instruction {
  const char *name;
  case_fn run;
  int reach;  // bytes below SP that it touches
  int step = 1;
};

class AnInstructionThatFaults : public testing::TestWithParam<Instruction> {};

TEST_P(AnInstructionThatFaults, IsRetriedWithTheSameResultAtEveryByte) {
  ExpectRightAtEveryByte(GetParam().run, GetParam().reach, GetParam().step);
}

const Instruction kInstructions[] = {
    {"Push", case_push, 8},
    {"PushMemory", case_push_memory, 8},
    {"PushSp", case_push_sp, 8},
    {"PushWord", case_push_word, 2},
    {"PushFlags", case_pushf, 8},
    {"PopMemory", case_pop_memory, 24},
    {"Call", case_call, 8},
    {"CallRegister", case_call_register, 8},
    {"CallMemory", case_call_memory, 8},
    {"CallMemoryBelow", case_call_memory_below, 24},
    {"Enter", case_enter, 56},
    {"EnterNested", case_enter_nested, 80},
    {"MovsbUp", case_movsb, 120},
    {"MovsbDown", case_movsb_down, 120},
    {"MovsqUp", case_movsq, 120},
    {"MovsqDown", case_movsq_down, 120},
    {"MovsbOnTheStack", case_movsb_on_stack, 120},
    {"StosbUp", case_stosb, 120},
    {"StosbDown", case_stosb_down, 120},
    {"StosqUp", case_stosq, 120},
    {"StosqDown", case_stosq_down, 120},
    {"Cmpxchg16b", case_cmpxchg16b, 48, 16},
    {"Xchg", case_xchg, 48, 8},
    {"Fxsave", case_fxsave, 512, 16},
    {"Xsave", case_xsave, 1024, 64},
    {"Store", case_store, 8},
    {"Load", case_load, 8},
    {"StoreXmm", case_store_xmm, 16},
};

INSTANTIATE_TEST_SUITE_P(Signal, AnInstructionThatFaults, testing::ValuesIn(kInstructions),
                         [](const auto &info) { return std::string(info.param.name); });

TEST(AVectorStoreThatStraddlesTheGuard, IsRetriedYmm) {
  if (!__builtin_cpu_supports("avx")) GTEST_SKIP() << "this CPU has no AVX";
  ExpectRightAtEveryByte(case_store_ymm, 32);
}

TEST(AVectorStoreThatStraddlesTheGuard, IsRetriedZmm) {
  if (!__builtin_cpu_supports("avx512f")) GTEST_SKIP() << "this CPU has no AVX-512";
  ExpectRightAtEveryByte(case_store_zmm, 64);
}

// A scatter that faults has written some lanes and says so in its mask; the others' addresses are
// in a vector register.
TEST(AScatterThatFaults, WritesEachLaneToTheNewStack) {
  if (!__builtin_cpu_supports("avx512dq")) GTEST_SKIP() << "this CPU has no AVX-512DQ";
  ExpectRightAtEveryByte(case_scatter, 80);
}

// The word that is read lies below the live bytes of the old stack: poison says what it holds.
TEST(AReadModifyWriteThatFaults, HappensOnce) {
  go_config config = SmallStacks();
  config.stack_debug = "poison";
  for (case_fn run : {case_add, case_xadd}) {
    uint64_t failed = 99;
    const Swept swept = Sweep(0, 1, 1, [&](int) { failed = run(Bounds().lo); }, config);
    EXPECT_EQ(failed, 0u);
    EXPECT_EQ(swept.growths, 1u);
  }
}

// ---- The red zone ------------------------------------------------------------------------------

TEST(TheRedZone, IsCopiedAtEveryByte) { ExpectRightAtEveryByte(case_redzone, 128); }

TEST(TheRedZone, IsCopiedToItsLastByte) { ExpectRightAtEveryByte(case_redzone_whole, 192); }

TEST(TheRedZone, HasItsPointersAdjusted) {
  // Words are adjusted where they are aligned, as a compiler aligns them.
  ExpectRightAtEveryByte(case_redzone_pointers, 128, 8);
}

// ---- Pointers that leave the stack before SP does ----------------------------------------------

TEST(APointerBelowTheStack, MovesThoughSpIsStillAboveIt) {
  const Swept swept = Sweep(0, 512, 8, [](int k) {
    if (case_fill_below(Bounds().lo + static_cast<uintptr_t>(k))) abort();
  });
  // One growth for the push or the first byte that is filled; none twice.
  EXPECT_EQ(swept.growths, 64u);
}

TEST(ABaseFarBelowItsArray, MovesWithIt) {
  ExpectRightAtEveryByte(case_biased_base, 64, 8);
}

TEST(AProbeLoop, EndsAtTheEndThatMovedWithIt) {
  std::vector<uint64_t> failed(64, 99);
  const Swept swept = Sweep(0, 64, 8, [&](int k) {
    failed[static_cast<size_t>(k)] = case_probe_loop(Bounds().lo + static_cast<uintptr_t>(k));
  });
  for (size_t k = 0; k < 64; k += 8) EXPECT_EQ(failed[k], 0u) << "at lo + " << k;
  // 8 KiB to 2 MiB by doubling, a page at a time.
  EXPECT_LE(swept.growths, 8u * 8);
}

TEST(AFrameOf64KiB, GrowsAStackOf8KiBOnceAtEveryOffset) {
  std::vector<uint64_t> failed(512, 99);
  const Swept swept = Sweep(0, 512, 8, [&](int k) {
    failed[static_cast<size_t>(k)] = case_large_frame(Bounds().lo + static_cast<uintptr_t>(k));
  });
  for (size_t k = 0; k < 512; k += 8) EXPECT_EQ(failed[k], 0u) << "at lo + " << k;
  EXPECT_EQ(swept.growths, 64u);
}

}  // namespace
