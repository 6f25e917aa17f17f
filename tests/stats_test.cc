// stats_test.cc: what go_stats counts, and that it may be asked at any time from anywhere.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/goroutine.h"

namespace {

go_config Config(int maxprocs) {
  go_config c = SmallStacks("reserve");
  c.maxprocs = maxprocs;
  return c;
}

uint64_t Alive(const struct go_stats &s) {
  return s.runnable + s.running + s.in_syscall + s.waiting + s.preempted;
}

// A body for each goroutine of a test; it outlives them.
void Spawn(const Body &body) {
  if (go_spawn(nullptr, CallBody, const_cast<Body *>(&body)) != 0) abort();
}

TEST(Stats, TellGoroutinesByState) {
  go_config config = Config(1);
  config.asyncpreempt = "off";  // else some may run before all are queued
  struct go_stats queued, parked, ended;
  static go_waitgroup gate, done;
  const Body waits = [] {
    go_waitgroup_wait(&gate);
    go_waitgroup_done(&done);
  };
  ASSERT_EQ(RunFirst(config, [&] {
              go_waitgroup_add(&gate, 1);
              go_waitgroup_add(&done, 70);
              for (int i = 0; i < 70; i++) Spawn(waits);
              queued = Stats();
              do {
                go_yield();
                parked = Stats();
              } while (parked.waiting < 70);
              go_waitgroup_done(&gate);
              go_waitgroup_wait(&done);
              do {
                go_yield();
                ended = Stats();
              } while (Alive(ended) > 1);
            }),
            GO_OK);
  EXPECT_EQ(queued.runnable, 70u);
  EXPECT_EQ(queued.running, 1u);
  EXPECT_EQ(queued.waiting, 0u);
  EXPECT_EQ(parked.waiting, 70u);
  EXPECT_EQ(parked.running, 1u);
  EXPECT_EQ(parked.runnable, 0u);
  EXPECT_EQ(ended.running, 1u);
  EXPECT_EQ(Alive(ended), ended.goroutines_created - ended.goroutines_ended);
}

TEST(Stats, TellGoroutinesInSystemCallsAndTheirHandoffs) {
  struct go_stats meanwhile;
  const uint64_t before = Stats().handoffs;
  ASSERT_EQ(RunFirst(Config(1), [&] {
              static int ends[2];
              static go_waitgroup done;
              Pipe(ends);
              const Body reads = [] {
                char c;
                if (go_read(ends[0], &c, 1) != 1) abort();
                go_waitgroup_done(&done);
              };
              go_waitgroup_add(&done, 1);
              Spawn(reads);
              do {
                go_yield();  // comes back by a hand-off
                meanwhile = Stats();
              } while (meanwhile.in_syscall == 0);
              if (go_write(ends[1], "x", 1) != 1) abort();
              go_waitgroup_wait(&done);
              os_close(ends[0]);
              os_close(ends[1]);
            }),
            GO_OK);
  EXPECT_EQ(meanwhile.in_syscall, 1u);
  EXPECT_EQ(meanwhile.running, 1u);
  EXPECT_GE(meanwhile.threads, 2u);
  EXPECT_GE(meanwhile.handoffs, before + 1);
}

TEST(Stats, CountEverySwitch) {
  const uint64_t before = Stats().switches;
  uint64_t first = 0, last = 0;
  ASSERT_EQ(RunFirst(Config(1), [&] {
              first = Stats().switches;
              for (int i = 0; i < 1000; i++) go_yield();
              last = Stats().switches;
            }),
            GO_OK);
  EXPECT_EQ(first, before + 1);
  EXPECT_EQ(last, first + 1000);
  EXPECT_EQ(Stats().switches, last);
}

TEST(Stats, CountTimersThatFire) {
  const uint64_t before = Stats().timers_fired;
  ASSERT_EQ(RunFirst(Config(1), [] {
              for (int i = 0; i < 7; i++) go_sleep(1000);
            }),
            GO_OK);
  EXPECT_EQ(Stats().timers_fired, before + 7);
}

TEST(Stats, CountWhatThePollerDoes) {
  const struct go_stats before = Stats();
  ASSERT_EQ(RunFirst(Config(1), [] {
              static struct go_tcp *listener;
              static char address[GO_TCP_ADDRESS];
              if (go_tcp_listen("127.0.0.1:0", &listener) != 0) abort();
              if (go_tcp_local(listener, address, sizeof address) != 0) abort();
              const Body connects = [] {
                struct go_tcp *s;
                if (go_tcp_connect(address, 0, &s) != 0) abort();
                go_tcp_close(s);
              };
              Spawn(connects);
              struct go_tcp *s;
              if (go_tcp_accept(listener, &s) != 0) abort();  // waits: nobody has connected yet
              char c;
              if (go_tcp_read(s, &c, 1) != 0) abort();
              go_tcp_close(s);
              go_tcp_close(listener);
            }),
            GO_OK);
  const struct go_stats after = Stats();
  EXPECT_GE(after.netpolls, before.netpolls + 1);
  EXPECT_GE(after.netpoll_events, before.netpoll_events + 1);
  EXPECT_GE(after.netpoll_readied, before.netpoll_readied + 1);
}

TEST(Stats, KeepTotalsButNotWhatWasThenOfRunsThatHaveEnded) {
  struct go_stats inside;
  ASSERT_EQ(RunFirst(Config(2), [&] { inside = Stats(); }), GO_OK);
  const struct go_stats after = Stats();
  EXPECT_EQ(inside.running, 1u);
  EXPECT_GE(inside.threads, 1u);
  EXPECT_EQ(Alive(after), 0u);
  EXPECT_EQ(after.threads, 0u);
  EXPECT_EQ(after.goroutines_created, inside.goroutines_created);
  EXPECT_EQ(after.goroutines_ended, inside.goroutines_ended + 1);
}

// What go_run frees must not be read: AddressSanitizer and ThreadSanitizer would tell.
TEST(Stats, MayBeAskedByAnyThreadWhileRunsBeginAndEnd) {
  std::atomic<bool> stop{false}, backwards{false};
  std::atomic<uint64_t> asked{0};
  std::thread asker([&] {
    uint64_t created = 0;
    while (!stop) {
      const struct go_stats s = Stats();
      if (s.goroutines_created < created) backwards = true;
      created = s.goroutines_created;
      asked++;
    }
  });
  const Body nothing = [] {};
  int rounds = 0;
  for (; rounds < 100 || asked < 100; rounds++) {
    ASSERT_EQ(RunFirst(Config(2),
                       [&] {
                         for (int i = 0; i < 50; i++) Spawn(nothing);
                         go_yield();
                       }),
              GO_OK);
  }
  stop = true;
  asker.join();
  EXPECT_FALSE(backwards);
}

}  // namespace
