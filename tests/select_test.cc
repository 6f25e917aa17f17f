// Select: which case it takes, fairness, waiting, and nothing lost when many compete.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <vector>

#include "tests/goroutine.h"

namespace {

go_chan *New(size_t elem, size_t cap) {
  go_chan *c = nullptr;
  if (go_chan_new(elem, cap, &c) != GO_OK) abort();
  return c;
}

constexpr int kChans = 4;
go_chan *chans[kChans];
go_waitgroup done;

class Select : public testing::Test {
 protected:
  static void Make(size_t cap) {
    for (auto &c : chans) c = New(8, cap);
  }
  void TearDown() override {
    for (auto &c : chans) {
      go_chan_free(c);
      c = nullptr;
    }
  }
};
class ConcurrentSelect : public Select {};

TEST_F(Select, AnswersBadArguments) {
  int results[5] = {};
  go_case one = {};
  EXPECT_EQ(go_select(&one, 1), GO_ENOTG);
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    go_case bad = {};
    bad.dir = static_cast<go_dir>(7);
    results[0] = go_select(&one, -1);
    results[1] = go_select(nullptr, 1);
    results[2] = go_select(&bad, 1);
    results[3] = go_select_try(nullptr, 0);
    results[4] = go_select_until(nullptr, 0, go_nanotime() + GO_MILLISECOND);
  }), GO_OK);
  EXPECT_EQ(results[0], GO_EINVAL);
  EXPECT_EQ(results[1], GO_EINVAL);
  EXPECT_EQ(results[2], GO_EINVAL);
  EXPECT_EQ(results[3], GO_EAGAIN);
  EXPECT_EQ(results[4], GO_ETIMEDOUT);
}

TEST_F(Select, TakesTheCaseThatCanGoOn) {
  Make(1);
  std::vector<int> taken;
  int64_t got = 0, none = 0, received = 0;
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    int64_t v = 5, w = 6;
    go_case cases[] = {{GO_RECV, chans[0], &got, 9}, {GO_RECV, nullptr, &got, 9},
                       {GO_SEND, nullptr, &v, 9},    {GO_SEND, chans[1], &v, 9}};
    taken.push_back(go_select(cases, 4));      // only the send can
    taken.push_back(go_select_try(cases, 4));  // nothing can: chans[1] is full
    go_chan_send(chans[0], &w);
    taken.push_back(go_select(cases, 4));
    go_chan_recv(chans[1], &received);
    go_chan_close(chans[0]);
    go_chan_close(chans[1]);
    got = 99;
    none = go_select(cases, 1);
    taken.push_back(cases[0].result);
    taken.push_back(go_select(&cases[3], 1));
    taken.push_back(cases[3].result);
  }), GO_OK);
  EXPECT_EQ(taken, (std::vector<int>{3, GO_EAGAIN, 0, GO_ECLOSED, 0, GO_ECLOSED}));
  EXPECT_EQ(received, 5);
  EXPECT_EQ(none, 0);
  EXPECT_EQ(got, 0);  // zeroed by the closed channel
}

TEST_F(Select, IsFair) {
  Make(0);
  int taken[kChans] = {};
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    for (auto &c : chans) go_chan_close(c);
    for (int i = 0; i < 8000; i++) {
      go_case cases[kChans];
      for (int k = 0; k < kChans; k++) cases[k] = {GO_RECV, chans[k], nullptr, 0};
      taken[go_select(cases, kChans)]++;
    }
  }), GO_OK);
  for (const int n : taken) EXPECT_NEAR(n, 2000, 300);  // seven standard deviations
}

TEST_F(Select, WaitsForAnyCase) {
  Make(0);
  std::vector<int> taken;
  std::vector<int64_t> values;
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    for (uintptr_t k = 0; k < kChans; k++) {
      Go([](void *which) {
        const int64_t v = 100 + static_cast<int64_t>(reinterpret_cast<uintptr_t>(which));
        go_yield();
        if (v % 2) {
          go_chan_send(chans[v - 100], &v);
        } else {
          int64_t in = 0;
          go_chan_recv(chans[v - 100], &in);
          if (in != 7) abort();
        }
      }, reinterpret_cast<void *>(k));
    }
    for (int i = 0; i < kChans; i++) {
      int64_t in[kChans] = {}, out = 7;
      go_case cases[kChans];
      for (int k = 0; k < kChans; k++)
        cases[k] = {k % 2 ? GO_RECV : GO_SEND, chans[k], k % 2 ? &in[k] : &out, 9};
      const int k = go_select(cases, kChans);
      if (cases[k].result != GO_OK) abort();
      taken.push_back(k);
      values.push_back(in[k]);
    }
  }), GO_OK);
  std::vector<bool> seen(kChans);
  for (size_t i = 0; i < taken.size(); i++) {
    seen[taken[i]] = true;
    EXPECT_EQ(values[i], taken[i] % 2 ? 100 + taken[i] : 0);
  }
  EXPECT_EQ(seen, std::vector<bool>(kChans, true));
}

TEST_F(Select, NeverMeetsItself) {
  Make(0);
  int both = 0, later = -1;
  int64_t in = 0;
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    int64_t out = 1;
    go_case cases[] = {{GO_SEND, chans[0], &out, 0}, {GO_RECV, chans[0], &in, 0},
                       {GO_RECV, chans[0], &in, 0}};
    both = go_select_try(cases, 3);
    Go([](void *) {
      int64_t v = 3;
      go_chan_send(chans[0], &v);
    });
    later = go_select(cases, 3);
  }), GO_OK);
  EXPECT_EQ(both, GO_EAGAIN);
  EXPECT_GE(later, 1);
  EXPECT_EQ(in, 3);
}

TEST_F(Select, HasAsManyCasesAsItLikes) {
  constexpr int kMany = 1000;
  static std::vector<go_chan *> many(kMany);
  static std::vector<go_case> cases(kMany);
  for (auto &c : many) c = New(4, 0);
  int chosen = -1, timed = 0;
  static int value;
  value = 0;
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    for (int k = 0; k < kMany; k++) cases[k] = {GO_RECV, many[k], &value, 0};
    timed = go_select_until(cases.data(), kMany, go_nanotime() + GO_MILLISECOND);
    Go([](void *) {
      const int v = 41;
      go_chan_send(many[777], &v);
    });
    chosen = go_select(cases.data(), kMany);
  }), GO_OK);
  EXPECT_EQ(timed, GO_ETIMEDOUT);
  EXPECT_EQ(chosen, 777);
  EXPECT_EQ(value, 41);
  for (auto &c : many) go_chan_free(c);
}

__attribute__((noinline)) int Deep(int levels) {
  volatile char frame[512];
  frame[0] = static_cast<char>(levels);
  return levels == 0 ? frame[0] : Deep(levels - 1) + 1;
}

// The elements lie on a stack that moves before, while and after the select waits.
TEST_F(Select, ElementsFollowTheStack) {
  for (int i = 0; go_growth_name(i); i++) {
    if (DeadlocksTsan(go_growth_name(i))) continue;
    Make(0);
    go_config config = Procs(2, go_growth_name(i));
    config.stack_debug = "forcemove";
    static std::atomic<int64_t> sum;
    sum = 0;
    static bool deep;
    deep = GrowsOnFault(go_growth_name(i));
    ASSERT_EQ(RunFirst(config, [] {
      go_waitgroup_add(&done, 10);
      for (int k = 0; k < 10; k++) {
        Go([](void *) {
          for (int n = 0; n < 40; n++) {
            int64_t in[kChans] = {};
            go_case cases[kChans];
            for (int j = 0; j < kChans; j++) cases[j] = {GO_RECV, chans[j], &in[j], 0};
            const int chosen = go_select(cases, kChans);
            for (int j = 0; j < kChans; j++)
              if ((in[j] != 0) != (j == chosen)) abort();
            sum += in[chosen];
            if (deep) Deep(n);
          }
          go_waitgroup_done(&done);
        });
      }
      for (int64_t v = 1; v <= 400; v++) go_chan_send(chans[v % kChans], &v);
      go_waitgroup_wait(&done);
    }), GO_OK);
    EXPECT_EQ(sum, 400 * 401 / 2) << go_growth_name(i);
    TearDown();
  }
}

// Selects over the same channels in every order, sending and receiving: all of what was sent, and
// nothing else, is received; and none waits for the other's lock.
TEST_F(ConcurrentSelect, NothingIsLostNorDoubled) {
  static std::atomic<int64_t> sent, received;
  for (const int procs : {1, 2, 4}) {
    for (const size_t cap : {size_t{0}, size_t{2}}) {
      Make(cap);
      sent = received = 0;
      ASSERT_EQ(RunFirst(Procs(procs), [] {
        go_waitgroup_add(&done, 8);
        for (uintptr_t who = 0; who < 8; who++) {
          Go([](void *arg) {
            const uintptr_t self = reinterpret_cast<uintptr_t>(arg);
            for (int64_t i = 1; i <= 30; i++) {
              int64_t out = i, in = 0;
              go_case cases[kChans];
              for (uintptr_t k = 0; k < kChans; k++) {
                const uintptr_t at = self % 2 ? k : kChans - 1 - k;
                const bool send = (self + at) % 2;
                cases[k] = {send ? GO_SEND : GO_RECV, chans[at], send ? &out : &in, 0};
              }
              const int k = go_select_until(cases, kChans, go_nanotime() + 500 * (i % 7));
              if (k == GO_ETIMEDOUT) continue;
              if (cases[k].dir == GO_SEND) sent += out;
              received += in;
            }
            go_waitgroup_done(&done);
          }, reinterpret_cast<void *>(who));
        }
        go_waitgroup_wait(&done);
        int64_t in = 0;
        for (auto &c : chans)
          while (go_chan_try_recv(c, &in) == GO_OK) received += in;
      }), GO_OK);
      EXPECT_EQ(sent, received);
      TearDown();
    }
  }
}

// A select that can only time out holds no lock that keeps its goroutine: it may be selecting anew
// before the M it left has done with the last one.
TEST_F(ConcurrentSelect, OfNothingUntilADeadline) {
  static std::atomic<int64_t> sent, received;
  for (const int procs : {1, 2, 4}) {
    Make(3);
    sent = received = 0;
    ASSERT_EQ(RunFirst(Procs(procs), [] {
      go_waitgroup_add(&done, 4);
      for (uintptr_t who = 0; who < 4; who++) {
        Go([](void *arg) {
          const bool send = reinterpret_cast<uintptr_t>(arg) % 2;
          const go_dir dir = send ? GO_SEND : GO_RECV;
          for (int64_t i = 1; i <= 200; i++) {
            int64_t v = i;
            go_case none = {GO_RECV, nullptr, nullptr, 0};
            if (i % 20 == 0 && go_select_until(&none, 1, go_nanotime()) != GO_ETIMEDOUT) abort();
            go_case cases[] = {{dir, chans[0], &v, 0}, {dir, chans[1], &v, 0}};
            if (go_select_try(cases, 2) >= 0) (send ? sent : received) += v;
          }
          go_waitgroup_done(&done);
        }, reinterpret_cast<void *>(who));
      }
      go_waitgroup_wait(&done);
      for (int64_t v, k = 0; k < 2; k++)
        while (go_chan_try_recv(chans[k], &v) == GO_OK) received += v;
    }), GO_OK);
    EXPECT_EQ(sent, received);
    TearDown();
  }
}

// Plain receivers against selects, and a close at the end that ends them all.
TEST_F(ConcurrentSelect, AgainstPlainOperations) {
  static std::atomic<int64_t> received;
  for (const int procs : {1, 2, 4}) {
    Make(0);
    received = 0;
    ASSERT_EQ(RunFirst(Procs(procs), [] {
      go_waitgroup_add(&done, 6);
      for (int who = 0; who < 3; who++) {
        Go([](void *) {
          int64_t in = 0;
          while (go_chan_recv(chans[0], &in) == GO_OK) received += in;
          go_waitgroup_done(&done);
        });
        Go([](void *) {
          for (;;) {
            int64_t in = 0;
            go_case cases[] = {{GO_RECV, chans[1], &in, 0}, {GO_RECV, chans[0], &in, 0}};
            const int k = go_select(cases, 2);
            if (cases[k].result != GO_OK) break;
            received += in;
          }
          go_waitgroup_done(&done);
        });
      }
      for (int64_t v = 1; v <= 100; v++) {
        go_case cases[] = {{GO_SEND, chans[0], &v, 0}, {GO_SEND, chans[1], &v, 0}};
        go_select(cases, 2);
      }
      go_chan_close(chans[0]);
      go_chan_close(chans[1]);
      go_waitgroup_wait(&done);
    }), GO_OK);
    EXPECT_EQ(received, 100 * 101 / 2);
    TearDown();
  }
}

// One element that is always in one of two channels: there is no moment at which nothing can be
// received, though whoever looks at one after the other may find both empty.
TEST_F(ConcurrentSelect, SaysThatNothingCanGoOnOnlyOfOneMoment) {
  static std::atomic<int> wrong;
  for (const int procs : {1, 2, 4}) {
    wrong = 0;
    ASSERT_EQ(RunFirst(Procs(procs), [] {
      for (int round = 0; round < 40; round++) {
        Make(1);
        int64_t v = 1;
        go_chan_send(chans[round % 2], &v);
        go_waitgroup_add(&done, 1);
        Go([](void *arg) {
          const intptr_t from = reinterpret_cast<intptr_t>(arg);
          int64_t moved = 1;
          go_chan_send(chans[1 - from], &moved);
          go_chan_try_recv(chans[from], &moved);
          go_waitgroup_done(&done);
        }, reinterpret_cast<void *>(static_cast<intptr_t>(round % 2)));
        if (round % 3 == 0) go_yield();
        go_case cases[] = {{GO_RECV, chans[0], &v, 0}, {GO_RECV, chans[1], &v, 0}};
        if (go_select_try(cases, 2) < 0) wrong++;
        go_waitgroup_wait(&done);
        for (auto &c : chans) go_chan_free(c);
      }
      for (auto &c : chans) c = nullptr;
    }), GO_OK);
    EXPECT_EQ(wrong, 0);
  }
}

// So many that they are sorted in another way than few are; half of the goroutines name them
// backwards.
TEST_F(ConcurrentSelect, ManyChannelsAreLockedInOneOrder) {
  constexpr int kMany = 20;
  static go_chan *many[kMany];
  static std::atomic<int64_t> received;
  for (const int procs : {1, 2, 4}) {
    received = 0;
    for (auto &c : many) c = New(8, 0);
    ASSERT_EQ(RunFirst(Procs(procs), [] {
      go_waitgroup_add(&done, 4);
      for (uintptr_t who = 0; who < 4; who++) {
        Go([](void *arg) {
          const uintptr_t self = reinterpret_cast<uintptr_t>(arg);
          for (int64_t i = 1; i <= 20; i++) {
            int64_t v = i;
            go_case cases[kMany];
            for (int k = 0; k < kMany; k++)
              cases[k] = {self < 2 ? GO_SEND : GO_RECV, many[self % 2 ? k : kMany - 1 - k], &v, 0};
            go_select(cases, kMany);
            if (self >= 2) received += v;
          }
          go_waitgroup_done(&done);
        }, reinterpret_cast<void *>(who));
      }
      go_waitgroup_wait(&done);
    }), GO_OK);
    EXPECT_EQ(received, 2 * 20 * 21 / 2);
    for (auto &c : many) go_chan_free(c);
  }
}

}  // namespace
