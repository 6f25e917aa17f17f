// stack_debug_test.cc: GO_STACKDEBUG.  quarantine names who uses a stale pointer, poison fills what
// nobody should read, forcemove makes any test a test of moving.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "runtime/stack/poison.h"
#include "tests/call_at.h"
#include "tests/goroutine.h"
#include "tests/signal_frames.h"

// Where a pointer into a stack does not belong.
static volatile int *kept;

// Named so that the dynamic symbol table has them.
extern "C" {
__attribute__((noinline)) int debug_touch_stale() { return *kept + 1; }
__attribute__((noinline)) void debug_write_stale() { *kept = 7; }
}

namespace {

go_config Debug(const char *how, const char *growth = "signal") {
  go_config config = SmallStacks(growth);
  config.stack_debug = how;
  return config;
}

// ---- Quarantine --------------------------------------------------------------------------------

// Keeps the address of a local over a growth and uses it; growths: how many came before.
void UseStalePointer(int growths, void (*use)()) {
  RunFirst(Debug("quarantine"), [=] {
    for (int i = 1; i < growths; i++) case_touch(Bounds().lo);
    int local[4] = {1, 2, 3, 4};
    kept = local;
    case_touch(Bounds().lo);
    use();
  });
}

std::string Report(int growth, const char *function) {
  return "^stacklab: goroutine [0-9]+ touched a stack that has moved: goroutine [0-9]+ left it at "
         "growth " + std::to_string(growth) +
         "; the address 0x[0-9a-f]+ is [0-9]+ bytes below its hi\n"
         "\ngoroutine [0-9]+ \\[running\\] .*\n"
         "  #0 0x[0-9a-f]+ " + function + "\\+0x";
}

TEST(QuarantineDeathTest, NamesTheFunctionThatReadsThroughAStalePointer) {
  EXPECT_EXIT(UseStalePointer(1, [] { debug_touch_stale(); }), testing::KilledBySignal(SIGABRT),
              Report(1, "debug_touch_stale"));
}

TEST(QuarantineDeathTest, NamesTheFunctionThatWritesThroughAStalePointer) {
  EXPECT_EXIT(UseStalePointer(1, debug_write_stale), testing::KilledBySignal(SIGABRT),
              Report(1, "debug_write_stale"));
}

TEST(QuarantineDeathTest, CountsTheGrowths) {
  EXPECT_EXIT(UseStalePointer(4, debug_write_stale), testing::KilledBySignal(SIGABRT),
              Report(4, "debug_write_stale"));
}

TEST(QuarantineDeathTest, ShowsTheCallsDownToTheEntry) {
  EXPECT_EXIT(UseStalePointer(1, debug_write_stale), testing::KilledBySignal(SIGABRT),
              "debug_write_stale\\+.*rt_gomain\\+");
}

// Goroutine 1 leaves a pointer to its stack; goroutine 2 uses it after goroutine 1 has moved.
TEST(QuarantineDeathTest, NamesBothGoroutines) {
  const auto share = [] {
    RunFirst(Debug("quarantine"), [] {
      int local = 0;
      kept = &local;
      case_touch(Bounds().lo);
      go_spawn(nullptr, [](void *) { debug_write_stale(); }, nullptr);
      go_yield();
    });
  };
  EXPECT_EXIT(share(), testing::KilledBySignal(SIGABRT),
              "^stacklab: goroutine [0-9]*2 touched a stack that has moved: goroutine [0-9]*1 "
              "left it at growth 1;");
}

TEST(QuarantineDeathTest, TellsTheDistanceFromHi) {
  // A local at a known distance: the first byte of the stack.
  go_config config = Debug("quarantine");
  config.stack_initial = WholePages(8192);
  const auto use = [&] {
    RunFirst(config, [] {
      const uintptr_t lo = Bounds().lo;
      kept = reinterpret_cast<int *>(~lo);  // not as a pointer of ours
      case_touch(lo);
      kept = reinterpret_cast<int *>(~reinterpret_cast<uintptr_t>(kept));
      debug_write_stale();
    });
  };
  EXPECT_EXIT(use(), testing::KilledBySignal(SIGABRT),
              "is " + std::to_string(config.stack_initial) + " bytes below its hi");
}

TEST(QuarantineDeathTest, SeesTheCheckpointsMovesToo) {
  const auto use = [] {
    RunFirst(Debug("quarantine", "checkpoint"), [] {
      int local = 0;
      kept = &local;
      go_checkpoint(100000);
      debug_write_stale();
    });
  };
  EXPECT_EXIT(use(), testing::KilledBySignal(SIGABRT), Report(1, "debug_write_stale"));
}

// More moves than it holds stacks, and none of it in anyone's way.
TEST(Quarantine, LetsCorrectProgramsBe) {
  uint64_t sum = 0;
  const Swept swept = Sweep(0, 600, 1, [&](int k) {
    sum += frame_accumulate(200) == 200 * 201 / 2 + 201;
    case_touch(Bounds().lo + static_cast<uintptr_t>(k % 8));
  }, Debug("quarantine"));
  EXPECT_EQ(sum, 600u);
  EXPECT_GE(swept.growths, 600u);
}

// ---- Poison ------------------------------------------------------------------------------------

bool AllBytes(uintptr_t from, uintptr_t to, unsigned char pattern) {
  for (uintptr_t p = from; p < to; p++)
    if (*reinterpret_cast<volatile unsigned char *>(p) != pattern) return false;
  return true;
}

TEST(Poison, FillsWhatAGoroutineHasNotUsed) {
  std::vector<char> fresh(8, 0);
  Sweep(0, 8, 1, [&](int k) {
    const uintptr_t sp = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    fresh[static_cast<size_t>(k)] = AllBytes(Bounds().lo, sp - 4096, RT_POISON_FRESH);
    case_touch(Bounds().lo + 64);  // dirty for the next
  }, Debug("poison"));
  for (char ok : fresh) EXPECT_TRUE(ok);
}

TEST(Poison, FillsWhatIsBelowTheLiveBytesAfterAGrowth) {
  bool fresh = false;
  Sweep(0, 1, 1, [&](int) {
    case_touch(Bounds().lo);
    fresh = AllBytes(Bounds().lo, Bounds().lo + 7168, RT_POISON_FRESH);
  }, Debug("poison"));
  EXPECT_TRUE(fresh);
}

TEST(Poison, FillsAStackThatWasLeft) {
  bool freed = false;
  Sweep(0, 1, 1, [&](int) {
    static volatile uintptr_t hidden;  // from the move, and from the optimiser
    hidden = ~Bounds().lo;
    case_touch(Bounds().lo);
    freed = AllBytes(~hidden, ~hidden + 8192, RT_POISON_FREED);
  }, Debug("poison"));
  EXPECT_TRUE(freed);
}

// ---- Forcemove ---------------------------------------------------------------------------------


// Yields in every frame: each is another move.
uint64_t YieldInEveryFrame(uint64_t depth) {
  uint64_t here[4] = {depth, depth + 1, depth + 2, depth + 3};
  uint64_t *volatile p = &here[1];
  go_yield();
  const uint64_t below = depth > 0 ? YieldInEveryFrame(depth - 1) : 0;
  return below + *p;
}

TEST(Forcemove, MovesAtEveryResumeOfEveryMovingStrategy) {
  for (int i = 0; const char *growth = go_growth_name(i); i++) {
    const uint64_t before = Stats().moves_forced;
    uint64_t result = 0;
    std::vector<uintptr_t> places;
    ASSERT_EQ(RunFirst(Debug("forcemove", growth), [&] {
      result = YieldInEveryFrame(20);
      for (int round = 0; round < 4; round++) {
        places.push_back(Bounds().hi);
        go_yield();
      }
    }), GO_OK);
    EXPECT_EQ(result, 21u * 22 / 2) << growth;
    const uint64_t forced = Stats().moves_forced - before;
    if (go_growth_moves(growth)) {
      EXPECT_GE(forced, 24u) << growth;
      for (size_t k = 1; k < places.size(); k++) EXPECT_NE(places[k], places[k - 1]) << growth;
    } else {
      EXPECT_EQ(forced, 0u) << growth;
    }
  }
}

TEST(Forcemove, MovesAtCheckpointsThatWouldNotGrow) {
  for (const char *growth : Growths([](const rt_growth &row) { return row.moves; })) {
    const uint64_t before = Stats().moves_forced;
    ASSERT_EQ(RunFirst(Debug("forcemove", growth), [] {
      for (int i = 0; i < 10; i++)
        if (go_checkpoint(16) != GO_OK) abort();
    }), GO_OK);
    EXPECT_GE(Stats().moves_forced - before, 10u) << growth;
  }
}

// A stack of that size moves by its pages; it is no growth.
TEST(Forcemove, IsNoGrowthThatMovesPages) {
  struct go_stats before = {}, after = {};
  ASSERT_EQ(RunFirst(Debug("forcemove", "checkpoint"), [&] {
    const Body moves = [&] {
      volatile char live[1 << 20];
      for (size_t i = 0; i < sizeof live; i += 1024) live[i] = 1;
      before = Stats();
      for (int i = 0; i < 8; i++) go_yield();
      after = Stats();
    };
    go_call_on_stack(3 << 20, CallBody, const_cast<Body *>(&moves));
  }), GO_OK);
  EXPECT_EQ(after.moves_forced - before.moves_forced, 8u);
  EXPECT_EQ(after.growths, before.growths);
  EXPECT_EQ(after.pages_moved_growths, before.pages_moved_growths);
}

TEST(Forcemove, WorksTogetherWithTheOthers) {
  uint64_t result = 0;
  ASSERT_EQ(RunFirst(Debug("quarantine,poison,forcemove", "signal+checkpoint"), [&] {
    result = YieldInEveryFrame(200);
  }), GO_OK);
  EXPECT_EQ(result, 201u * 202 / 2);
}

}  // namespace
