// The runtime's own locks, among threads: they exclude, what was written under them is seen, and
// whoever waits long for one gets it.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "runtime/sched/sched.h"

namespace {

struct Kind {
  const char *name;
  void (*lock)(struct rt_lock *);
  void (*unlock)(struct rt_lock *);
};

// No scheduler runs: there is not the one P with which rt_plock has nothing to exclude.
const Kind kKinds[] = {
    {"lock", rt_lock, rt_unlock},
    {"plock", [](struct rt_lock *l) { rt_plock(l); }, [](struct rt_lock *l) { rt_punlock(l); }},
};

class Lock : public testing::TestWithParam<Kind> {
 protected:
  void lock() { GetParam().lock(&lock_); }
  void unlock() { GetParam().unlock(&lock_); }
  static void Threads(int n, const std::function<void()> &fn) {
    std::vector<std::thread> threads;
    for (int i = 0; i < n; i++) threads.emplace_back(fn);
    for (std::thread &t : threads) t.join();
  }
  struct rt_lock lock_ = {};
};
INSTANTIATE_TEST_SUITE_P(Kinds, Lock, testing::ValuesIn(kKinds),
                         [](const auto &info) { return std::string(info.param.name); });

TEST_P(Lock, ExcludesAndShowsWhatWasWrittenUnderIt) {
  constexpr int kThreads = 4, kTimes = 20000;
  int64_t a = 0, b = 0;  // no atomics: ThreadSanitizer looks at the lock
  int wrong = 0;
  Threads(kThreads, [&] {
    for (int i = 0; i < kTimes; i++) {
      lock();
      if (a != b) wrong++;
      a++;
      b = a;
      unlock();
    }
  });
  EXPECT_EQ(a, kThreads * kTimes);
  EXPECT_EQ(wrong, 0);
}

// Long enough for every way to wait: looks, naps, sleep.
TEST_P(Lock, ComesToThoseWhoWaitWhileItsHolderIsAway) {
  std::atomic<int> coming = 0, in = 0, wrong = 0;
  std::thread away([&] {
    lock();
    in++;
    while (coming < 2) std::this_thread::yield();
    for (int i = 0; i < 20000; i++) {
      if (in != 1) wrong++;
      std::this_thread::yield();
    }
    unlock();
  });
  while (in == 0) std::this_thread::yield();
  Threads(2, [&] {
    coming++;
    lock();
    in++;
    unlock();
  });
  away.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(in, 3);
}

}  // namespace
