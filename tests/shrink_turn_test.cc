// Whose turn it is to give stack back, and what is asked of a stack that does: with the scheduler's
// own records in hand, and passes that come when the test says so (runtime/sched/shrink.c).
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "runtime/arch/arch.h"
#include "runtime/sched/plock.h"
#include "runtime/sched/shrink.h"
#include "tests/goroutine.h"

namespace {

constexpr size_t kDeep = 64 << 10;

go_chan *channel;
rt_g *waiter;

void OnG0(const Body &fn) {
  rt_systemstack([](void *p) { (*static_cast<const Body *>(p))(); }, const_cast<Body *>(&fn));
}

// No pass comes by itself: there is no sysmon on the virtual clock.
go_config WithPolicy(const char *policy, const char *growth = "checkpoint") {
  go_config c = Virtual();
  c.growth = growth;
  c.stack_shrink = policy;
  return c;
}

// One bite of a pass.  True: there is more of it.
bool Pass() {
  bool more = false;
  OnG0([&] {
    atomic_store(&rt_shrinking.wanted, true);
    more = rt_shrink_some(rt_getg()->m);
    atomic_store(&rt_shrinking.wanted, false);
  });
  return more;
}

bool HadItsTurn() { return atomic_load(&waiter->shrink) & RT_SHRUNK; }
int Soon() { return atomic_load(&waiter->shrink) & ~RT_SHRUNK; }

void DoNothing(void *) {}

// Goes deep once and waits on `channel`.
void Wait(void *) {
  waiter = rt_getg();
  if (go_call_on_stack(kDeep, DoNothing, nullptr) != GO_OK) abort();
  go_chan_recv(channel, nullptr);
}

void LetGo() {
  go_chan_close(channel);
  while (Stats().waiting + Stats().runnable > 0) go_yield();
  go_chan_free(channel);
}

// Runs `fn` while `n` goroutines wait.
int WhileTheyWait(const go_config &config, int n, const Body &fn) {
  return RunFirst(config, [&] {
    go_chan_new(0, 0, &channel);
    for (int i = 0; i < n; i++) Go(Wait);
    while (Stats().waiting != static_cast<uint64_t>(n)) go_yield();
    fn();
    LetGo();
  });
}

// ---- What was promised -----------------------------------------------------------------------

class Promised : public ::testing::TestWithParam<const char *> {};

// Uses `bytes` of stack, and is not a tail call.
__attribute__((noinline)) int Use(size_t bytes) {
  volatile char frame[512];
  for (size_t i = 0; i < sizeof frame; i += 64) frame[i] = static_cast<char>(bytes);
  return bytes > sizeof frame ? Use(bytes - sizeof frame) + frame[64] : frame[0];
}

constexpr size_t kPromised = 64 << 10, kUsed = 48 << 10;
size_t size_in_the_call, size_after_it;

void ParkAndUse(void *) {
  go_call_on_stack(100, DoNothing, nullptr);  // an inner promise, less than the outer, and over
  go_chan_recv(channel, nullptr);
  size_in_the_call = Bounds().hi - Bounds().lo;
  Use(kUsed);
}

// A call that may use so much parks, and gives none of it back.
TEST_P(Promised, StackStaysForTheCallThatItWasPromisedTo) {
  if (DeadlocksTsan(GetParam()))
    GTEST_SKIP() << "TSan blocks signals in handlers: a fault there is the end";
  go_config config = SmallStacks(GetParam());
  ASSERT_EQ(RunFirst(config, [&] {
    go_chan_new(0, 0, &channel);
    Go([](void *) {
      if (go_call_on_stack(kPromised, ParkAndUse, nullptr) != GO_OK) abort();
      go_chan_recv(channel, nullptr);
      size_after_it = Bounds().hi - Bounds().lo;
    });
    for (int i = 0; i < 2; i++) {
      while (Stats().waiting != 1) go_yield();
      for (int tries = 0; tries < 10; tries++) go_shrink(0);
      go_chan_send(channel, nullptr);
    }
    while (Stats().waiting + Stats().runnable > 0) go_yield();
    go_chan_free(channel);
  }), GO_OK);
  const rt_growth *growth = rt_growth_find(GetParam());
  if (growth->checkpoint) EXPECT_GE(size_in_the_call, kPromised);
  if (growth->checkpoint && growth->moves) EXPECT_LE(size_after_it, 32u << 10) << "it is over";
}

INSTANTIATE_TEST_SUITE_P(Each, Promised, ::testing::ValuesIn(Growths([](const rt_growth &growth) {
                           return growth.shrink != nullptr;
                         })),
                         [](const auto &info) { return Plain(info.param); });

// ---- Turns -----------------------------------------------------------------------------------

TEST(ATurn, IsCountedWhenItHasBeenHad) {
  bool more = true, busy = true, had = false;
  int soon_while_busy = -1, soon = -1;
  ASSERT_EQ(WhileTheyWait(WithPolicy("1ms"), 1, [&] {
    go_sleep(2 * GO_MILLISECOND);
    OnG0([&] {  // somebody is about to hand it an element
      auto *sudog = reinterpret_cast<rt_sudog *>(reinterpret_cast<char *>(waiter->gs.refs) -
                                                 offsetof(rt_sudog, elem));
      auto *lock = static_cast<struct rt_lock *>(sudog->on);
      rt_plock(lock);
      atomic_store(&rt_shrinking.wanted, true);
      more = rt_shrink_some(rt_getg()->m);
      atomic_store(&rt_shrinking.wanted, false);
      rt_punlock(lock);
    });
    busy = HadItsTurn();
    soon_while_busy = Soon();
    Pass();
    had = HadItsTurn();
    soon = Soon();
  }), GO_OK);
  EXPECT_FALSE(more);
  EXPECT_FALSE(busy);
  EXPECT_EQ(soon_while_busy, 0);
  EXPECT_TRUE(had);
  EXPECT_EQ(soon, 1);
}

TEST(ATurn, IsNoBusinessOfWhoComesNext) {
  rt_g *first = nullptr, *second = nullptr;
  int soon = -1;
  ASSERT_EQ(RunFirst(Virtual(), [&] {
    static int left;
    Go([](void *) {
      waiter = rt_getg();
      atomic_store(&waiter->shrink, uint8_t{6});
    });
    while (Stats().runnable > 0) go_yield();
    first = waiter;
    Go([](void *) {
      waiter = rt_getg();
      left = Soon();
    });
    while (Stats().runnable > 0) go_yield();
    second = waiter;
    soon = left;
  }), GO_OK);
  EXPECT_EQ(first, second) << "the test is about one that takes the other's place";
  EXPECT_EQ(soon, 0);
}

// A select of so many cases stays as it is, once and for all of this wait.
TEST(ATurn, IsLostOnWhoWaitsForTooMuch) {
  bool had = false;
  uint64_t shrunk = 1;
  static constexpr int kCases = 65;
  ASSERT_EQ(RunFirst(WithPolicy("1ms"), [&] {
    go_chan_new(0, 0, &channel);
    Go([](void *) {
      waiter = rt_getg();
      if (go_call_on_stack(kDeep, DoNothing, nullptr) != GO_OK) abort();
      go_case cases[kCases];
      for (go_case &c : cases) c = {GO_RECV, channel, nullptr, 0};
      go_select(cases, kCases);
    });
    while (Stats().waiting != 1) go_yield();
    go_sleep(2 * GO_MILLISECOND);
    const uint64_t before = Stats().shrinks;
    Pass();
    had = HadItsTurn();
    shrunk = Stats().shrinks - before;
    LetGo();
  }), GO_OK);
  EXPECT_TRUE(had);
  EXPECT_EQ(shrunk, 0u);
}

TEST(ATurn, EndsATrialOfTheFirstSize) {
  bool trial = true;
  ASSERT_EQ(WhileTheyWait(WithPolicy("1ms"), 1, [&] {
    waiter->trial = true;
    go_sleep(2 * GO_MILLISECOND);
    Pass();
    trial = waiter->trial;
  }), GO_OK);
  EXPECT_FALSE(trial);
}

// ---- Passes ----------------------------------------------------------------------------------

TEST(APass, DoesNotGoOnForLong) {
  constexpr int kWaiters = 200;
  uint64_t first = 0, all = 0;
  bool more = false;
  ASSERT_EQ(WhileTheyWait(WithPolicy("1ms"), kWaiters, [&] {
    go_sleep(2 * GO_MILLISECOND);
    const uint64_t before = Stats().shrinks;
    more = Pass();
    first = Stats().shrinks - before;
    while (Pass()) continue;
    all = Stats().shrinks - before;
  }), GO_OK);
  EXPECT_TRUE(more);
  EXPECT_GE(first, 16u);
  EXPECT_LE(first, 16u + RT_GCHUNK);
  EXPECT_EQ(all, static_cast<uint64_t>(kWaiters));
}

// It may pass somebody over whose time has yet to come, when nobody parks any more to ask again.
TEST(APass, IsAskedAfterWhileItIsOnItsWay) {
  rt_shrinkpolicy policy = {GO_MILLISECOND, false};
  rt_shrink_init(&policy);
  int64_t again = -1;
  EXPECT_FALSE(rt_shrink_tick(5 * GO_SECOND, &again));
  EXPECT_EQ(again, 0) << "nobody has parked";
  atomic_store(&rt_shrinking.fresh, true);
  EXPECT_TRUE(rt_shrink_tick(6 * GO_SECOND, &again));
  EXPECT_FALSE(rt_shrink_tick(7 * GO_SECOND, &again));
  EXPECT_GT(again, 7 * GO_SECOND);
  EXPECT_LE(again, 7 * GO_SECOND + GO_MILLISECOND);
  policy = {};
  rt_shrink_init(&policy);
}

// ---- Told ------------------------------------------------------------------------------------

class Traced : public ::testing::TestWithParam<const char *> {};

TEST_P(Traced, BeginsWhenItBegan) {
  if (DeadlocksTsan(GetParam()))
    GTEST_SKIP() << "TSan blocks signals in handlers: a fault there is the end";
  const std::string file = std::string(getenv("TEST_TMPDIR")) + "/trace.json";
  go_config config = SmallStacks(GetParam());
  config.trace = file.c_str();
  ASSERT_EQ(WhileTheyWait(config, 1, [&] {
    for (int tries = 0; tries < 10; tries++) go_shrink(0);
  }), GO_OK);
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  const size_t at = text.str().find("\"shrink stack\"");
  ASSERT_NE(at, std::string::npos);
  const std::string event = text.str().substr(at, 200);
  double ts = 0, dur = 0;
  ASSERT_EQ(sscanf(event.c_str() + event.find("\"ts\":"), "\"ts\":%lf,\"dur\":%lf", &ts, &dur), 2)
      << event;
  EXPECT_GT(ts, 0) << event;
  EXPECT_LT(dur, 60e6) << event;
}

// Each has grown, because it was asked to, and has a stack to tell of.
INSTANTIATE_TEST_SUITE_P(Each, Traced, ::testing::ValuesIn(Growths([](const rt_growth &growth) {
                           return growth.checkpoint && GetsSmaller(growth);
                         })),
                         [](const auto &info) { return Plain(info.param); });

}  // namespace
