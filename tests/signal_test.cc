// signal_test.cc: a stack that grows on a fault, at every place where the guard can fall: half-done
// instructions, the red zone, frames that reach far, and plain C.  Registers: regfile_test.cc.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/call_at.h"
#include "tests/goroutine.h"
#include "tests/signal_cases.h"
#include "tests/signal_frames.h"

namespace {

// Runs a case with SP 0, 1, 2, .. bytes above lo; it touches memory down to `reach` below SP, so
// that it grows the stack exactly where SP is closer to lo than that.
void ExpectRightAtEveryByte(case_fn run, int reach, int step = 1,
                            const go_config &config = SmallStacks()) {
  const int end = reach + 64 / step * step;
  std::vector<uint64_t> failed(static_cast<size_t>(end), 99);
  const Swept swept = Sweep(
      0, end, step,
      [&](int k) {
        failed[static_cast<size_t>(k)] = run(Bounds().lo + static_cast<uintptr_t>(k));
      },
      config);
  for (int k = 0; k < end; k += step)
    EXPECT_EQ(failed[static_cast<size_t>(k)], 0u) << "check that failed, at lo + " << k;
  EXPECT_EQ(swept.growths, static_cast<uint64_t>((reach + step - 1) / step));
}

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

// ---- The live range ----------------------------------------------------------------------------

TEST(TheRedZone, IsCopiedAtEveryByte) { ExpectRightAtEveryByte(case_redzone, 128); }

TEST(TheRedZone, IsCopiedToItsLastByte) { ExpectRightAtEveryByte(case_redzone_whole, 192); }

TEST(TheRedZone, HasItsPointersAdjusted) {
  // Words are adjusted where they are aligned, as a compiler aligns them.
  ExpectRightAtEveryByte(case_redzone_pointers, 128, 8);
}

// Below the SP that the last switch saved there are frames too.
TEST(TheLiveRange, BeginsAtTheInterruptedSpNotAtTheSavedOne) {
  uint64_t result = 0;
  const Swept swept = Sweep(0, 1, 1, [&](int) {
    go_yield();  // saves an SP near hi
    result = frame_array(200);
  });
  EXPECT_EQ(result, 15u + 200 * 201 / 2);
  EXPECT_GT(swept.growths, 0u);
}

// ... and where the saved one is the lower, what lies between is dead: it need not be copied, and
// the stack has room.
TEST(TheLiveRange, EndsWhereTheStackHasReturnedTo) {
  uint64_t results[2] = {};
  Sweep(0, 1, 1, [&](int) {
    case_call_at((Bounds().lo + 1024) & ~uintptr_t{15},
                 [](uint64_t) {
                   go_yield();
                   return uint64_t{0};
                 },
                 0);
    results[0] = frame_chain(300);
    results[1] = frame_array(300);
  });
  EXPECT_EQ(results[0], 300u * 301 / 2);
  EXPECT_EQ(results[1], 15u + 300 * 301 / 2);
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

// ---- The new size ------------------------------------------------------------------------------

TEST(AFrameOf64KiB, GrowsAStackOf8KiBOnceAtEveryOffset) {
  std::vector<uint64_t> failed(512, 99);
  const Swept swept = Sweep(0, 512, 8, [&](int k) {
    failed[static_cast<size_t>(k)] = case_large_frame(Bounds().lo + static_cast<uintptr_t>(k));
  });
  for (size_t k = 0; k < 512; k += 8) EXPECT_EQ(failed[k], 0u) << "at lo + " << k;
  EXPECT_EQ(swept.growths, 64u);
}

struct LargeFrame {
  const char *name;
  uint64_t (*fn)(uint64_t);
  uint64_t growths;  // at most: doublings from 8 KiB until it fits
};

class AProbedFrame : public testing::TestWithParam<LargeFrame> {};

TEST_P(AProbedFrame, FitsAfterFewGrowths) {
  std::vector<uint64_t> results(512, 0);
  const Swept swept = Sweep(0, 512, 64, [&](int k) {
    results[static_cast<size_t>(k)] =
        case_call_at(Bounds().lo + 512 + static_cast<uintptr_t>(k), GetParam().fn, 40);
  });
  for (size_t k = 0; k < 512; k += 64) EXPECT_EQ(results[k], 123u) << "at lo + " << 512 + k;
  EXPECT_GE(swept.growths, 8u);
  EXPECT_LE(swept.growths, 8 * GetParam().growths);
}

const LargeFrame kLargeFrames[] = {
    {"Of5Pages", frame_5_pages, 2},
    {"Of64KiB", frame_64k, 4},
    {"Of1MiB", frame_1m, 8},
    {"Of8MiB", frame_8m, 11},
};
INSTANTIATE_TEST_SUITE_P(Signal, AProbedFrame, testing::ValuesIn(kLargeFrames),
                         [](const auto &info) { return std::string(info.param.name); });

TEST(AVariableFrame, FitsWhateverItsSize) {
  for (uint64_t bytes : {5 * 4096, 64 << 10, 1 << 20, 8 << 20}) {
    uint64_t result = 0;
    const Swept swept = Sweep(0, 1, 1, [&](int) {
      result = case_call_at(Bounds().lo + 512, frame_variable, bytes);
    });
    EXPECT_EQ(result, bytes + 1);
    EXPECT_LE(swept.growths, 11u) << bytes;
  }
}

// ---- Plain C -----------------------------------------------------------------------------------

struct Plain {
  const char *name;
  uint64_t (*fn)(uint64_t);
  uint64_t arg;
};

class PlainC : public testing::TestWithParam<Plain> {};

// From a stack with nothing left to one with 4 KiB left.
TEST_P(PlainC, ReturnsTheSameWhereverTheStackRunsOut) {
  const uint64_t expected = GetParam().fn(GetParam().arg);
  std::vector<uint64_t> results(4096, ~expected);
  const Swept swept = Sweep(0, 4096, 16, [&](int k) {
    results[static_cast<size_t>(k)] =
        case_call_at(Bounds().lo + static_cast<uintptr_t>(k), GetParam().fn, GetParam().arg);
  });
  for (size_t k = 0; k < 4096; k += 16) ASSERT_EQ(results[k], expected) << "at lo + " << k;
  EXPECT_GT(swept.growths, 0u);
}

const Plain kPlain[] = {
    {"LeafInTheRedZone", frame_leaf, 7},
    {"CopyOfAStructOfPointers", frame_copy, 1000},
    {"ArrayFilled", frame_fill, 5},
    {"AccumulatorPassedByPointer", frame_accumulate, 100},
    {"ChainOfParents", frame_chain, 100},
    {"ArrayOfEveryFrame", frame_array, 30},
    {"FormattingInEveryFrame", frame_format, 5},
    {"Sort", frame_sort, 3},
    {"LoopToOnePastTheEnd", frame_end_pointer, 3},
};
INSTANTIATE_TEST_SUITE_P(Signal, PlainC, testing::ValuesIn(kPlain),
                         [](const auto &info) { return std::string(info.param.name); });

// ---- The top -----------------------------------------------------------------------------------

// A pointer equal to hi can only be one past the end of something of ours.
TEST(OnePastTheEndPointer, MovesWithAnArrayThatEndsAtHi) {
  uintptr_t end = 0, hi = 0;
  const Swept swept = Sweep(0, 1, 1, [&](int) {
    const volatile uintptr_t kept = Bounds().hi;
    case_push(Bounds().lo);
    end = kept;
    hi = Bounds().hi;
  });
  EXPECT_EQ(swept.growths, 1u);
  EXPECT_EQ(end, hi);
}

TEST(NumbersBesideTheSlot, StayAsTheyAre) {
  uintptr_t above = 0, below = 0, hi = 0;
  Sweep(0, 1, 1, [&](int) {
    hi = Bounds().hi;
    const volatile uintptr_t kept_above = hi + 1, kept_below = hi - (uintptr_t{64} << 20);
    case_push(Bounds().lo);
    above = kept_above;
    below = kept_below;
  });
  EXPECT_EQ(above, hi + 1);
  EXPECT_EQ(below, hi - (uintptr_t{64} << 20));
}

}  // namespace
