// What a memory fault means for a stack, as tables (runtime/stack/fault.h).
#include <gtest/gtest.h>

#include <cstdint>

#include "runtime/stack/fault.h"

namespace {

constexpr size_t kKiB = 1 << 10, kMiB = 1 << 20, kGiB = 1 << 30;
constexpr size_t kMargin = RT_STACK_MARGIN;

TEST(StackNeed, IsTheFirstDoublingThatHoldsTheNeed) {
  const struct {
    size_t size, live, more, max, want;
  } table[] = {
      {8 * kKiB, 0, 0, kGiB, 8 * kKiB},
      {8 * kKiB, 8 * kKiB, 0, kGiB, 8 * kKiB},
      {8 * kKiB, 8 * kKiB, 1, kGiB, 16 * kKiB},
      {8 * kKiB, 1, 8 * kKiB, kGiB, 16 * kKiB},
      {8 * kKiB, 8 * kKiB, 8 * kKiB, kGiB, 16 * kKiB},
      {8 * kKiB, 8 * kKiB, 8 * kKiB + 1, kGiB, 32 * kKiB},
      {8 * kKiB, 8 * kKiB, 100 * kKiB, kGiB, 128 * kKiB},
      {4 * kKiB, 0, kGiB, kGiB, kGiB},
      {4 * kKiB, 1, kGiB, kGiB, 0},
      {4 * kKiB, kGiB, 1, kGiB, 0},
      {kGiB, kGiB, 0, kGiB, kGiB},
      // The last step goes to max, wherever that lies.
      {8 * kKiB, 8 * kKiB, 8 * kKiB, 20 * kKiB, 16 * kKiB},
      {8 * kKiB, 8 * kKiB, 8 * kKiB + 1, 20 * kKiB, 20 * kKiB},
      {8 * kKiB, 8 * kKiB, 12 * kKiB, 20 * kKiB, 20 * kKiB},
      {8 * kKiB, 8 * kKiB, 12 * kKiB + 1, 20 * kKiB, 0},
      {20 * kKiB, 20 * kKiB, 0, 20 * kKiB, 20 * kKiB},
      {8 * kKiB, 0, 8 * kKiB + 1, 8 * kKiB + 16, 8 * kKiB + 16},
      {5, 6, 4, 11, 10},
      // Sums that would overflow.
      {8 * kKiB, SIZE_MAX - 10, 20, SIZE_MAX, 0},
      {8 * kKiB, SIZE_MAX, SIZE_MAX, kGiB, 0},
      {8 * kKiB, 1, SIZE_MAX, kGiB, 0},
      {8 * kKiB, SIZE_MAX, 1, kGiB, 0},
      {8 * kKiB, SIZE_MAX, 1, SIZE_MAX, 0},
      {8 * kKiB, 1, SIZE_MAX - 1, SIZE_MAX, SIZE_MAX},
  };
  for (const auto &t : table)
    EXPECT_EQ(rt_stackneed(t.size, t.live, t.more, t.max), t.want)
        << t.size << ", " << t.live << " live, " << t.more << " more, at most " << t.max;
}

// 8 KiB at the top of a slot of 1 MiB, under a pad of a page.
constexpr uintptr_t kSlot = 0x7f0080000000;
constexpr uintptr_t kHi = kSlot + kMiB - 4096, kLo = kHi - 8 * kKiB;
constexpr rt_stack kStack = {kLo, kHi, kSlot, 0, 0, 1, 64 * kKiB};

struct Decision {
  rt_fault_verdict verdict;
  size_t size;
  uintptr_t lowest;
};

Decision Decide(uintptr_t addr, uintptr_t sp, size_t max = kGiB, size_t redzone = 128) {
  Decision d = {RT_FAULT_FOREIGN, 0, 0};
  d.verdict = rt_faultdecide(&kStack, max, redzone, addr, sp, &d.size, &d.lowest);
  return d;
}

TEST(FaultDecide, AnAddressOutsideTheRoomBelowTheStackIsForeign) {
  for (uintptr_t addr : {uintptr_t{0}, kSlot - 1, kSlot - kMiB, kLo, kLo + 1, kHi - 1, kHi,
                         kHi + 4096, UINTPTR_MAX})
    EXPECT_EQ(Decide(addr, kLo + 64).verdict, RT_FAULT_FOREIGN) << std::hex << addr;
  for (uintptr_t addr : {kSlot, kSlot + 1, kLo - 64 * kKiB, kLo - 4096, kLo - 1})
    EXPECT_EQ(Decide(addr, kLo + 64).verdict, RT_FAULT_GROW) << std::hex << addr;
}

TEST(FaultDecide, AnSpOutsideTheSlotIsForeign) {
  for (uintptr_t sp : {uintptr_t{0}, kSlot - 1, kHi + 1, kHi + 4096, UINTPTR_MAX})
    EXPECT_EQ(Decide(kLo - 8, sp).verdict, RT_FAULT_FOREIGN) << std::hex << sp;
  for (uintptr_t sp : {kSlot, kLo - 8, kLo, kLo + 8, kHi - 8, kHi})
    EXPECT_EQ(Decide(kLo - 8, sp).verdict, RT_FAULT_GROW) << std::hex << sp;
}

TEST(FaultDecide, TheLowestLiveByteIsSpLessTheRedZoneWithinTheSlot) {
  const struct {
    uintptr_t sp;
    size_t redzone;
    uintptr_t want;
  } table[] = {
      {kLo + 8, 128, kLo - 120},   {kLo + 8, 0, kLo + 8},         {kHi, 128, kHi - 128},
      {kHi, 0, kHi},               {kSlot, 128, kSlot},           {kSlot + 127, 128, kSlot},
      {kSlot + 128, 128, kSlot},   {kSlot + 129, 128, kSlot + 1}, {kSlot, 0, kSlot},
      {kLo - 20000, 128, kLo - 20128},
  };
  for (const auto &t : table)
    EXPECT_EQ(Decide(kLo - 8, t.sp, kGiB, t.redzone).lowest, t.want) << std::hex << t.sp;
}

TEST(FaultDecide, TheSizeHoldsTheDeepestByteAndAMargin) {
  const struct {
    uintptr_t addr, sp;
    size_t want;
  } table[] = {
      {kLo - 8, kLo + 8, 16 * kKiB},
      {kLo - 1, kLo, 16 * kKiB},
      // Not twice the old size, but what is needed.
      {kHi - (16 * kKiB - kMargin), kLo, 16 * kKiB},
      {kHi - (16 * kKiB - kMargin) - 1, kLo, 32 * kKiB},
      {kHi - 100 * kKiB, kLo, 128 * kKiB},
      {kSlot, kLo, 1 * kMiB},
      // SP may be what lies deepest.
      {kLo - 8, kHi - 100 * kKiB, 128 * kKiB},
      {kLo - 8, kHi - (16 * kKiB - kMargin) + 128, 16 * kKiB},
      {kLo - 8, kHi - (16 * kKiB - kMargin) + 127, 32 * kKiB},
  };
  for (const auto &t : table) {
    const Decision d = Decide(t.addr, t.sp);
    EXPECT_EQ(d.verdict, RT_FAULT_GROW);
    EXPECT_EQ(d.size, t.want) << std::hex << t.addr << ", sp " << t.sp;
  }
}

TEST(FaultDecide, AtItsLimitTheStackOverflowsAndTheNeedIsTold) {
  const struct {
    uintptr_t addr;
    size_t max;
    rt_fault_verdict verdict;
    size_t size;
  } table[] = {
      {kLo - 8, 8 * kKiB, RT_FAULT_OVERFLOW, 8 * kKiB + 128 + kMargin},
      {kLo - 1000, 8 * kKiB, RT_FAULT_OVERFLOW, 8 * kKiB + 1000 + kMargin},
      {kLo - 1000, 9 * kKiB, RT_FAULT_OVERFLOW, 8 * kKiB + 1000 + kMargin},
      {kLo - 1000, 8 * kKiB + 1000 + kMargin, RT_FAULT_GROW, 8 * kKiB + 1000 + kMargin},
      {kLo - 1000, 8 * kKiB + 999 + kMargin, RT_FAULT_OVERFLOW, 8 * kKiB + 1000 + kMargin},
      {kLo - 8, 12 * kKiB, RT_FAULT_GROW, 12 * kKiB},
      {kSlot, 512 * kKiB, RT_FAULT_OVERFLOW, kHi - kSlot + kMargin},
  };
  for (const auto &t : table) {
    const Decision d = Decide(t.addr, kLo, t.max);
    EXPECT_EQ(d.verdict, t.verdict) << kLo - t.addr << " below lo, at most " << t.max;
    EXPECT_EQ(d.size, t.size) << kLo - t.addr << " below lo, at most " << t.max;
  }
}

}  // namespace
