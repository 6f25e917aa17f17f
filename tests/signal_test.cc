// signal_test.cc: a stack that grows on a fault, at every place where the guard can fall: frames
// that reach far, and plain C.  Half-done instructions: signal_<cpu>.cc, one for each CPU; what
// lies in registers: regfile_test.cc.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/call_at.h"
#include "tests/goroutine.h"
#include "tests/signal_frames.h"

namespace {

// ---- The live range ----------------------------------------------------------------------------

// Below the SP that the last switch saved there are frames too.
TEST(TheLiveRange, BeginsAtTheInterruptedSpNotAtTheSavedOne) {
  const uint64_t depth = 200 * (WholePages(8192) / 8192);
  uint64_t result = 0;
  const Swept swept = Sweep(0, 1, 1, [&](int) {
    go_yield();  // saves an SP near hi
    result = frame_array(depth);
  });
  EXPECT_EQ(result, 15u + depth * (depth + 1) / 2);
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

// ---- The new size ------------------------------------------------------------------------------

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
    case_touch(Bounds().lo);
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
    case_touch(Bounds().lo);
    above = kept_above;
    below = kept_below;
  });
  EXPECT_EQ(above, hi + 1);
  EXPECT_EQ(below, hi - (uintptr_t{64} << 20));
}

}  // namespace
