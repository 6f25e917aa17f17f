// Queues of runnable goroutines: a P's, where whoever waits gets a turn, however often others are
// next, and the long list that they spill to.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <vector>

#include "runtime/sched/sched.h"
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

// The long list, with goroutines that are only links.
struct List {
  std::unique_ptr<rt_gbatches> batches = std::make_unique<rt_gbatches>();
  std::vector<rt_g> gs;
  size_t put = 0, taken = 0;

  explicit List(size_t most) : gs(most) {}
  void Put(int n) {
    rt_gqueue q = {};
    for (int i = 0; i < n; i++) rt_gqueue_push(&q, &gs.at(put++));
    rt_gbatches_put(batches.get(), &q);
    EXPECT_EQ(q.head, nullptr);
    EXPECT_EQ(batches->n, static_cast<int32_t>(put - taken));
  }
  // How many came; each is the next of those that were put.
  int Take(int most) {
    rt_gqueue q = rt_gbatches_take(batches.get(), most);
    const int n = q.n;
    for (int i = 0; i < n; i++) {
      EXPECT_EQ(rt_gqueue_pop(&q), &gs.at(taken)) << taken;
      taken++;
    }
    EXPECT_EQ(q.n, 0);
    EXPECT_EQ(q.head, nullptr);
    EXPECT_EQ(batches->n, static_cast<int32_t>(put - taken));
    return n;
  }
};

TEST(Gbatches, GiveWhatCameTogetherTogether) {
  List l(1000);
  EXPECT_EQ(l.Take(RT_GBATCH), 0);
  l.Put(0);
  EXPECT_EQ(l.Take(RT_GBATCH), 0);
  l.Put(RT_GBATCH);
  l.Put(100);
  l.Put(RT_GBATCH);
  EXPECT_EQ(l.Take(RT_GBATCH), RT_GBATCH);
  EXPECT_EQ(l.Take(1), 1);
  EXPECT_EQ(l.Take(RT_GBATCH), 99);
  EXPECT_EQ(l.Take(RT_GBATCH), RT_GBATCH);
  EXPECT_EQ(l.Take(RT_GBATCH), 0);
}

TEST(Gbatches, GatherSmallOnes) {
  List l(1000);
  for (int i = 0; i < RT_GBATCH; i++) l.Put(1);
  l.Put(1);
  EXPECT_EQ(l.Take(1000), RT_GBATCH);
  EXPECT_EQ(l.Take(1000), 1);
  l.Put(500);  // of more than the usual size: given in pieces to those who want less
  EXPECT_EQ(l.Take(RT_GBATCH), RT_GBATCH);
  l.Put(1);
  EXPECT_EQ(l.Take(1000), 500 - RT_GBATCH);
  EXPECT_EQ(l.Take(1000), 1);
}

// More batches than there are places for, when the ring's places have been used before.
TEST(Gbatches, LoseNobodyWhenTheyAreTooMany) {
  constexpr int kMore = RT_GBATCHES + 100;
  List l(RT_GBATCH * (kMore + 10));
  for (int i = 0; i < 10; i++) l.Put(RT_GBATCH);
  while (l.Take(RT_GBATCH) > 0) continue;
  for (int i = 0; i < kMore; i++) l.Put(RT_GBATCH);
  EXPECT_EQ(l.batches->end - l.batches->first, static_cast<uint32_t>(RT_GBATCHES));
  int takes = 0;
  while (l.Take(RT_GBATCH) > 0) takes++;
  EXPECT_EQ(takes, kMore);
  EXPECT_EQ(l.taken, l.put);
}

}  // namespace
