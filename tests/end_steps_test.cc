// end_steps_test.cc: the end of a goroutine costs the same however many are parked.  (15 of
// history_test.cc; by itself, since x86-64 alone lets a program trace its own instructions.)
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdint>

#include "tests/every_instruction.h"
#include "tests/goroutine.h"

namespace {

// Instructions, counted by the trap flag from one goroutine's last statement to the next one's
// first.  The handler is on the signal stack of the thread.
volatile uint64_t steps;

void CountStep(int, siginfo_t *, void *) { steps = steps + 1; }

// The fewest steps of several ends, with that many goroutines parked.
uint64_t StepsOfAnEnd(int parked) {
  static go_waitgroup never;
  static uint64_t fewest;
  struct sigaction count = {}, old;
  count.sa_sigaction = CountStep;
  count.sa_flags = SA_SIGINFO | SA_ONSTACK;
  if (sigaction(SIGTRAP, &count, &old) != 0) abort();
  fewest = ~uint64_t{0};
  go_config config = SmallStacks("checkpoint");
  EXPECT_EQ(RunFirst(config, [=] {
    go_waitgroup_add(&never, 1);
    for (int i = 0; i < parked; i++)
      if (go_spawn(nullptr, [](void *) { go_waitgroup_wait(&never); }, nullptr) != GO_OK) abort();
    go_yield();
    for (int i = 0; i < 20; i++) {
      steps = 0;
      if (go_spawn(nullptr, [](void *) { Trap(true); }, nullptr) != GO_OK) abort();
      go_yield();
      Trap(false);
      if (steps < fewest) fewest = steps;
    }
  }), GO_OK);
  never = {};
  sigaction(SIGTRAP, &old, nullptr);
  return fewest;
}

TEST(TheEndOfAGoroutine, TakesAsManyStepsWhetherTenOrFiveThousandAreParked) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer takes no signal at its own instructions";
  const uint64_t ten = StepsOfAnEnd(10), many = StepsOfAnEnd(5000);
  EXPECT_GT(ten, 20u);  // a count of nothing would be the same too
  EXPECT_LT(many, ten + 1000);
}

}  // namespace
