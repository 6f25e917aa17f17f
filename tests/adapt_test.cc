// adapt_test.cc: GO_STACKADAPT: goroutines begin as large as others of their function have grown
// to, never beyond the limit, and not for ever.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "runtime/stack/adapt.h"
#include "tests/goroutine.h"

namespace {

go_waitgroup done;
std::atomic<size_t> last_began;  // the first size of the last goroutine to begin

// Stacks are whole pages, so sizes are stated in quarters of one: KiB, where a page has four.
const size_t K = os_pagesize() / 4;

// GO_STACKADAPT that learns no more than 256 of them, as "on" does where they are KiB.
const std::string on_text = K == 1024 ? "on" : std::to_string(256 * K);
const char *const kOn = on_text.c_str();

size_t SizeNow() {
  const struct go_stack_bounds b = Bounds();
  return b.hi - b.lo;
}

// Grows at a checkpoint, which works under ThreadSanitizer too, and has one growth each.
void Use(size_t bytes) {
  last_began = SizeNow();
  if (bytes > 0 && go_checkpoint(bytes) != GO_OK) abort();
  go_waitgroup_done(&done);
}

// Two first functions.
void Deep(void *bytes) { Use(reinterpret_cast<size_t>(bytes)); }
void Other(void *bytes) {
  Use(reinterpret_cast<size_t>(bytes));
  __asm__ volatile("");
}

// Its guard is touched.
void Faults(void *bytes) {
  last_began = SizeNow();
  auto *p = static_cast<volatile char *>(__builtin_alloca(reinterpret_cast<size_t>(bytes)));
  p[0] = 1;
  go_waitgroup_done(&done);
}

// Grows on a fault, too, where that can be.
const char *Grower() {
  return Available("signal+checkpoint") ? "signal+checkpoint" : "checkpoint";
}

void SpawnOne(void (*fn)(void *), size_t bytes, size_t max = 0, size_t initial = 8 * K,
              const char *growth = Grower()) {
  const go_spawn_options options = {growth, initial, max};
  go_waitgroup_add(&done, 1);
  if (go_spawn(&options, fn, reinterpret_cast<void *>(bytes)) != GO_OK) abort();
}

// Its first size.
size_t One(void (*fn)(void *), size_t bytes, size_t max = 0, size_t initial = 8 * K,
           const char *growth = Grower()) {
  SpawnOne(fn, bytes, max, initial, growth);
  go_waitgroup_wait(&done);
  return last_began;
}

struct Did {
  uint64_t growths, larger;
};

Did Adapted(const char *adapt, const Body &fn, int maxprocs = 1) {
  go_config c = SmallStacks("reserve");
  c.maxprocs = maxprocs;
  c.stack_adapt = adapt;
  const struct go_stats before = Stats();
  if (RunFirst(c, fn) != GO_OK) abort();
  const struct go_stats after = Stats();
  return {after.growths - before.growths, after.starts_larger - before.starts_larger};
}

TEST(Adapt, OneAfterTheOtherGrowsAFewTimesOnly) {
  const Body thousand = [] {
    for (int i = 0; i < 1000; i++) One(Deep, 40 * K);
  };
  const Did off = Adapted(nullptr, thousand);
  EXPECT_EQ(off.growths, 1000u);
  EXPECT_EQ(off.larger, 0u);
  const Did on = Adapted(kOn, thousand);
  EXPECT_LE(on.growths, 4u);  // the first, and trials after 128, 256, 512
  EXPECT_EQ(on.larger, 999u);
}

TEST(Adapt, ManyAtOnceGrowAFewTimesOnly) {
  const Body thousand = [] {
    for (int i = 0; i < 1000; i++) SpawnOne(Deep, 40 * K);
    go_waitgroup_wait(&done);
  };
  EXPECT_LE(Adapted(kOn, thousand).growths, 4u);
  // Those that begin on other threads before the first has grown do not know yet.
  EXPECT_LE(Adapted(kOn, thousand, 4).growths, 12u);
}

TEST(Adapt, LearnsFromFaults) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer holds signals back";
  SKIP_UNLESS_AVAILABLE("signal");
  const Did on = Adapted(kOn, [] {
    for (int i = 0; i < 1000; i++) One(Faults, 40 * K, 0, 8 * K, "signal");
  });
  EXPECT_LE(on.growths, 3u + 3u);  // to 64K by doublings, since frames are probed page by page
}

TEST(Adapt, MixedLoadsAreLearntByFunction) {
  size_t deep = 0, shallow = 0;
  const Did on = Adapted(kOn, [&] {
    for (int i = 0; i < 500; i++) {
      deep = One(Deep, i % 4 ? 100 : 100 * K);  // one in four is deep
      shallow = One(Other, 100);
    }
  });
  EXPECT_EQ(deep, 128 * K);
  EXPECT_EQ(shallow, 8 * K);
  EXPECT_LE(on.growths, 10u);
}

TEST(Adapt, StaysWithinItsLimitAndTheGoroutines) {
  size_t on = 0, by_max = 0, large = 0, small = 0, reserve = 0;
  Adapted(kOn, [&] {
    One(Deep, 1000 * K);
    on = One(Deep, 100);
    by_max = One(Deep, 100, 50 * K);
    large = One(Deep, 100, 0, 512 * K);
    reserve = One(Deep, 100, 1024 * K, 8 * K, "reserve");
  });
  Adapted(std::to_string(64 * K).c_str(), [&] {
    One(Deep, 1000 * K);
    small = One(Deep, 100);
  });
  EXPECT_EQ(on, 256 * K);
  EXPECT_EQ(by_max, 32 * K);
  EXPECT_EQ(large, 512 * K);
  EXPECT_EQ(reserve, 1024 * K);
  EXPECT_EQ(small, 64 * K);
}

TEST(Adapt, OneDeepRunIsForgottenInTime) {
  int until = 0;
  const Did on = Adapted(kOn, [&] {
    One(Deep, 200 * K);
    for (until = 1; until < 10000 && One(Deep, 100) > 8 * K; until++) continue;
  });
  EXPECT_EQ(on.growths, 1u);
  EXPECT_EQ(until, 5 * RT_ADAPT_EVERY);  // from 256K to 8K in five halvings
}

TEST(Adapt, ForgetsWhenAskedAndWhenARunBegins) {
  size_t learnt = 0, forgotten = 0, next = 0;
  Adapted(kOn, [&] {
    One(Deep, 40 * K);
    learnt = One(Deep, 40 * K);
    go_stack_adapt_forget();
    forgotten = One(Deep, 40 * K);
  });
  Adapted(kOn, [&] { next = One(Deep, 100); });
  EXPECT_EQ(learnt, 64 * K);
  EXPECT_EQ(forgotten, 8 * K);
  EXPECT_EQ(next, 8 * K);
}

TEST(Adapt, IsTheSameInEveryDeterministicRun) {
  uint64_t digests[2];
  for (uint64_t &digest : digests) {
    go_config c = SmallStacks("reserve");
    c.stack_adapt = kOn;
    c.seed = 7;
    ASSERT_EQ(RunFirst(c, [] {
                for (int i = 0; i < 200; i++) SpawnOne(Deep, i % 3 * 20 * K);
                go_waitgroup_wait(&done);
              }),
              GO_OK);
    digest = go_schedule_digest();
  }
  EXPECT_EQ(digests[0], digests[1]);
}

TEST(Adapt, IsInTheProfile) {
  go_profile_start(1);
  std::string text;
  Adapted(kOn, [] {
    for (int i = 0; i < 10; i++) One(Deep, 40 * K);
  });
  go_profile_stop();
  const auto append = [](void *to, const char *piece, size_t bytes) {
    static_cast<std::string *>(to)->append(piece, bytes);
    return 0;
  };
  ASSERT_EQ(go_profile_write_to(append, &text, GO_PROFILE_TABLE), GO_OK);
  std::string size = 64 * K < 1 << 20 ? std::to_string(64 * K >> 10) + "K" : "1M";
  size.resize(9, ' ');
  EXPECT_NE(text.find("first sizes learnt (GO_STACKADAPT)\n"
                      "   starts  size     trial in  entry\n"
                      "        9  " + size + "128       "),
            std::string::npos)
      << text;
}

// ---- The table alone ---------------------------------------------------------------------------

struct Table : testing::Test {
  void SetUp() override { rt_adapt_init(256 * K); }
  void TearDown() override { rt_adapt_init(0); }
  static size_t First(uintptr_t fn, size_t initial = 8 * K, size_t max = 1 << 30) {
    return rt_adapt_first(fn, initial, max, &trial);
  }
  // Starts goroutines until one is a trial; returns how many it took.
  static int UntilTrial(uintptr_t fn) {
    for (int n = 1; n < 1 << 20; n++)
      if (First(fn), trial) return n;
    return -1;
  }
  static rt_adapt_entry Entry(uintptr_t fn) {
    rt_adapt_entry e = {};
    for (uint32_t i = 0; rt_adapt_at(i, &e); i++)
      if (e.fn == fn) return e;
    return rt_adapt_entry{};
  }
  static inline bool trial;
};

TEST_F(Table, RemembersEachOfSomeHundredFunctions) {
  std::mt19937 random(1);  // so that some want the same entry first
  std::vector<uintptr_t> fns(400);
  for (uintptr_t &fn : fns) fn = uintptr_t{random()} << 4;
  for (size_t i = 0; i < fns.size(); i++) rt_adapt_grown(fns[i], (16 * K) << i % 4, false);
  for (size_t i = 0; i < fns.size(); i++) EXPECT_EQ(First(fns[i]), (16 * K) << i % 4) << i;
}

TEST_F(Table, AskingForAFunctionThatHasNotGrownLeavesNoTrace) {
  EXPECT_EQ(First(0x7770), 8 * K);
  EXPECT_FALSE(trial);
  rt_adapt_fitted(0x7770, 8 * K);
  EXPECT_EQ(Entry(0x7770).fn, 0u);
}

TEST_F(Table, WhatIsLearntNeverBecomesLessByAGrowth) {
  rt_adapt_grown(0x2000, 64 * K, false);
  rt_adapt_grown(0x2000, 16 * K, false);
  EXPECT_EQ(Entry(0x2000).size, 64 * K);
}

TEST_F(Table, ATrialIsALesserSizeThanTheGoroutineWouldHaveHad) {
  rt_adapt_grown(0x2000, 64 * K, false);
  for (int i = 0; i < 2 * RT_ADAPT_EVERY; i++) {
    EXPECT_EQ(First(0x2000, 64 * K), 64 * K);
    ASSERT_FALSE(trial) << "it asks for as much itself";
  }
  // Up to its limit it is one as any other.
  int n = 1;
  while (First(0x2000, 8 * K, 64 * K), !trial) n++;
  EXPECT_EQ(n, RT_ADAPT_EVERY);
}

TEST_F(Table, CountsThoseThatBeganLarger) {
  rt_adapt_grown(0x2000, 16 * K, false);
  for (int i = 1; i < RT_ADAPT_EVERY; i++) First(0x2000);
  EXPECT_EQ(Entry(0x2000).larger, RT_ADAPT_EVERY - 1u);
  EXPECT_EQ(First(0x2000), 8 * K);
  EXPECT_TRUE(trial);
  EXPECT_EQ(Entry(0x2000).larger, RT_ADAPT_EVERY - 1u) << "half of it is what it asks for";
  for (int i = 1; i < RT_ADAPT_EVERY; i++) First(0x2000, 12 * K);
  EXPECT_EQ(First(0x2000, 12 * K), 12 * K) << "half of it is less";
}

TEST_F(Table, AGrowthToWhatIsLearntMisledNobody) {
  rt_adapt_grown(0x2000, 64 * K, false);
  UntilTrial(0x2000);
  rt_adapt_fitted(0x2000, 32 * K);
  EXPECT_EQ(Entry(0x2000).size, 32 * K);
  for (size_t size : {32 * K, 16 * K}) {
    rt_adapt_grown(0x2000, size, false);
    EXPECT_EQ(Entry(0x2000).every, unsigned{RT_ADAPT_EVERY});
  }
  rt_adapt_grown(0x2000, 64 * K, false);
  EXPECT_EQ(Entry(0x2000).every, 4u * RT_ADAPT_EVERY) << "now it seems that it only seemed to fit";
  rt_adapt_grown(0x2000, 128 * K, false);
  EXPECT_EQ(Entry(0x2000).every, 4u * RT_ADAPT_EVERY) << "and this is another matter";
}

TEST_F(Table, ATrialThatEndsWhenMoreWasLearntTellsNothing) {
  rt_adapt_grown(0x2000, 64 * K, false);
  UntilTrial(0x2000);
  rt_adapt_grown(0x2000, 64 * K, true);
  const uint32_t every = Entry(0x2000).every;
  rt_adapt_grown(0x2000, 256 * K, false);
  rt_adapt_fitted(0x2000, 32 * K);
  EXPECT_EQ(Entry(0x2000).size, 256 * K);
  EXPECT_EQ(Entry(0x2000).every, every);
  rt_adapt_grown(0x2000, 256 * K, false);
  EXPECT_EQ(Entry(0x2000).every, every);
}

// Others go on beginning while it runs.
TEST_F(Table, ATrialThatEndsLateIsFollowedByTheNextAtOnce) {
  rt_adapt_grown(0x2000, 64 * K, false);
  UntilTrial(0x2000);
  rt_adapt_grown(0x2000, 64 * K, true);
  EXPECT_EQ(UntilTrial(0x2000), 2 * RT_ADAPT_EVERY);
  for (int i = 0; i < RT_ADAPT_EVERY + 10; i++) First(0x2000);
  rt_adapt_fitted(0x2000, 32 * K);
  EXPECT_EQ(UntilTrial(0x2000), 1);
}

TEST_F(Table, ForgetsAllOfIt) {
  for (uintptr_t fn = 1; fn <= 20 * RT_ADAPT_ENTRIES; fn++) rt_adapt_grown(fn << 4, 64 * K, false);
  rt_adapt_forget();
  rt_adapt_entry e;
  for (uint32_t i = 0; i < RT_ADAPT_ENTRIES; i++) {
    ASSERT_TRUE(rt_adapt_at(i, &e));
    EXPECT_EQ(e.size, 0u) << i;
  }
  EXPECT_FALSE(rt_adapt_at(RT_ADAPT_ENTRIES, &e));
  EXPECT_FALSE(rt_adapt_at(RT_ADAPT_ENTRIES + 1, &e));
}

TEST_F(Table, ForgetsHowOftenItTried) {
  rt_adapt_grown(0x2000, 64 * K, false);
  UntilTrial(0x2000);
  rt_adapt_grown(0x2000, 64 * K, true);
  UntilTrial(0x2000);
  rt_adapt_fitted(0x2000, 32 * K);
  for (int i = 0; i < 10; i++) First(0x2000);
  rt_adapt_grown(0x2000, 32 * K, true);
  rt_adapt_forget();
  EXPECT_EQ(Entry(0x2000).every, unsigned{RT_ADAPT_EVERY});
  EXPECT_EQ(Entry(0x2000).larger, 0u);
  rt_adapt_grown(0x2000, 64 * K, false);
  EXPECT_EQ(Entry(0x2000).every, unsigned{RT_ADAPT_EVERY}) << "nobody was misled";
  EXPECT_EQ(UntilTrial(0x2000), RT_ADAPT_EVERY);
}

TEST_F(Table, TriesEverLessOftenWhereItIsNoUse) {
  rt_adapt_grown(0x1000, 64 * K, false);
  int trials = 0;
  for (int i = 0; i < 1000000; i++) {
    bool trial;
    const size_t size = rt_adapt_first(0x1000, 8 * K, 1 << 30, &trial);
    ASSERT_EQ(size, trial ? 32 * K : 64 * K);
    if (trial) rt_adapt_grown(0x1000, 64 * K, true);
    trials += trial;
  }
  // 128, 256, ... 65536 apart: ten, then one in 65,536.
  EXPECT_EQ(trials, 10 + (1000000 - 2 * 65536 + 128) / 65536);
}

TEST_F(Table, TriesLessOftenAfterATrialThatMisled) {
  rt_adapt_grown(0x1000, 64 * K, false);
  int last = 0, trials = 0;
  for (int i = 1; i < 1000000 && trials < 4; i++) {
    bool trial;
    rt_adapt_first(0x1000, 8 * K, 1 << 30, &trial);
    if (!trial) continue;
    EXPECT_EQ(i - last, trials ? 2 * RT_ADAPT_EVERY << trials : RT_ADAPT_EVERY);
    rt_adapt_fitted(0x1000, 32 * K);              // it was shallow,
    rt_adapt_grown(0x1000, 64 * K, false);        // and the next was not
    last = i;
    trials++;
  }
  EXPECT_EQ(trials, 4);
}

TEST_F(Table, KnowsNoMoreFunctionsThanItHasRoomFor) {
  for (uintptr_t fn = 1; fn <= 20 * RT_ADAPT_ENTRIES; fn++) rt_adapt_grown(fn << 4, 64 * K, false);
  int learnt = 0;
  for (uintptr_t fn = 1; fn <= 20 * RT_ADAPT_ENTRIES; fn++) {
    bool trial;
    const size_t size = rt_adapt_first(fn << 4, 8 * K, 1 << 30, &trial);
    ASSERT_TRUE(size == 8 * K || size == 64 * K);
    learnt += size == 64 * K;
  }
  EXPECT_GT(learnt, RT_ADAPT_ENTRIES / 2);
  EXPECT_LE(learnt, RT_ADAPT_ENTRIES);
}

TEST_F(Table, GivesPowersOfTwoWithinItsLimitsWhateverThreadsTellIt) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (uint32_t k = 1; k <= 4; k++)
    threads.emplace_back([&wrong, k] {
      uint32_t random = k;
      for (int i = 0; i < 100000; i++) {
        random = random * 1664525 + 1013904223;
        const uintptr_t fn = 0x1000 + (random >> 28) * 16;
        const size_t max = (4 * K) << (random >> 8) % 9;
        bool trial;
        const size_t size = rt_adapt_first(fn, 4 * K, max, &trial);
        wrong += size < 4 * K || size > max || size > 256 * K || (size & (size - 1)) != 0;
        if ((random >> 16) % 3 == 0)
          rt_adapt_grown(fn, size * 2, trial);
        else if (trial)
          rt_adapt_fitted(fn, size);
        if (random % 4096 == 0) rt_adapt_forget();
      }
    });
  for (std::thread &t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
