// A P's queue of runnable goroutines: whoever waits there gets a turn, however often others are
// next.
#include <gtest/gtest.h>

#include <atomic>

#include "runtime/go.h"
#include "tests/goroutine.h"

namespace {

// Far more turns than the one who waits has to wait for.
constexpr int kTurns = 100000;

std::atomic<bool> passed;

// Waits in the queue thirty times.
void Pass(void *) {
  for (int i = 0; i < 30; i++) go_yield();
  passed = true;
}

void Go(void (*fn)(void *), void *arg = nullptr) {
  if (go_spawn(nullptr, fn, arg) != GO_OK) abort();
}

TEST(Runq, TwoThatReadyEachOtherStarveNobody) {
  passed = false;
  ASSERT_EQ(RunFirst(SmallStacks("reserve"), [] {
    static go_chan *there, *back;
    if (go_chan_new(8, 0, &there) != 0 || go_chan_new(8, 0, &back) != 0) abort();
    Go([](void *) {
      int64_t x;
      while (go_chan_recv(there, &x) == GO_OK) go_chan_send(back, &x);
      go_chan_close(back);
    });
    Go(Pass);
    int64_t x = 0;
    for (int i = 0; i < kTurns && !passed; i++) {
      go_chan_send(there, &x);
      go_chan_recv(back, &x);
    }
    go_chan_close(there);
    go_chan_recv(back, &x);
    go_chan_free(there);
    go_chan_free(back);
  }), GO_OK);
  EXPECT_TRUE(passed);
}

// Whose timer is due as soon as somebody looks.
TEST(Runq, OneThatSleepsForAMomentStarvesNobody) {
  passed = false;
  ASSERT_EQ(RunFirst(SmallStacks("reserve"), [] {
    Go(Pass);
    for (int i = 0; i < kTurns && !passed; i++) go_sleep(1);
  }), GO_OK);
  EXPECT_TRUE(passed);
}

// Its functions take longer than its period.
TEST(Runq, AFastTickerStarvesNobody) {
  constexpr int kMost = 1000;  // each turn waits for one more than the one before: for 465 in all
  static std::atomic<int> ticks;
  static go_timer *t;
  passed = false;
  ticks = 0;
  ASSERT_EQ(RunFirst(SmallStacks("reserve"), [] {
    const auto tick = [](void *) {
      const int64_t until = go_nanotime() + 2000;
      while (go_nanotime() < until) continue;
      if (++ticks == kMost) go_timer_stop(t);
    };
    if (go_timer_func(tick, nullptr, &t) != 0 || go_timer_start(t, 1, 1) != 0) abort();
    Pass(nullptr);
    passed = ticks < kMost;
    go_timer_free(t);
  }), GO_OK);
  EXPECT_TRUE(passed);
}

}  // namespace
