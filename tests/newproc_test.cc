// How goroutines come by their stacks: addresses when they are made, memory when they first run,
// which those that ended before have used (runtime/sched/newproc.c).
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "runtime/go.h"
#include "tests/goroutine.h"

namespace {

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { kSanitized = true };
#else
enum { kSanitized = false };
#endif

// More than a run queue and a list of the dead hold.  Several times over, at two mappings each
// where guards are pages of mprotect, they stay below the 65,530 that a process may have.
constexpr int kMany = 1000;

class Goroutines : public ::testing::TestWithParam<const char *> {};

INSTANTIATE_TEST_SUITE_P(Each, Goroutines, ::testing::ValuesIn(Growths()),
                         [](const auto &info) { return Plain(info.param); });

uintptr_t stacks[kMany];
go_waitgroup begun, ended;
go_chan *gate;

// Fills what it is given, as a stack that it shared with a live goroutine would show.
void Use(void *slot) {
  char local[512];
  memset(local, 0x5a, sizeof local);
  uintptr_t *mine = static_cast<uintptr_t *>(slot);
  *mine = Bounds().hi;
  go_yield();
  for (char c : local)
    if (c != 0x5a) *mine = 0;
  go_waitgroup_done(&ended);
}

void Short(void *slot) {
  *static_cast<uintptr_t *>(slot) = Bounds().hi;
  go_waitgroup_done(&ended);
}

void Parked(void *slot) {
  *static_cast<uintptr_t *>(slot) = Bounds().hi;
  go_waitgroup_done(&begun);
  go_chan_recv(gate, nullptr);
  go_waitgroup_done(&ended);
}

void SpawnMany(void (*fn)(void *), const go_spawn_options *options = nullptr) {
  go_waitgroup_add(&ended, kMany);
  for (uintptr_t &slot : stacks)
    if (go_spawn(options, fn, &slot) != 0) abort();
}

std::set<uintptr_t> Distinct() { return {stacks, stacks + kMany}; }

TEST_P(Goroutines, ThatAreManyButShortShareOneStack) {
  std::set<uintptr_t> first, second;
  go_config config = SmallStacks(GetParam());
  config.asyncpreempt = "off";  // one that is interrupted keeps its stack
  ASSERT_EQ(RunFirst(config, [&] {
    SpawnMany(Short);
    go_waitgroup_wait(&ended);
    first = Distinct();
    SpawnMany(Short);  // out of what the first ones have left
    go_waitgroup_wait(&ended);
    second = Distinct();
  }), 0);
  EXPECT_EQ(first.size(), 1u);
  // Some got a stack that has been used before another could leave them its own.
  EXPECT_LE(second.size(), 2u);
}

TEST_P(Goroutines, ThatLiveAtOnceHaveStacksOfTheirOwn) {
  ASSERT_EQ(RunFirst(SmallStacks(GetParam()), [&] {
    go_chan_new(0, 0, &gate);
    go_waitgroup_add(&begun, kMany);
    SpawnMany(Parked);
    go_waitgroup_wait(&begun);
    go_chan_close(gate);
    go_waitgroup_wait(&ended);
    go_chan_free(gate);
  }), 0);
  EXPECT_EQ(Distinct().size(), size_t{kMany});
}

TEST_P(Goroutines, LeaveTheirStackOnlyToTheirKind) {
  std::set<uintptr_t> small, large;
  ASSERT_EQ(RunFirst(SmallStacks(GetParam()), [&] {
    go_spawn_options options = {};
    options.stack_initial = 64 << 10;
    options.stack_max = 1 << 20;
    SpawnMany(Short);
    go_waitgroup_wait(&ended);
    small = Distinct();
    SpawnMany([](void *slot) {
      *static_cast<uintptr_t *>(slot) = Bounds().hi;
      volatile char all[40 << 10];
      all[0] = 1;  // it has the room
      go_waitgroup_done(&ended);
    }, &options);
    go_waitgroup_wait(&ended);
    large = Distinct();
  }), 0);
  if (rt_growth_find(GetParam())->decommit) return;  // their slots serve every size
  for (uintptr_t hi : small) EXPECT_EQ(large.count(hi), 0u);
}

TEST_P(Goroutines, OnThreadsNeverShareWhileTheyRun) {
  go_config config = SmallStacks(GetParam());
  config.maxprocs = 4;
  ASSERT_EQ(RunFirst(config, [&] {
    for (int round = 0; round < 5; round++) {
      SpawnMany(Use);
      go_waitgroup_wait(&ended);
      for (uintptr_t hi : stacks)
        if (hi == 0) abort();
    }
  }), 0);
}

TEST_P(Goroutines, ThatNeverRunLeaveNothingBehind) {
  const struct go_stats before = Stats();
  ASSERT_EQ(RunFirst(SmallStacks(GetParam()), [&] { SpawnMany(Short); }), 0);
  const struct go_stats after = Stats();
  for (int i = 0; i < GO_STACK_CLASSES; i++)
    EXPECT_EQ(after.stacks_by_class[i], before.stacks_by_class[i]) << "class " << i;
  ended = {};
}

TEST_P(Goroutines, CostNoPagesUntilTheyRun) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer's shadow has pages of its own";
  if (PageFaults() == 0) GTEST_SKIP() << "this system does not count them";
  if (getenv("EMULATOR"))
    GTEST_SKIP() << "qemu-user has 24 bytes for each page of an arena, and they are counted, too";
  uint64_t spawned = 0;
  go_config config = SmallStacks(GetParam());
  config.stack_initial = 32 << 10;  // a class that no other test has left stacks in
  config.stack_reserve = 32 << 10;
  ASSERT_EQ(RunFirst(config, [&] {
    const uint64_t before = PageFaults();
    SpawnMany(Short);
    spawned = PageFaults() - before;
    go_waitgroup_wait(&ended);
  }), 0);
  EXPECT_LT(spawned, kMany / 2);
}

}  // namespace
