// Mutex, among goroutines that want it all the time: it excludes, wakes no more of them than need
// be, and starves nobody.  What each call answers is in sync_test.cc.
#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "tests/goroutine.h"

namespace {

go_waitgroup done;
go_mutex m;

// Whoever holds it for short times, again and again, wakes one of those that wait and not the next
// until that one has tried.
TEST(Mutex, WakesOneAtATime) {
  constexpr int kWaiters = 5;
  std::vector<uint64_t> waiting;
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    go_preempt_off();
    go_mutex_lock(&m);
    go_waitgroup_add(&done, kWaiters);
    for (int i = 0; i < kWaiters; i++) {
      Go([](void *) {
        go_mutex_lock(&m);
        go_mutex_unlock(&m);
        go_waitgroup_done(&done);
      });
    }
    while (Stats().waiting < kWaiters) go_yield();
    for (int i = 0; i < 3; i++) {
      go_mutex_unlock(&m);
      waiting.push_back(Stats().waiting);
      go_mutex_lock(&m);
    }
    go_yield();  // that one tries in vain, and waits again
    waiting.push_back(Stats().waiting);
    go_mutex_unlock(&m);
    waiting.push_back(Stats().waiting);
    go_waitgroup_wait(&done);
    go_preempt_on();
  }), GO_OK);
  EXPECT_EQ(waiting, (std::vector<uint64_t>{kWaiters - 1, kWaiters - 1, kWaiters - 1, kWaiters,
                                            kWaiters - 1}));
  EXPECT_EQ(m.state, 0u);
}

// Four goroutines that hardly do anything else, on as many threads: each takes it as often as it
// wants to, whoever spins, sleeps or is handed it.
TEST(ConcurrentMutex, ExcludesThoseWhoWantItAllTheTime) {
  static int64_t value, twin, wrong;
  constexpr int kGoroutines = 4, kTimes = 300;
  for (const int procs : {1, 2, 4}) {
    value = twin = wrong = 0;
    ASSERT_EQ(RunFirst(Procs(procs), [] {
      go_waitgroup_add(&done, kGoroutines);
      for (int i = 0; i < kGoroutines; i++) {
        Go([](void *) {
          for (int k = 0; k < kTimes; k++) {
            go_mutex_lock(&m);
            if (value != twin) wrong++;
            value++;
            twin = value;
            go_mutex_unlock(&m);
          }
          go_waitgroup_done(&done);
        });
      }
      go_waitgroup_wait(&done);
    }), GO_OK);
    EXPECT_EQ(value, kGoroutines * kTimes);
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(m.state, 0u);  // no flag is left behind
  }
}

// A goroutine that locks again at once, and gives way only while it holds the lock, would always be
// first without starvation mode.
TEST(Mutex, StarvesNobody) {
  static std::atomic<bool> got;
  static int64_t turns;
  for (const int procs : {1, 2}) {
    got = false;
    turns = 0;
    ASSERT_EQ(RunFirst(Procs(procs), [] {
      go_waitgroup_add(&done, 1);
      go_mutex_lock(&m);
      Go([](void *) {
        go_mutex_lock(&m);
        got = true;
        go_mutex_unlock(&m);
        go_waitgroup_done(&done);
      });
      while (!got) {
        go_yield();  // the other finds it locked
        go_mutex_unlock(&m);
        go_mutex_lock(&m);
        turns++;
      }
      go_mutex_unlock(&m);
      go_waitgroup_wait(&done);
    }), GO_OK);
    EXPECT_GT(turns, 0);
  }
}

}  // namespace
