// history_test.cc: the bugs that the original had, by its own history, as what must hold here.
//
//    1 stale live range            signal_test, TheLiveRange
//    2 only SP patched             regfile_test; below
//    3 double decrement            signal_test, Push, Call, Enter; below
//    4 mutex in the handler        fault_handler_test, MayFaultItselfIfItHasNodefer
//    5 raise() in the handler      fault_handler_test, AFaultElsewhere
//    6 lost wake-up in stopm       below
//    9 frames of tens of KiB       below
//   10 a 64 KiB frame to 1 GiB     signal_test, AFrameOf64KiB
//   11 WaitGroup on a grown stack  below
//   12 data taken for pointers     signal_test, NumbersBesideTheSlot; below
//   13 SIGBUS                      fault_handler_test, GetsSigbusToo
//   14 checkpoint and registers    switch_test, ACheckpoint; below
//   15 exit searched all           end_steps_test
//
// 7, 8 and 16 were of asynchronous preemption.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <glob.h>
#include <netdb.h>
#include <pwd.h>
#include <string>
#include <vector>

#include "tests/call_at.h"
#include "tests/goroutine.h"
#include "tests/signal_frames.h"

namespace {

// Spawns n goroutines of fn and waits for all.
void RunMany(const go_config &config, int n, void (*fn)(void *)) {
  static go_waitgroup done;
  static void (*body)(void *);
  body = fn;
  const go_spawn_options options = {config.growth, config.stack_initial, config.stack_max};
  go_config first = config;
  first.growth = "reserve";
  ASSERT_EQ(RunFirst(first, [&] {
    go_waitgroup_add(&done, n);
    for (int i = 0; i < n; i++)
      if (go_spawn(&options,
                   [](void *arg) {
                     body(arg);
                     go_waitgroup_done(&done);
                   },
                   reinterpret_cast<void *>(static_cast<uintptr_t>(i))) != GO_OK)
        abort();
    go_waitgroup_wait(&done);
  }), GO_OK);
}

go_config TwoProcs(const char *growth = "signal") {
  go_config config = SmallStacks(growth);
  config.maxprocs = 2;
  return config;
}

std::atomic<int> right;

// ---- 2, 3, 12: all of 100, of 200, of 20,000 ---------------------------------------------------

TEST(AHundredGoroutines, AllGrowAndAllAreRight) {
  right = 0;
  RunMany(TwoProcs(), 100, [](void *arg) {
    const uint64_t n = 200 + reinterpret_cast<uintptr_t>(arg);
    right += frame_array(n) == 15 + n * (n + 1) / 2 && frame_chain(n) == n * (n + 1) / 2 &&
             frame_accumulate(n) == n * (n + 1) / 2 + n + 1;
  });
  EXPECT_EQ(right, 100);
}

#if __has_feature(address_sanitizer)
enum { kAddressSanitizer = true };
#else
enum { kAddressSanitizer = false };
#endif

// How many of 200 are right after they have formatted strings in a recursion.
int Formatted(const go_config &config) {
  static uint64_t expected;
  expected = frame_format(40);
  right = 0;
  RunMany(config, 200, [](void *) {
    go_yield();
    right += frame_format(40) == expected;
  });
  return right;
}

TEST(TwoHundredGoroutines, FormatStringsInARecursion) { EXPECT_EQ(Formatted(TwoProcs()), 200); }

// The stack that they grow to is as large as they may have: the limit lies within a page.
TEST(TwoHundredGoroutines, FormatStringsOnStacksOfAnOddSize) {
  if (kAddressSanitizer) GTEST_SKIP() << "its frames are too large for that limit";
  go_config config = TwoProcs();
  config.stack_max = (12 << 10) + 16;
  EXPECT_EQ(Formatted(config), 200);
}

// Words that are no pointers: the low halves of what programs count and hash.
TEST(TwentyThousandGoroutines, KeepTheirNumbersWhileTheyGrow) {
  right = 0;
  const uint64_t before = Stats().growths_by_fault;
  RunMany(TwoProcs(), 20000, [](void *arg) {
    const uint64_t seed = reinterpret_cast<uintptr_t>(arg) + 1;
    volatile uint64_t words[64];
    for (uint64_t i = 0; i < 64; i++) words[i] = seed * (i + 1) * 0x9e3779b97f4a7c15;
    go_yield();
    case_touch(Bounds().lo);
    bool same = true;
    for (uint64_t i = 0; i < 64; i++) same &= words[i] == seed * (i + 1) * 0x9e3779b97f4a7c15;
    right += same;
  });
  EXPECT_EQ(right, 20000);
  EXPECT_EQ(Stats().growths_by_fault - before, 20000u);
}

// ---- 6: hand-overs between threads that go idle ------------------------------------------------

// In each round eight goroutines are readied at once, threads wake to steal them, and all but one
// thread go idle again at the end.  A wake-up that is lost ends the process as a deadlock.
TEST(AWakeUp, IsNeverLost) {
  enum { kRounds = 3000, kWorkers = 8 };
  static go_waitgroup start[2], finished;  // of even and odd rounds
  static std::atomic<int> ran;
  ran = 0;
  go_config config = TwoProcs("reserve");
  config.maxprocs = 4;
  config.stack_reserve = 1 << 20;
  ASSERT_EQ(RunFirst(config, [] {
    go_waitgroup_add(&start[0], 1);
    for (int w = 0; w < kWorkers; w++)
      go_spawn(nullptr,
               [](void *) {
                 for (int i = 0; i < kRounds; i++) {
                   go_waitgroup_wait(&start[i % 2]);
                   for (volatile int spin = 0; spin < 1000; spin = spin + 1) continue;
                   ran++;
                   go_waitgroup_done(&finished);
                 }
               },
               nullptr);
    for (int i = 0; i < kRounds; i++) {
      go_waitgroup_add(&finished, kWorkers);
      go_waitgroup_add(&start[(i + 1) % 2], 1);
      go_waitgroup_done(&start[i % 2]);
      go_waitgroup_wait(&finished);
    }
  }), GO_OK);
  start[kRounds % 2] = {};
  EXPECT_EQ(ran, kRounds * kWorkers);
}

// What a goroutine spawns while it never parks must run on another thread, which is at any point of
// going idle, round after round.  One that is forgotten is waited for until the test's timeout.
TEST(AWakeUp, BringsAThreadToWorkThatItsMakerDoesNotReach) {
  static std::atomic<int> ran;
  ran = 0;
  go_config config = TwoProcs("reserve");
  config.stack_reserve = 1 << 20;
  ASSERT_EQ(RunFirst(config, [] {
    for (int round = 1; round <= 60000; round++) {
      if (go_spawn(nullptr, [](void *) { ran++; }, nullptr) != GO_OK) abort();
      while (ran != round) continue;
      for (volatile int gap = 0; gap < round * 7 % 1500; gap = gap + 1) continue;
    }
  }), GO_OK);
  EXPECT_EQ(ran, 60000);
}

// ---- 9: library functions with frames of tens of KiB -------------------------------------------

uint64_t CallLibrary(uint64_t) {
  uint64_t good = 0;
  addrinfo hints = {};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo *info = nullptr;
  good += getaddrinfo("127.0.0.1", "80", &hints, &info) == 0;
  if (info) freeaddrinfo(info);
  good += getpwnam("root") != nullptr;
  char *path = realpath("/proc/self/../self/fd", nullptr);
  good += path != nullptr;
  free(path);
  glob_t found = {};
  good += glob("/proc/self/f*", 0, nullptr, &found) == 0;
  globfree(&found);
  char text[64];
  good += snprintf(text, sizeof text, "%.30Lf", 1.0L / 3) == 32;
  good += strtod("1.5e10", nullptr) == 1.5e10;
  return good;
}

TEST(LibraryFunctionsWithLargeFrames, WorkWhereverTheStackRunsOut) {
  const uint64_t expected = CallLibrary(0);
  std::vector<uint64_t> results(2048, 99);
  const Swept swept = Sweep(0, 2048, 64, [&](int k) {
    results[static_cast<size_t>(k)] =
        case_call_at(Bounds().lo + 256 + static_cast<uintptr_t>(k), CallLibrary, 0);
  });
  for (size_t k = 0; k < results.size(); k += 64) ASSERT_EQ(results[k], expected) << k;
  EXPECT_GT(swept.growths, 0u);
}

// ---- 11: what would lie on a stack that moves is refused ---------------------------------------

TEST(AWaitGroup, OnAMovingStackIsRefused) {
  for (int i = 0; const char *growth = go_growth_name(i); i++) {
    int add = 1, done = 1, wait = 1;
    ASSERT_EQ(RunFirst(SmallStacks(growth), [&] {
      go_waitgroup local = {};
      add = go_waitgroup_add(&local, 1);
      done = go_waitgroup_done(&local);
      wait = go_waitgroup_wait(&local);
    }), GO_OK);
    const int expected = go_growth_moves(growth) ? GO_EMOVES : GO_OK;
    EXPECT_EQ(add, expected) << growth;
    EXPECT_EQ(done, expected) << growth;
    EXPECT_EQ(wait, expected) << growth;
  }
}

TEST(AnArrayOfTheParent, IsNotPassedToAChildFromAMovingStack) {
  for (int i = 0; const char *growth = go_growth_name(i); i++) {
    int on_stack = 1, at_hi = 1, elsewhere = 1;
    ASSERT_EQ(RunFirst(SmallStacks(growth), [&] {
      const auto nothing = [](void *) {};
      int local[4] = {};
      on_stack = go_spawn(nullptr, nothing, local);
      at_hi = go_spawn(nullptr, nothing, reinterpret_cast<void *>(Bounds().hi));
      elsewhere = go_spawn(nullptr, nothing, &right);
    }), GO_OK);
    const int expected = go_growth_moves(growth) ? GO_EMOVES : GO_OK;
    EXPECT_EQ(on_stack, expected) << growth;
    EXPECT_EQ(at_hi, expected) << growth;
    EXPECT_EQ(elsewhere, GO_OK) << growth;
  }
}

// ---- 14: registers that hold pointers over a checkpoint, in code as a compiler makes it --------

TEST(ACheckpointOrAYield, MovesWhatTheCompilerKeptInRegisters) {
  for (const char *growth : {"checkpoint", "signal+checkpoint"}) {
    go_config config = TwoProcs(growth);
    config.stack_debug = "forcemove";
    right = 0;
    RunMany(config, 100, [](void *arg) {
      uint64_t a = reinterpret_cast<uintptr_t>(arg), b = a + 1, c = a + 2, d = a + 3;
      uint64_t *pa = &a, *pb = &b, *pc = &c, *pd = &d;  // opaque to the compiler: not made anew
      for (int i = 0; i < 10; i++) {
        asm volatile("" : "+r"(pa), "+r"(pb), "+r"(pc), "+r"(pd) : : "memory");
        if (i % 2) {
          if (go_checkpoint(static_cast<size_t>(i) * 2000) != GO_OK) abort();
        } else {
          go_yield();
        }
        asm volatile("" : "+r"(pa), "+r"(pb), "+r"(pc), "+r"(pd) : : "memory");
        ++*pa, ++*pb, ++*pc, ++*pd;
      }
      const uint64_t n = reinterpret_cast<uintptr_t>(arg) + 10;
      right += a == n && b == n + 1 && c == n + 2 && d == n + 3;
    });
    EXPECT_EQ(right, 100) << growth;
  }
}

}  // namespace
