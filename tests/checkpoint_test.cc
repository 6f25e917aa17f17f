// Growth where a goroutine goes on: a stack whose frame has skipped its guard.
#include <gtest/gtest.h>

#include "tests/call_at.h"
#include "tests/goroutine.h"

namespace {

constexpr size_t kKiB = 1024;

// At an SP far below the guard, as a frame without probes leaves it; the frame moves.
uint64_t Skipped(uint64_t out) {
  volatile char frame[1000];
  for (size_t i = 0; i < sizeof frame; i++) frame[i] = static_cast<char>(i);
  go_yield();
  *reinterpret_cast<struct go_stack_bounds *>(out) = Bounds();
  uint64_t wrong = 0;
  for (size_t i = 0; i < sizeof frame; i++) wrong += frame[i] != static_cast<char>(i);
  return wrong;
}

TEST(AFrameThatSkipsTheGuard, HasTheStackGrowAtTheNextResume) {
  if (!GuardIsSkipped()) GTEST_SKIP() << "below a guard of mprotect nothing is accessible";
  for (const char *growth : Growths([](const rt_growth &row) {
         return row.resume == rt_growatresume;
       })) {
    static struct go_stack_bounds then;
    static uint64_t wrong;
    then = {};
    wrong = 1;
    Sweep(0, 1, 1, [](int) {
      wrong = case_call_at(Bounds().hi - 100 * kKiB, Skipped, reinterpret_cast<uint64_t>(&then));
    }, SmallStacks(growth));
    EXPECT_EQ(wrong, 0u) << growth;
    EXPECT_EQ(then.hi - then.lo, 128 * kKiB) << growth;
  }
}

}  // namespace
