// Sleeping and timers: order, stopping, restarting, tickers; many at once and by seeds.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <set>
#include <vector>

#include "runtime/sched/sched.h"
#include "tests/goroutine.h"

namespace {

go_waitgroup done;

// ---- Sleeping --------------------------------------------------------------------------------

TEST(Sleep, WakesInOrderAndOnTime) {
  static std::vector<int64_t> late;
  static std::vector<intptr_t> order;
  late.clear();
  order.clear();
  ASSERT_EQ(RunFirst(Virtual(), [] {
    go_waitgroup_add(&done, 50);
    for (intptr_t i = 0; i < 50; i++) {
      Go([](void *arg) {
        const intptr_t ms = reinterpret_cast<intptr_t>(arg) * 7 % 50 + 1;
        const int64_t until = ms * GO_MILLISECOND;
        go_sleep(until - go_nanotime());
        late.push_back(go_nanotime() - until);
        order.push_back(ms);
        go_waitgroup_done(&done);
      }, reinterpret_cast<void *>(i));
    }
    go_waitgroup_wait(&done);
  }), GO_OK);
  EXPECT_EQ(late.size(), 50u);
  for (const int64_t ns : late) EXPECT_GE(ns, 0);
  EXPECT_EQ(order.size(), 50u);
}

TEST(Sleep, IsNeverShort) {
  static std::atomic<int> shorter;
  shorter = 0;
  EXPECT_EQ(go_sleep(1), GO_ENOTG);
  ASSERT_EQ(RunFirst(Procs(2), [] {
    go_waitgroup_add(&done, 100);
    for (intptr_t i = 0; i < 100; i++) {
      Go([](void *arg) {
        const int64_t ns = reinterpret_cast<intptr_t>(arg) * 50000;
        const int64_t before = go_nanotime();
        go_sleep(ns);
        if (go_nanotime() - before < ns) shorter++;
        go_waitgroup_done(&done);
      }, reinterpret_cast<void *>(i));
    }
    go_waitgroup_wait(&done);
    go_sleep(0);
    go_sleep(-5);
  }), GO_OK);
  EXPECT_EQ(shorter, 0);
}

int Threads() {
  int threads = 0;
  char line[256];
  FILE *f = fopen("/proc/self/status", "re");
  while (f && fgets(line, sizeof line, f)) sscanf(line, "Threads: %d", &threads);
  if (f) fclose(f);
  return threads;
}

TEST(Sleep, TenThousandHoldNoThreads) {
  const int n = kThreadSanitizer ? 2000 : 10000;  // it has fibers for 8,000
  int most = 0;
  ASSERT_EQ(RunFirst(Procs(2), [&] {
    go_waitgroup_add(&done, n);
    for (intptr_t i = 0; i < n; i++) {
      Go([](void *arg) {
        go_sleep(20 * GO_MILLISECOND + reinterpret_cast<intptr_t>(arg) * 1000);
        go_waitgroup_done(&done);
      }, reinterpret_cast<void *>(i));
    }
    const Body count = [&] { most = Threads(); };
    go_sleep(10 * GO_MILLISECOND);
    go_blocking(CallBody, const_cast<Body *>(&count));
    go_waitgroup_wait(&done);
  }), GO_OK);
  EXPECT_LE(most, 8);
}

// With one P, whose goroutine yields all the time: the sleeper still gets its turn.
TEST(Sleep, WakesBesideGoroutinesThatNeverPark) {
  static std::atomic<bool> awake;
  for (const int procs : {1, 2}) {
    awake = false;
    ASSERT_EQ(RunFirst(Procs(procs), [] {
      Go([](void *) {
        go_sleep(GO_MILLISECOND);
        awake = true;
      });
      while (!awake) go_yield();
    }), GO_OK);
  }
}

TEST(Sleep, SurvivesGomaxprocsGoingDown) {
  ASSERT_EQ(RunFirst(Procs(4), [] {
    go_waitgroup_add(&done, 200);
    for (intptr_t i = 0; i < 200; i++) {
      Go([](void *arg) {
        go_sleep(5 * GO_MILLISECOND + reinterpret_cast<intptr_t>(arg) * 10000);
        go_waitgroup_done(&done);
      }, reinterpret_cast<void *>(i));
      if (i % 10 == 0) go_yield();
    }
    go_gomaxprocs(1);
    go_waitgroup_wait(&done);
  }), GO_OK);
}

// The timer lies with a P that is there no more, and nobody is idle to look after it.
TEST(Sleep, WakesWhenItsPHasGoneAndTheOthersAreBusy) {
  static std::atomic<bool> asleep, awake;
  asleep = awake = false;
  ASSERT_EQ(RunFirst(Procs(2), [] {
    // Of two goroutines, the one that comes to run on P 1 sleeps there.
    const auto run = [](void *) {
      const int64_t patience = go_nanotime() + 20 * int64_t{GO_SECOND};
      while (!awake && go_nanotime() < patience) {
        if (rt_getg()->m->p->id != 0 && !asleep.exchange(true)) {
          go_sleep(20 * GO_MILLISECOND);
          awake = true;
        }
        if (asleep) go_gomaxprocs(1);
        go_yield();
      }
    };
    Go(run);
    run(nullptr);
  }), GO_OK);
  EXPECT_TRUE(awake);
}

// ---- Timers ----------------------------------------------------------------------------------

TEST(Timer, RunsAFunctionOnce) {
  static std::atomic<int> runs;
  runs = 0;
  int results[3] = {};
  bool stopped[3] = {};
  ASSERT_EQ(RunFirst(Virtual(), [&] {
    go_timer *t = nullptr;
    results[0] = go_timer_func(nullptr, nullptr, &t);
    static int three = 3;
    results[1] = go_timer_func([](void *arg) { runs += *static_cast<int *>(arg); }, &three, &t);
    stopped[0] = go_timer_stop(t);  // not started
    results[2] = go_timer_start(t, 1, -1);
    go_timer_start(t, GO_MILLISECOND, 0);
    go_sleep(3 * GO_MILLISECOND);
    stopped[1] = go_timer_stop(t);  // its time has come
    go_timer_start(t, GO_MILLISECOND, 0);
    stopped[2] = go_timer_stop(t);
    go_sleep(3 * GO_MILLISECOND);
    go_timer_free(t);
    go_timer_free(nullptr);
  }), GO_OK);
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(results[0], GO_EINVAL);
  EXPECT_EQ(results[1], GO_OK);
  EXPECT_EQ(results[2], GO_EINVAL);
  EXPECT_FALSE(stopped[0]);
  EXPECT_FALSE(stopped[1]);
  EXPECT_TRUE(stopped[2]);
}

TEST(Timer, SendsTheTimeAndCanBeSelected) {
  int chosen = -1;
  int64_t at = 0, asked = 0;
  ASSERT_EQ(RunFirst(Virtual(), [&] {
    go_chan *never = nullptr, *when = nullptr, *wrong = nullptr;
    go_timer *t = nullptr;
    go_chan_new(8, 0, &never);
    go_chan_new(8, 1, &when);
    go_chan_new(4, 1, &wrong);
    if (go_timer_chan(wrong, &t) != GO_EINVAL) abort();
    go_timer_chan(when, &t);
    asked = go_nanotime() + 5 * GO_MILLISECOND;
    go_timer_start(t, 5 * GO_MILLISECOND, 0);
    go_case cases[] = {{GO_RECV, never, nullptr, 0}, {GO_RECV, when, &at, 0}};
    chosen = go_select(cases, 2);
    go_timer_free(t);
    go_chan_free(never);
    go_chan_free(when);
    go_chan_free(wrong);
  }), GO_OK);
  EXPECT_EQ(chosen, 1);
  EXPECT_GE(at, asked);
  EXPECT_LT(at, asked + GO_MILLISECOND);
}

// A ticker whose receiver is slow drops ticks, and keeps its beat.
TEST(Timer, TicksAndDropsWhatIsTooLate) {
  static std::vector<int64_t> ticks;
  ticks.clear();
  int64_t start = 0;
  ASSERT_EQ(RunFirst(Virtual(), [&] {
    go_chan *c = nullptr;
    go_timer *t = nullptr;
    go_chan_new(8, 1, &c);
    go_timer_chan(c, &t);
    start = go_nanotime();
    go_timer_start(t, 10, 10);
    int64_t at;
    for (int i = 0; i < 3; i++) {
      go_chan_recv(c, &at);
      ticks.push_back(at);
    }
    go_sleep(95);
    for (int i = 0; i < 2; i++) {
      go_chan_recv(c, &at);
      ticks.push_back(at);
    }
    go_timer_stop(t);
    go_sleep(100);
    ticks.push_back(go_chan_try_recv(c, &at));
    go_timer_free(t);
    go_chan_free(c);
  }), GO_OK);
  ASSERT_EQ(ticks.size(), 6u);
  for (size_t i = 1; i < 5; i++) EXPECT_GT(ticks[i], ticks[i - 1]);
  EXPECT_GT(ticks[4] - ticks[3], 60);  // the ninth, say, after the fourth: the others were dropped
  EXPECT_EQ(ticks[5], GO_EAGAIN);
}

// The second tick would come after the end of time.
TEST(Timer, APeriodMayBeLongerThanTimeItself) {
  static std::atomic<int> fired;
  for (const int64_t period : {INT64_MAX, INT64_MAX - 1, INT64_MAX / 2 + 1}) {
    fired = 0;
    bool pending = false;
    ASSERT_EQ(RunFirst(Procs(1), [&] {
      go_timer *t = nullptr;
      go_timer_func([](void *) { fired++; }, nullptr, &t);
      go_timer_start(t, 0, period);
      while (fired == 0) go_yield();
      go_sleep(GO_MILLISECOND);
      pending = go_timer_stop(t);
      go_timer_free(t);
    }), GO_OK);
    EXPECT_EQ(fired, 1);
    EXPECT_TRUE(pending);
  }
}

// Until then, and after, its heap has it no more.
TEST(Timer, MayBeFreedWhileItsHeapHasIt) {
  static std::atomic<int> fired;
  fired = 0;
  ASSERT_EQ(RunFirst(Virtual(), [] {
    for (const bool stopped : {false, true}) {
      go_timer *t = nullptr;
      if (go_timer_func([](void *) { fired++; }, nullptr, &t) != 0) abort();
      if (go_timer_start(t, GO_MILLISECOND, 0) != 0) abort();
      if (stopped) EXPECT_TRUE(go_timer_stop(t));
      go_timer_free(t);
      EXPECT_EQ(rt_getg()->m->p->timers.n, 0u);
    }
    go_sleep(3 * GO_MILLISECOND);
  }), GO_OK);
  EXPECT_EQ(fired, 0);
}

// The virtual clock, like an idle M, waits for those that are wanted.
TEST(Timer, TheClockDoesNotWaitForAStoppedOne) {
  static std::set<int64_t> times;
  static std::atomic<bool> awake;
  times.clear();
  awake = false;
  ASSERT_EQ(RunFirst(Virtual(), [] {
    go_timer *t[20];
    for (int i = 0; i < 20; i++) {
      go_timer_func([](void *) {}, nullptr, &t[i]);
      go_timer_start(t[i], 100 + i, 0);
    }
    for (auto *timer : t) go_timer_stop(timer);
    Go([](void *) {
      go_sleep(5000);
      awake = true;
    });
    while (!awake) {
      times.insert(go_nanotime());
      go_yield();
    }
    times.insert(go_nanotime());
    for (auto *timer : t) go_timer_free(timer);
  }), GO_OK);
  EXPECT_EQ(times.size(), 2u);
}

void DeadlockAfterStopping(int procs, bool somebody_sleeps) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer does not support fork with threads";
  const auto wait = [=] {
    exit(RunFirst(Procs(procs), [=] {
      go_timer *t = nullptr;
      go_timer_func([](void *) {}, nullptr, &t);
      go_timer_start(t, 3600 * int64_t{GO_SECOND}, 0);
      while (somebody_sleeps && __c11_atomic_load(&rt_sched.poll_until, __ATOMIC_SEQ_CST) == 0)
        continue;
      go_timer_stop(t);
      go_waitgroup_add(&done, 1);
      go_waitgroup_wait(&done);
    }));
  };
  EXPECT_EXIT(wait(), Aborted, "all goroutines are asleep");
}

TEST(Timer, AStoppedOneHidesNoDeadlock) { DeadlockAfterStopping(1, false); }

TEST(Timer, AStoppedOneThatAnMSleepsForHidesNoDeadlock) { DeadlockAfterStopping(2, true); }

// Once a timer has been stopped nothing of it is on its way to the channel.
TEST(ConcurrentTimer, ItsChannelMayGoOnceItHasStopped) {
  for (const int procs : {1, 2, 4}) {
    ASSERT_EQ(RunFirst(Procs(procs), [] {
      go_waitgroup_add(&done, 3);
      for (int who = 0; who < 3; who++) {
        Go([](void *) {
          for (int i = 0; i < 200; i++) {
            go_chan *c = nullptr;
            go_timer *t = nullptr;
            if (go_chan_new(8, 1, &c) != 0 || go_timer_chan(c, &t) != 0) abort();
            if (go_timer_start(t, 100 * (i % 20), 1) != 0) abort();
            if (i % 2) go_yield();
            go_timer_free(t);
            go_chan_free(c);
          }
          go_waitgroup_done(&done);
        });
      }
      go_waitgroup_wait(&done);
    }), GO_OK);
  }
}

// Started, stopped and freed from all sides while it fires.
TEST(ConcurrentTimer, StartedAndStoppedFromAllSides) {
  static std::atomic<int> fired;
  for (const int procs : {1, 2, 4}) {
    fired = 0;
    static go_timer *t[4];
    ASSERT_EQ(RunFirst(Procs(procs), [] {
      for (auto &timer : t) go_timer_func([](void *) { fired++; }, nullptr, &timer);
      go_waitgroup_add(&done, 6);
      for (uintptr_t who = 0; who < 6; who++) {
        Go([](void *arg) {
          const uintptr_t self = reinterpret_cast<uintptr_t>(arg);
          for (uintptr_t i = 0; i < 50; i++) {
            go_timer *timer = t[(self + i) % 4];
            if ((self * i) % 3 == 0)
              go_timer_stop(timer);
            else
              go_timer_start(timer, static_cast<int64_t>(i % 5) * 300, i % 4 ? 0 : 700);
            if (i % 5 == 0) go_sleep(500);
          }
          go_waitgroup_done(&done);
        }, reinterpret_cast<void *>(who));
      }
      go_waitgroup_wait(&done);
      for (auto &timer : t) go_timer_free(timer);
      go_sleep(GO_MILLISECOND);
    }), GO_OK);
    EXPECT_GT(fired, 0);
  }
}

// The heap that it waited in has gone with its go_run.
TEST(Timer, MayOutliveTheRunThatStartedIt) {
  static go_timer *t;
  static std::atomic<int> fired;
  fired = 0;
  bool pending = true;
  int error = 0;
  ASSERT_EQ(RunFirst(Procs(1), [] {
    go_timer_func([](void *) { fired++; }, nullptr, &t);
    go_timer_start(t, 3600 * int64_t{GO_SECOND}, 0);
  }), GO_OK);
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    pending = go_timer_stop(t);
    error = go_timer_start(t, 0, 0);
    while (fired == 0) go_yield();
    go_timer_free(t);
  }), GO_OK);
  EXPECT_FALSE(pending);
  EXPECT_EQ(error, GO_OK);
  EXPECT_EQ(fired, 1);
}

// Sleepers everywhere: each wakes once, none early.
TEST(ConcurrentTimer, Sleepers) {
  static std::atomic<int> woken;
  for (const int procs : {1, 2, 4}) {
    woken = 0;
    ASSERT_EQ(RunFirst(Procs(procs), [] {
      go_waitgroup_add(&done, 30);
      for (intptr_t i = 0; i < 30; i++) {
        Go([](void *arg) {
          for (int k = 0; k < 5; k++) {
            const int64_t ns = (reinterpret_cast<intptr_t>(arg) * 37 + k * 11) % 20 * 1000;
            const int64_t before = go_nanotime();
            go_sleep(ns);
            if (go_nanotime() - before < ns) abort();
            woken++;
          }
          go_waitgroup_done(&done);
        }, reinterpret_cast<void *>(i));
      }
      go_waitgroup_wait(&done);
    }), GO_OK);
    EXPECT_EQ(woken, 150);
  }
}

}  // namespace
