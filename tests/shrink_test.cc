// Goroutines that wait give memory back, and find everything where it was (runtime/sched/shrink.c,
// runtime/stack/growth/shrink.c).
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "runtime/go.h"
extern "C" {
#include "runtime/os/os.h"
#include "runtime/sched/shrink.h"
}
#include "tests/goroutine.h"

namespace {

constexpr size_t kDeep = 200 << 10;
constexpr int kFrame = 2048, kLeg = 2;  // asks for more once in so many frames
constexpr size_t kAsked = (kLeg + 2) * kFrame;

// Uses `bytes` of stack in frames that hold a pointer into the one above, and checks it on the way
// back; what `bottom` does happens at the lowest.
template <typename Fn>
struct Descent {
  size_t bytes;
  const unsigned *above;
  const Fn *bottom;
};

template <typename Fn>
void Descend(void *arg) {
  const Descent<Fn> *from = static_cast<const Descent<Fn> *>(arg);
  unsigned here[kFrame / sizeof(unsigned)];
  for (unsigned &w : here) w = from->above[&w - here] + 1;
  if (from->bytes > kFrame) {
    Descent<Fn> next = {from->bytes - kFrame, here, from->bottom};
    if (next.bytes / kFrame % kLeg)
      Descend<Fn>(&next);
    else if (go_call_on_stack(kAsked, Descend<Fn>, &next) != GO_OK)
      abort();
  } else {
    (*from->bottom)();
  }
  unsigned wrong = 0;
  for (unsigned &w : here) wrong += w != from->above[&w - here] + 1;
  if (wrong) abort();
}

template <typename Fn>
__attribute__((noinline)) void DescendAnd(size_t bytes, const Fn &bottom) {
  unsigned top[kFrame / sizeof(unsigned)];
  for (unsigned &w : top) w = static_cast<unsigned>(&w - top);
  Descent<Fn> first = {bytes, top, &bottom};
  if (go_call_on_stack(kAsked, Descend<Fn>, &first) != GO_OK) abort();
}

size_t Size() { return Bounds().hi - Bounds().lo; }

// What a goroutine parks on, with an element on its stack where there is one.
struct Wait {
  const char *name;
  int64_t (*wait)();
};

go_chan *channel, *never;
go_mutex mutex;
go_waitgroup group;

const Wait kWaits[] = {
    {"receive", [] {
       int64_t v = 0;
       go_chan_recv(channel, &v);
       return v;
     }},
    {"receive_until", [] {
       int64_t v = 0;
       go_chan_recv_until(channel, &v, INT64_MAX);
       return v;
     }},
    {"select", [] {
       int64_t v = 0, w = 0, u = 7;
       go_case cases[] = {{GO_RECV, never, &w, 0},
                          {GO_RECV, channel, &v, 0},
                          {GO_RECV, channel, &v, 0},
                          {GO_SEND, never, &u, 0}};
       go_select(cases, 4);
       return v;
     }},
    {"waitgroup", [] {
       go_waitgroup_wait(&group);
       return int64_t{42};
     }},
    {"mutex", [] {
       go_mutex_lock(&mutex);
       go_mutex_unlock(&mutex);
       return int64_t{42};
     }},
    {"sleep", [] {
       go_sleep(50 * GO_MILLISECOND);
       return int64_t{42};
     }},
};

const Wait *waits;
std::atomic<int64_t> got;
std::atomic<bool> ended;
std::atomic<size_t> size_first, size_before, size_after;

void Waiter(void *) {
  size_first = Size();
  DescendAnd(kDeep, [] {});
  size_before = Size();
  int64_t local = 1;
  int64_t *volatile pointer = &local;
  const int64_t v = waits->wait();
  *pointer += v;
  size_after = Size();
  got = local - 1;
  DescendAnd(kDeep, [] {});  // and grows again
  ended = true;
}

// Everything that a Waiter may wait for.
void LetGo() {
  const int64_t v = 42;
  go_chan_try_send(channel, &v);
  go_waitgroup_done(&group);
  go_mutex_unlock(&mutex);
}

class Waiting
    : public ::testing::TestWithParam<std::tuple<const char *, const Wait *, int>> {};

TEST_P(Waiting, GivesMemoryBackAndFindsItsFramesAgain) {
  const auto [growth, wait, procs] = GetParam();
  if (DeadlocksTsan(growth))
    GTEST_SKIP() << "TSan blocks signals in handlers: a fault there is the end";
  waits = wait;
  got = 0;
  ended = false;
  int64_t gave = -1, again = -1;
  go_config config = SmallStacks(growth);
  config.maxprocs = procs;
  const uint64_t before = Stats().shrinks;
  ASSERT_EQ(RunFirst(config, [&] {
    go_chan_new(sizeof(int64_t), 0, &channel);
    go_chan_new(sizeof(int64_t), 0, &never);
    group = {};
    go_waitgroup_add(&group, 1);
    go_mutex_lock(&mutex);
    if (go_spawn(nullptr, Waiter, nullptr) != 0) abort();
    while (Stats().waiting != 1) go_yield();
    // It may be waiting, and yet on its way there: the lock of what it waits on is still held,
    // while the poller is opened for the first deadline of the run, perhaps.
    for (int tries = 0; tries < 1000000 && (gave = go_shrink(0)) == 0; tries++) go_yield();
    again = go_shrink(0);
    LetGo();
    while (!ended) go_yield();
    go_chan_free(channel);
    go_chan_free(never);
  }), 0);
  EXPECT_EQ(got, 42);
  EXPECT_EQ(gave, 1);
  EXPECT_EQ(again, 0) << "it has had its turn in this wait";
  EXPECT_EQ(Stats().shrinks - before, 1u);
  if (go_growth_moves(growth) || rt_growth_find(growth)->decommit) {
    EXPECT_GE(size_first, config.stack_initial);
    EXPECT_LE(size_first, WholePages(config.stack_initial));
    EXPECT_GE(size_before, kDeep);
    // What checks have had asked for, on behalf of code without, is kept.
    const size_t kept = rt_growth_find(growth)->mark_bytes ? 32768 : 0;
    EXPECT_EQ(size_after, std::max(size_first.load(), kept));
  } else {
    EXPECT_EQ(size_after, size_before);
  }
}

std::vector<const char *> Strategies() {
  return Growths([](const rt_growth &growth) { return growth.shrink != nullptr; });
}

std::vector<const Wait *> Waits() {
  std::vector<const Wait *> all;
  for (const Wait &w : kWaits) all.push_back(&w);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Each, Waiting,
                         ::testing::Combine(::testing::ValuesIn(Strategies()),
                                            ::testing::ValuesIn(Waits()),
                                            ::testing::Values(1, 2)),
                         [](const auto &info) {
                           return Plain(std::get<0>(info.param)) + "_" +
                                  std::get<1>(info.param)->name + "_" +
                                  std::to_string(std::get<2>(info.param));
                         });

// ---- Who does not ----------------------------------------------------------------------------

// One goroutine that parks with `live` bytes in use of a stack that has been kDeep: what go_shrink
// says of it.
int64_t ShrinkOneThatUses(size_t live, const char *growth, size_t *size) {
  int64_t gave = -1;
  go_config config = SmallStacks(growth);
  config.asyncpreempt = "off";  // one go_yield is to do for it
  EXPECT_EQ(RunFirst(config, [&] {
    static size_t uses;
    uses = live;
    go_chan_new(0, 0, &channel);
    go_spawn(nullptr, [](void *) {
      DescendAnd(kDeep, [] {});
      size_before = Size();
      DescendAnd(uses, [] { go_chan_recv(channel, nullptr); });
      size_after = Size();
    }, nullptr);
    go_yield();
    gave = go_shrink(0);
    go_chan_close(channel);
    go_yield();
    go_chan_free(channel);
  }), 0);
  *size = size_after;
  return gave;
}

TEST(AStack, ThatIsMoreThanAQuarterFullStays) {
  size_t size;
  EXPECT_EQ(ShrinkOneThatUses(100 << 10, "checkpoint", &size), 0);
  EXPECT_EQ(size, size_before);
}

TEST(AStack, BecomesTheLeastThatIsHalfEmpty) {
  size_t size;
  EXPECT_EQ(ShrinkOneThatUses(20 << 10, "checkpoint", &size), 1);
  EXPECT_EQ(size, 64u << 10);
}

// Nor does one count as shrunk that takes whole pages anyway.
TEST(AStack, ThatIsNoLargerThanAtFirstGivesNothing) {
  for (const char *growth : Strategies()) {
    if (!rt_growth_find(growth)->decommit && !go_growth_moves(growth)) continue;
    if (DeadlocksTsan(growth)) continue;
    int64_t gave = -1;
    const uint64_t before = Stats().shrinks;
    ASSERT_EQ(RunFirst(SmallStacks(growth), [&] {
      go_chan_new(0, 0, &channel);
      go_spawn(nullptr, [](void *) { go_chan_recv(channel, nullptr); }, nullptr);
      while (Stats().waiting != 1) go_yield();
      gave = go_shrink(0);
      go_chan_close(channel);
      go_yield();
      go_chan_free(channel);
    }), 0);
    EXPECT_EQ(gave, 0) << growth;
    EXPECT_EQ(Stats().shrinks, before) << growth;
  }
}

TEST(AGoroutine, ThatHasNotWaitedForSoLongIsLeftAlone) {
  int64_t soon = -1, late = -1;
  go_config config = SmallStacks("checkpoint");
  config.seed = 1;  // time passes when nothing else does
  ASSERT_EQ(RunFirst(config, [&] {
    go_chan_new(0, 0, &channel);
    go_spawn(nullptr, [](void *) {
      DescendAnd(kDeep, [] {});
      go_chan_recv(channel, nullptr);
    }, nullptr);
    while (Stats().waiting != 1) go_yield();
    go_sleep(GO_SECOND);
    soon = go_shrink(2 * int64_t{GO_SECOND});
    go_sleep(2 * int64_t{GO_SECOND});
    late = go_shrink(2 * int64_t{GO_SECOND});
    go_chan_close(channel);
    go_yield();
    while (Stats().waiting + Stats().runnable > 0) go_yield();
    go_chan_free(channel);
  }), 0);
  EXPECT_EQ(soon, 0);
  EXPECT_EQ(late, 1);
}

TEST(Shrinking, IsForGoroutines) { EXPECT_EQ(go_shrink(0), GO_ENOTG); }

// ---- Memory ----------------------------------------------------------------------------------

TEST(Reserve, DropsThePagesBelowTheStackPointer) {
  size_t before = 0, after = 0;
  static struct go_stack_bounds bounds;
  go_config config = SmallStacks("reserve");
  config.stack_reserve = 1 << 20;
  ASSERT_EQ(RunFirst(config, [&] {
    go_chan_new(0, 0, &channel);
    go_spawn(nullptr, [](void *) {
      bounds = Bounds();
      DescendAnd(kDeep, [] {});
      go_chan_recv(channel, nullptr);
    }, nullptr);
    go_yield();
    before = Resident(bounds);
    go_shrink(0);
    after = Resident(bounds);
    go_chan_close(channel);
    go_yield();
    go_chan_free(channel);
  }), 0);
  if (before == 0) GTEST_SKIP() << "this system does not tell what is in memory";
  EXPECT_GE(before, kDeep);
  EXPECT_LE(after, WholePages(32 << 10));
}

// ---- Races -----------------------------------------------------------------------------------

// Pairs pass numbers to and fro, from stack to stack, while others shrink whoever waits.
constexpr int kPairs = 8, kPasses = 60;

// Large, so that it is on its way for a while.
struct Element {
  int64_t v;
  int64_t copies[1000];
};

void Set(Element *e, int64_t v) {
  e->v = v;
  for (int64_t &c : e->copies) c = v;
}

Element Make(int64_t v) {
  Element e;
  Set(&e, v);
  return e;
}

void Check(const Element &e) {
  for (const int64_t &c : e.copies)
    if (c != e.v) abort();
}

struct Pair {
  go_chan *there, *back;
  std::atomic<int64_t> sum;
};
Pair pairs[kPairs];
std::atomic<int> running;

void Ping(void *p) {
  Pair *pair = static_cast<Pair *>(p);
  for (int64_t i = 0; i < kPasses; i++) {
    if (i % 4 == 0) DescendAnd(100 << 10, [] {});
    Element v = Make(i), w = Make(0);
    go_chan_send(pair->there, &v);
    v = w;
    if (i % 2) {
      go_chan_recv(pair->back, &v);
    } else {
      go_case cases[] = {{GO_RECV, never, &w, 0}, {GO_RECV, pair->back, &v, 0}};
      if (go_select(cases, 2) != 1) abort();
    }
    Check(v);
    pair->sum += v.v;
  }
  running--;
}

void Pong(void *p) {
  Pair *pair = static_cast<Pair *>(p);
  for (int i = 0; i < kPasses; i++) {
    Element v = Make(0);
    go_chan_recv(pair->there, &v);
    Check(v);
    DescendAnd(static_cast<size_t>(i % 5) << 15, [&v] { Set(&v, 2 * v.v); });
    go_chan_send(pair->back, &v);
  }
  running--;
}

TEST(ConcurrentShrinking, LeavesElementsOnTheirWayAlone) {
  go_config config = SmallStacks("checkpoint");
  config.maxprocs = Gomaxprocs(4);
  config.stack_initial = 64 << 10;
  ASSERT_EQ(RunFirst(config, [] {
    running = 2 * kPairs;
    go_chan_new(sizeof(Element), 0, &never);
    for (Pair &pair : pairs) {
      pair.sum = 0;
      go_chan_new(sizeof(Element), 0, &pair.there);
      go_chan_new(sizeof(Element), 0, &pair.back);
      if (go_spawn(nullptr, Ping, &pair) != 0 || go_spawn(nullptr, Pong, &pair) != 0) abort();
    }
    while (running > 0) {
      go_shrink(0);
      go_yield();
    }
    for (Pair &pair : pairs) {
      go_chan_free(pair.there);
      go_chan_free(pair.back);
    }
    go_chan_free(never);
  }), 0);
  for (const Pair &pair : pairs) EXPECT_EQ(pair.sum, kPasses * (kPasses - 1));
}

// ---- The policy ------------------------------------------------------------------------------

TEST(ThePolicy, DoublesTheWaitOfThoseThatComeBackSoon) {
  uint8_t soon = 0;
  EXPECT_FALSE(rt_shrink_due(100, 99, &soon));
  for (int i = 0; i < 10; i++) {
    const int64_t due = int64_t{100} << (i < 6 ? i : 6);
    EXPECT_FALSE(rt_shrink_due(100, due - 1, &soon)) << i;
    EXPECT_TRUE(rt_shrink_due(100, due, &soon)) << i;
  }
  EXPECT_TRUE(rt_shrink_due(100, 4 * 6400 + 1, &soon));
  EXPECT_EQ(soon, 0);
}

// How often a goroutine is shrunk that parks 1,000 times for so long, where the policy says 100 and
// a pass comes by every 50.
int ShrunkOf1000Parks(int64_t park) {
  uint8_t soon = 0;
  int64_t began = 7, pass = 0;
  int shrunk = 0;
  for (int i = 0; i < 1000; i++, began += park + 3) {
    bool turn = false;
    for (; pass < began + park; pass += 50)
      if (pass > began && !turn && rt_shrink_due(100, pass - began, &soon)) {
        turn = true;
        shrunk++;
      }
  }
  return shrunk;
}

TEST(ThePolicy, ShrinksThoseThatComeAndGoAFewTimesAndNoMore) {
  EXPECT_EQ(ShrunkOf1000Parks(90), 0);
  EXPECT_EQ(ShrunkOf1000Parks(160), 1);
  EXPECT_EQ(ShrunkOf1000Parks(320), 2);
  for (int64_t park = 50; park < 6400; park += 50) EXPECT_LE(ShrunkOf1000Parks(park), 6) << park;
  EXPECT_EQ(ShrunkOf1000Parks(6000), 6);
  EXPECT_EQ(ShrunkOf1000Parks(7000), 1000) << "64 times as long at most";
}

// Waits, with the policy at work, until a goroutine that waits has given memory back.
int RunWithPolicy(const char *policy, bool *shrunk) {
  go_config config = SmallStacks("checkpoint");
  config.stack_shrink = policy;
  config.maxprocs = 2;
  return RunFirst(config, [&] {
    const uint64_t before = Stats().shrinks;
    go_chan_new(0, 0, &channel);
    go_spawn(nullptr, [](void *) {
      DescendAnd(kDeep, [] {});
      go_chan_recv(channel, nullptr);
    }, nullptr);
    for (int i = 0; i < 5000 && Stats().shrinks == before; i++) go_sleep(GO_MILLISECOND);
    *shrunk = Stats().shrinks > before;
    go_chan_close(channel);
    go_sleep(1);
    go_chan_free(channel);
  });
}

TEST(ThePolicy, ShrinksThoseThatHaveWaitedForItsTime) {
  bool shrunk = false;
  ASSERT_EQ(RunWithPolicy("20ms", &shrunk), 0);
  EXPECT_TRUE(shrunk);
}

TEST(ThePolicy, LeavesDeadlocksToBeSeen) {
  const auto wait = [] {
    go_config config = SmallStacks("checkpoint");
    config.stack_shrink = "10ms,pressure";
    exit(RunFirst(config, [] {
      go_chan_new(0, 0, &channel);
      go_chan_recv(channel, nullptr);
    }));
  };
  EXPECT_EXIT(wait(), Aborted, "all goroutines are asleep");
}

}  // namespace
