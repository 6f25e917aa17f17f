// Channels: what each operation answers, elements of every size between stacks that move, order,
// closing, deadlines; on one thread, on several, and by seeds.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "tests/emulator.h"
#include "tests/goroutine.h"

namespace {

go_chan *New(size_t elem, size_t cap) {
  go_chan *c = nullptr;
  if (go_chan_new(elem, cap, &c) != GO_OK) abort();
  return c;
}

go_chan *c;
go_waitgroup done;

// ---- Answers ---------------------------------------------------------------------------------

TEST(Channel, IsMadeWithinBounds) {
  go_chan *made = nullptr;
  EXPECT_EQ(go_chan_new(65537, 0, &made), GO_EINVAL);
  EXPECT_EQ(go_chan_new(8, 8, nullptr), GO_EINVAL);
  EXPECT_EQ(go_chan_new(8, SIZE_MAX / 4, &made), GO_ENOMEM);
  EXPECT_EQ(go_chan_new(65536, SIZE_MAX / 65536, &made), GO_ENOMEM);
  ASSERT_EQ(go_chan_new(8, 3, &made), GO_OK);
  EXPECT_EQ(go_chan_cap(made), 3u);
  EXPECT_EQ(go_chan_len(made), 0u);
  EXPECT_EQ(go_chan_cap(nullptr), 0u);
  EXPECT_EQ(go_chan_len(nullptr), 0u);
  go_chan_free(made);
  go_chan_free(nullptr);
}

TEST(Channel, BelongsToGoroutines) {
  c = New(8, 1);
  int64_t v = 1;
  EXPECT_EQ(go_chan_send(c, &v), GO_ENOTG);
  EXPECT_EQ(go_chan_recv(c, &v), GO_ENOTG);
  EXPECT_EQ(go_chan_try_send(c, &v), GO_ENOTG);
  EXPECT_EQ(go_chan_try_recv(c, &v), GO_ENOTG);
  EXPECT_EQ(go_chan_close(c), GO_ENOTG);
  go_chan_free(c);
}

TEST(Channel, BuffersAsManyAsItHasRoomFor) {
  c = New(4, 3);
  std::vector<int> got;
  std::vector<size_t> lengths;
  int full = 0, empty = 0;
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    for (int round = 0; round < 5; round++) {
      for (int i = 0; i < 3; i++) {
        const int v = 10 * round + i;
        go_chan_send(c, &v);
        lengths.push_back(go_chan_len(c));
      }
      int v = -1;
      full = go_chan_try_send(c, &v);
      for (int i = 0; i < 3; i++) {
        go_chan_recv(c, &v);
        got.push_back(v);
      }
      empty = go_chan_try_recv(c, &v);
    }
  }), GO_OK);
  EXPECT_EQ(full, GO_EAGAIN);
  EXPECT_EQ(empty, GO_EAGAIN);
  EXPECT_EQ(got, (std::vector<int>{0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42}));
  for (size_t i = 0; i < lengths.size(); i++) EXPECT_EQ(lengths[i], i % 3 + 1);
  go_chan_free(c);
}

TEST(Channel, ElementsWithoutBytesNeedNoMemory) {
  std::vector<int> results;
  for (const size_t cap : {size_t{0}, size_t{1}}) {
    c = New(0, cap);
    ASSERT_EQ(RunFirst(Procs(1), [&] {
      Go([](void *) { go_chan_send(c, nullptr); });
      char there = 7;
      results.push_back(go_chan_recv(c, &there));
      results.push_back(there);
    }), GO_OK);
    go_chan_free(c);
  }
  EXPECT_EQ(results, (std::vector<int>{0, 7, 0, 7}));
}

TEST(Channel, IsDrainedAfterItIsClosed) {
  c = New(8, 2);
  int64_t v[3] = {-1, -1, -1};
  int results[6] = {};
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    const int64_t one = 1, two = 2;
    go_chan_send(c, &one);
    go_chan_send(c, &two);
    results[0] = go_chan_close(c);
    results[1] = go_chan_close(c);
    results[2] = go_chan_send(c, &one);
    for (int i = 0; i < 3; i++) results[3 + i] = go_chan_recv(c, &v[i]);
  }), GO_OK);
  EXPECT_EQ(results[0], GO_OK);
  EXPECT_EQ(results[1], GO_ECLOSED);
  EXPECT_EQ(results[2], GO_ECLOSED);
  EXPECT_EQ(results[3], GO_OK);
  EXPECT_EQ(results[4], GO_OK);
  EXPECT_EQ(results[5], GO_ECLOSED);
  EXPECT_EQ(v[0], 1);
  EXPECT_EQ(v[1], 2);
  EXPECT_EQ(v[2], 0);  // zeroed
  go_chan_free(c);
}

TEST(Channel, ClosingWakesEveryWaiter) {
  for (const bool senders : {false, true}) {
    c = New(8, 0);
    static std::atomic<int> woken, wrong;
    woken = wrong = 0;
    static bool send;
    send = senders;
    int closed_null = 0;
    ASSERT_EQ(RunFirst(Procs(2), [&] {
      go_waitgroup_add(&done, 20);
      for (int i = 0; i < 20; i++) {
        Go([](void *) {
          int64_t v = 77;
          const int error = send ? go_chan_send(c, &v) : go_chan_recv(c, &v);
          if (error != GO_ECLOSED || v != (send ? 77 : 0)) wrong++;
          woken++;
          go_waitgroup_done(&done);
        });
      }
      for (int i = 0; i < 50; i++) go_yield();
      go_chan_close(c);
      go_waitgroup_wait(&done);
      closed_null = go_chan_close(nullptr);
    }), GO_OK);
    EXPECT_EQ(woken, 20);
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(closed_null, GO_EINVAL);
    go_chan_free(c);
  }
}

TEST(Channel, ThatIsNotThereWaitsForEver) {
  int sent = 0, received = 0, deadline = 0;
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    int64_t v = 0;
    Go([](void *) { go_chan_recv(nullptr, nullptr); });
    Go([](void *) { go_chan_send(nullptr, nullptr); });
    sent = go_chan_try_send(nullptr, &v);
    received = go_chan_try_recv(nullptr, &v);
    deadline = go_chan_recv_until(nullptr, &v, go_nanotime() + GO_MILLISECOND);
  }), GO_OK);
  EXPECT_EQ(sent, GO_EAGAIN);
  EXPECT_EQ(received, GO_EAGAIN);
  EXPECT_EQ(deadline, GO_ETIMEDOUT);
}

// ---- Between stacks --------------------------------------------------------------------------

// Uses up stack so that it grows, and gives it back.
__attribute__((noinline)) int Deep(int levels) {
  volatile char frame[512];
  frame[0] = static_cast<char>(levels);
  frame[511] = 1;
  return levels == 0 ? frame[0] : Deep(levels - 1) + frame[511];
}

// Both ends on stacks that grow between operations; each element is a pattern of its number.
template <size_t N>
void PassOn(const go_config &config, size_t cap) {
  c = New(N, cap);
  static std::atomic<int> wrong, got;
  wrong = got = 0;
  ASSERT_EQ(RunFirst(config, [] {
    go_waitgroup_add(&done, 1);
    Go([](void *) {
      unsigned char elem[N + 1];
      for (int i = 0; i < 60; i++) {
        memset(elem, i, N);
        if (i % 7 == 3) Deep(i);
        if (go_chan_send(c, elem) != GO_OK) wrong++;
      }
      go_chan_close(c);
      go_waitgroup_done(&done);
    });
    unsigned char elem[N + 1];
    memset(elem, 0xee, sizeof elem);
    while (go_chan_recv(c, elem) == GO_OK) {
      for (size_t k = 0; k < N; k++) wrong += elem[k] != static_cast<unsigned char>(got);
      wrong += elem[N] != 0xee;
      if (got % 5 == 2) Deep(3 * got);
      got++;
    }
    go_waitgroup_wait(&done);
  }), GO_OK);
  EXPECT_EQ(wrong, 0) << N << " " << cap << " " << config.growth;
  EXPECT_EQ(got, 60) << N << " " << cap << " " << config.growth;
  go_chan_free(c);
}

TEST(Channel, ElementsOfEverySizeBetweenGrowingStacks) {
  for (int i = 0; go_growth_name(i); i++) {
    const std::string growth = go_growth_name(i);
    if (growth != "reserve" && !GrowsOnFault(growth.c_str())) continue;  // Deep does not ask
    if (DeadlocksTsan(growth.c_str())) continue;
    for (const char *debug : {"", "forcemove"}) {
      for (const size_t cap : {size_t{0}, size_t{1}, size_t{5}}) {
        go_config config = Procs(1 + static_cast<int>(cap) % 2, growth.c_str());
        config.stack_debug = debug;
        PassOn<0>(config, cap);
        PassOn<1>(config, cap);
        PassOn<3>(config, cap);
        PassOn<8>(config, cap);
        PassOn<64>(config, cap);
        PassOn<4096>(config, cap);
      }
    }
  }
}

TEST(Channel, TheLargestElements) { PassOn<65536>(Procs(1), 2); }

// The receiver waits, its buffer on a stack that forcemove moves at every resume; many wait at
// once.
TEST(Channel, WaitersWhoseStacksMove) {
  for (int i = 0; go_growth_name(i); i++) {
    if (DeadlocksTsan(go_growth_name(i))) continue;
    go_config config = Procs(2, go_growth_name(i));
    config.stack_debug = "forcemove";
    c = New(8, 0);
    static std::atomic<int64_t> sum;
    sum = 0;
    ASSERT_EQ(RunFirst(config, [] {
      go_waitgroup_add(&done, 50);
      for (int k = 0; k < 50; k++) {
        Go([](void *) {
          int64_t v = 0;
          for (int n = 0; n < 20; n++) {
            go_chan_recv(c, &v);
            sum += v;
            go_yield();
          }
          go_waitgroup_done(&done);
        });
      }
      for (int64_t v = 1; v <= 1000; v++) go_chan_send(c, &v);
      go_waitgroup_wait(&done);
    }), GO_OK);
    EXPECT_EQ(sum, 1000 * 1001 / 2) << go_growth_name(i);
    go_chan_free(c);
  }
}

// ---- Deadlines -------------------------------------------------------------------------------

TEST(Channel, DeadlinesEndWaits) {
  c = New(8, 0);
  int results[4] = {};
  int64_t v = 5, early = 0;
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    const int64_t until = go_nanotime() + 2 * GO_MILLISECOND;
    results[0] = go_chan_recv_until(c, &v, until);
    early = go_nanotime() < until;
    results[1] = go_chan_send_until(c, &v, 1);  // long ago
    Go([](void *) {
      int64_t one = 42;
      go_chan_send(c, &one);
    });
    results[2] = go_chan_recv_until(c, &v, go_nanotime() + int64_t{60} * GO_SECOND);
    results[3] = go_chan_try_recv(c, nullptr);
  }), GO_OK);
  EXPECT_EQ(results[0], GO_ETIMEDOUT);
  EXPECT_EQ(early, 0);
  EXPECT_EQ(results[1], GO_ETIMEDOUT);
  EXPECT_EQ(results[2], GO_OK);
  EXPECT_EQ(v, 42);
  EXPECT_EQ(results[3], GO_EAGAIN);
  go_chan_free(c);
}

// ---- Concurrency: with GO_SEED, one schedule each --------------------------------------------

// Deadlines race with the elements they wait for: each is received exactly once, or not sent.
TEST(ConcurrentChannel, DeadlinesLoseNothing) {
  static std::atomic<int64_t> sent, received;
  for (const int procs : {1, 2, 4}) {
    c = New(8, 0);
    sent = received = 0;
    ASSERT_EQ(RunFirst(Procs(procs), [] {
      go_waitgroup_add(&done, 8);
      for (intptr_t who = 0; who < 8; who++) {
        Go([](void *arg) {
          const bool sender = reinterpret_cast<intptr_t>(arg) % 2 == 0;
          for (int64_t i = 1; i <= 40; i++) {
            int64_t v = i;
            const int64_t until = go_nanotime() + 1000 * (i % 13);
            if (sender && go_chan_send_until(c, &v, until) == GO_OK) sent += i;
            if (!sender && go_chan_recv_until(c, &v, until) == GO_OK) received += v;
          }
          go_waitgroup_done(&done);
        }, reinterpret_cast<void *>(who));
      }
      go_waitgroup_wait(&done);
    }), GO_OK);
    EXPECT_EQ(sent, received);
    go_chan_free(c);
  }
}

TEST(ConcurrentChannel, NothingIsLostNorDoubled) {
  constexpr int kSenders = 6, kReceivers = 5, kEach = 50;
  for (const int procs : {1, 2, 4}) {
    for (const size_t cap : {size_t{0}, size_t{1}, size_t{7}}) {
      c = New(sizeof(uint64_t), cap);
      static std::vector<std::atomic<int>> seen(kSenders * kEach);
      static std::atomic<int> disorder;
      for (auto &s : seen) s = 0;
      disorder = 0;
      static go_waitgroup senders;
      ASSERT_EQ(RunFirst(Procs(procs), [] {
        go_waitgroup_add(&senders, kSenders);
        go_waitgroup_add(&done, kReceivers);
        for (uintptr_t s = 0; s < kSenders; s++) {
          Go([](void *who) {
            for (uint64_t i = 0; i < kEach; i++) {
              const uint64_t v = reinterpret_cast<uintptr_t>(who) * kEach + i;
              go_chan_send(c, &v);
            }
            go_waitgroup_done(&senders);
          }, reinterpret_cast<void *>(s));
        }
        for (int r = 0; r < kReceivers; r++) {
          Go([](void *) {
            uint64_t v, last[kSenders];
            memset(last, 0xff, sizeof last);
            while (go_chan_recv(c, &v) == GO_OK) {
              seen[v]++;
              if (last[v / kEach] != UINT64_MAX && last[v / kEach] >= v) disorder++;
              last[v / kEach] = v;
            }
            go_waitgroup_done(&done);
          });
        }
        go_waitgroup_wait(&senders);
        go_chan_close(c);
        go_waitgroup_wait(&done);
      }), GO_OK);
      for (auto &s : seen) ASSERT_EQ(s, 1);
      EXPECT_EQ(disorder, 0);
      go_chan_free(c);
    }
  }
}

// A close in the middle: whoever was told that it sent was received.
TEST(ConcurrentChannel, ACloseAmongSenders) {
  static std::atomic<int> sent, received;
  for (const int procs : {1, 2, 4}) {
    c = New(8, 2);
    sent = received = 0;
    ASSERT_EQ(RunFirst(Procs(procs), [] {
      go_waitgroup_add(&done, 6);
      for (int i = 0; i < 6; i++) {
        Go([](void *) {
          int64_t v = 1;
          while (go_chan_send(c, &v) == GO_OK) sent++;
          go_waitgroup_done(&done);
        });
      }
      for (int i = 0; i < 30; i++) received += go_chan_recv(c, nullptr) == GO_OK;
      go_chan_close(c);
      while (go_chan_recv(c, nullptr) == GO_OK) received++;
      go_waitgroup_wait(&done);
    }), GO_OK);
    EXPECT_EQ(sent, received);
    go_chan_free(c);
  }
}

// ---- Which thread runs whom -------------------------------------------------------------------

int RunOnTwo(const Body &fn) {
  go_config config = SmallStacks("reserve");
  config.maxprocs = 2;
  return RunFirst(config, fn);
}

TEST(Steal, APairThatWakesEachOtherStaysTogether) {
  SKIP_IN_EMULATOR("is so slow between two steps that a goroutine looks idle to the other thread");
  constexpr int kRounds = 20000;
  const uint64_t before = Stats().steals;
  ASSERT_EQ(RunOnTwo([] {
    static go_chan *there, *back;
    for (go_chan **made : {&there, &back})
      if (go_chan_new(sizeof(int), 0, made) != GO_OK) abort();
    go_spawn(nullptr, [](void *) {
      for (int v; go_chan_recv(there, &v) == 0;) go_chan_send(back, &v);
      go_chan_close(back);
    }, nullptr);
    for (int i = 0, v; i < kRounds; i++) {
      go_chan_send(there, &i);
      go_chan_recv(back, &v);
    }
    go_chan_close(there);
    int v;
    if (go_chan_recv(back, &v) != GO_ECLOSED) abort();
    go_chan_free(there);
    go_chan_free(back);
  }), GO_OK);
  // Now and then the system keeps their thread from running: then they look idle to the other.
  EXPECT_LT(Stats().steals - before, kRounds / 20);
}

// What is readied by a goroutine that then does not let go of its thread runs on the other.
TEST(Steal, WhatABusyGoroutineReadiesRunsElsewhere) {
  ASSERT_EQ(RunOnTwo([] {
    static go_waitgroup done;
    static std::atomic<int> ran;
    constexpr int kTimes = 100;
    ran = 0;
    go_waitgroup_add(&done, 1);
    if (go_chan_new(sizeof(int), 0, &c) != 0) abort();
    go_preempt_off();
    go_spawn(nullptr, [](void *) {
      for (int v; go_chan_recv(c, &v) == 0;) ran++;
      go_waitgroup_done(&done);
    }, nullptr);
    for (int i = 0; i < kTimes; i++) {
      go_chan_send(c, &i);
      while (ran <= i) {  // nothing here lets another goroutine run
      }
    }
    go_preempt_on();
    go_chan_close(c);
    go_waitgroup_wait(&done);
    go_chan_free(c);
  }), GO_OK);
}

}  // namespace
