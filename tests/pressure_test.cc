// When the system's memory, or that of a group of processes, is said to be short, and who gives
// stack back then: the policy `pressure` (runtime/sched/shrink.c), on systems that are made up.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "runtime/sched/shrink.h"
#include "tests/goroutine.h"

namespace {

// A root with the system's files in it.
class Root {
 public:
  Root() {
    char name[] = "/tmp/shrink_test.XXXXXX";
    root_ = mkdtemp(name) ? name : "";
    for (const char *dir : {"/proc", "/proc/self", "/sys", "/sys/fs", "/sys/fs/cgroup",
                            "/sys/fs/cgroup/ours"})
      mkdir((root_ + dir).c_str(), 0700);
  }
  ~Root() {
    const std::string command = "rm -rf '" + root_ + "'";
    if (system(command.c_str()) != 0) fprintf(stderr, "%s is left\n", root_.c_str());
  }
  void Write(const std::string &path, const std::string &text) {
    std::ofstream(root_ + path) << text;
  }
  bool Short() { return os_memory_short(root_.c_str()); }
  // So much of its memory is left.
  void Leave(int percent) {
    Write("/proc/meminfo", "MemTotal: 100 kB\nMemAvailable: " + std::to_string(percent) + " kB\n");
  }
  const char *Path() const { return root_.c_str(); }

 private:
  std::string root_;
};

TEST(MemoryPressure, IsWhenATenthOfTheSystemsMemoryIsLeft) {
  Root root;
  EXPECT_FALSE(root.Short()) << "nobody can tell";
  root.Write("/proc/meminfo", "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:   100 kB\n");
  EXPECT_FALSE(root.Short());
  root.Write("/proc/meminfo", "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:   99 kB\n");
  EXPECT_TRUE(root.Short());
}

TEST(MemoryPressure, IsWhenOurGroupIsNearItsLimit) {
  Root root;
  root.Write("/proc/self/cgroup", "3:cpu:/elsewhere\n0::/ours\n");
  root.Write("/sys/fs/cgroup/ours/memory.max", "max\n");
  root.Write("/sys/fs/cgroup/ours/memory.current", "999000\n");
  EXPECT_FALSE(root.Short()) << "no limit";
  root.Write("/sys/fs/cgroup/ours/memory.max", "1000000\n");
  EXPECT_TRUE(root.Short());
  root.Write("/sys/fs/cgroup/ours/memory.current", "900000\n");
  EXPECT_FALSE(root.Short());
}

TEST(MemoryPressure, IsNotWhenThePageCacheHasFilledTheLimit) {
  Root root;
  root.Write("/proc/self/cgroup", "0::/ours\n");
  root.Write("/sys/fs/cgroup/ours/memory.max", "1000000\n");
  root.Write("/sys/fs/cgroup/ours/memory.current", "999000\n");
  const std::string before = "anon 1\nfile 950000\ninactive_anon 999000\ninactive_file ";
  root.Write("/sys/fs/cgroup/ours/memory.stat", before + "98999\nactive_file 900000\n");
  EXPECT_TRUE(root.Short());
  root.Write("/sys/fs/cgroup/ours/memory.stat", before + "99000\nactive_file 900000\n");
  EXPECT_FALSE(root.Short());
  root.Write("/sys/fs/cgroup/ours/memory.stat", before + "1000000\n");  // read later than current
  EXPECT_FALSE(root.Short());
}

TEST(MemoryPressure, IsWhenAGroupAboveOursIsNearItsLimit) {
  for (const char *above : {"/sys/fs/cgroup/ours", "/sys/fs/cgroup"}) {
    Root root;
    root.Write("/proc/self/cgroup", "0::/ours/inner/most\n");
    root.Write(std::string(above) + "/memory.current", "999000\n");
    EXPECT_FALSE(root.Short());
    root.Write(std::string(above) + "/memory.max", "1000000\n");
    EXPECT_TRUE(root.Short()) << above;
  }
  Root root;
  root.Write("/proc/self/cgroup", "0::/\n");  // of a namespace: its root has a limit, too
  root.Write("/sys/fs/cgroup/memory.current", "999000\n");
  root.Write("/sys/fs/cgroup/memory.max", "1000000\n");
  EXPECT_TRUE(root.Short());
}

// ---- The policy --------------------------------------------------------------------------------

constexpr uint64_t kWaiters = 50;
constexpr size_t kDeep = 100 << 10;

class UnderPressure : public testing::TestWithParam<const char *> {
 protected:
  void SetUp() override {
    system_.Leave(50);
    rt_shrinking.root = system_.Path();
  }
  void TearDown() override { rt_shrinking.root = ""; }

  Root system_;
};

go_chan *gate;
std::atomic<uint64_t> wrong;

void UseAll(void *) {
  volatile char frame[kDeep - 8192];
  for (size_t at = sizeof frame; at > 0; at -= 512) frame[at - 1] = 1;
}

void GoDeepAndWait(void *) {
  char kept[64];
  memset(kept, 0x5a, sizeof kept);
  if (go_call_on_stack(kDeep, UseAll, nullptr) != GO_OK) abort();
  go_chan_recv(gate, nullptr);
  for (char c : kept) wrong += c != 0x5a;
}

// Runs fn, on a stack that has room for all, while others wait that have been deep.
void WhileTheyWait(const char *growth, uint64_t seed, const Body &fn) {
  go_config config = SmallStacks("reserve");
  config.stack_shrink = "pressure";
  config.seed = seed;
  const go_spawn_options options = {growth, 8192, 0};
  wrong = 0;
  ASSERT_EQ(RunFirst(config, [&] {
    go_chan_new(0, 0, &gate);
    for (uint64_t i = 0; i < kWaiters; i++)
      if (go_spawn(&options, GoDeepAndWait, nullptr) != GO_OK) abort();
    while (Stats().waiting != kWaiters) go_yield();
    fn();
    go_chan_close(gate);
    while (Stats().waiting + Stats().runnable > 0) go_yield();
    go_chan_free(gate);
  }), GO_OK);
  EXPECT_EQ(wrong, 0u);
}

// On the virtual clock there is no sysmon: this is what it would do at such a time.  True: a pass
// was due, and has been.
bool Tick(int64_t now) {
  bool due = false;
  const Body tick = [now, &due] {
    int64_t again;
    due = rt_shrink_tick(now, &again);
    while (rt_shrink_some(rt_getg()->m)) continue;
  };
  rt_systemstack(CallBody, const_cast<Body *>(&tick));
  return due;
}

TEST_P(UnderPressure, ThoseThatWaitGiveBackStackOnceTheSystemIsShortAndNotBefore) {
  if (DeadlocksTsan(GetParam()))
    GTEST_SKIP() << "TSan blocks signals in handlers: a fault there is the end";
  WhileTheyWait(GetParam(), 4, [&] {
    const uint64_t before = Stats().shrinks;
    for (int second = 10; second < 20; second++) EXPECT_FALSE(Tick(second * GO_SECOND));
    EXPECT_EQ(Stats().shrinks - before, 0u);
    system_.Leave(9);
    EXPECT_FALSE(Tick(19 * GO_SECOND + GO_MILLISECOND)) << "it has been asked just now";
    EXPECT_EQ(Stats().shrinks - before, 0u);
    EXPECT_TRUE(Tick(20 * GO_SECOND));
    EXPECT_EQ(Stats().shrinks - before, kWaiters);
    EXPECT_FALSE(Tick(30 * GO_SECOND)) << "each has had its turn";
    EXPECT_EQ(Stats().shrinks - before, kWaiters);
  });
}

INSTANTIATE_TEST_SUITE_P(Each, UnderPressure, testing::ValuesIn(Growths([](const rt_growth &row) {
                           return row.shrink != nullptr;
                         })),
                         [](const auto &info) { return Plain(info.param); });

// The whole way: sysmon asks, and passes begin and end by themselves.
class Sysmon : public UnderPressure {};
INSTANTIATE_TEST_SUITE_P(By, Sysmon, testing::Values("checkpoint"));

TEST_P(Sysmon, AsksTheSystemByItself) {
  WhileTheyWait(GetParam(), 0, [&] {
    const uint64_t before = Stats().shrinks;
    system_.Leave(9);
    while (Stats().shrinks - before < kWaiters) go_sleep(GO_MILLISECOND);
  });
}

}  // namespace
