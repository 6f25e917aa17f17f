// segment_test.cc: calls on stacks of their own (go_call_on_stack, runtime/stack/growth/segment.c),
// and what that does under the other strategies.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <string>
#include <vector>

#include "tests/child.h"
#include "tests/goroutine.h"

namespace {

constexpr size_t kKiB = 1 << 10, kMiB = 1 << 20;

int CallWith(size_t bytes, const Body &fn) {
  return go_call_on_stack(bytes, CallBody, const_cast<Body *>(&fn));
}

bool Same(const struct go_stack_bounds &a, const struct go_stack_bounds &b) {
  return a.lo == b.lo && a.hi == b.hi;
}

uint64_t StacksInUse() {
  uint64_t n = 0;
  const struct go_stats s = Stats();
  for (uint64_t in_class : s.stacks_by_class) n += in_class;
  return n;
}

// Writes all of the bytes it was promised, and reads them back.
__attribute__((noinline)) bool Fill(size_t bytes) {
  volatile char *frame = static_cast<volatile char *>(__builtin_alloca(bytes));
  for (size_t i = 0; i < bytes; i++) frame[i] = static_cast<char>(i * 7);
  for (size_t i = 0; i < bytes; i++)
    if (frame[i] != static_cast<char>(i * 7)) return false;
  return true;
}

// ---- Every strategy ----------------------------------------------------------------------------

struct Job {
  size_t bytes;
  bool filled;
  Job *self;
};

void DoJob(void *p) {
  Job *job = static_cast<Job *>(p);
  go_yield();
  job->filled = job->self == job && Fill(job->bytes);
}

TEST(ACall, HasTheStackThatItAsksForUnderEveryStrategy) {
  for (int i = 0; const char *growth = go_growth_name(i); i++) {
    if (DeadlocksTsan(growth)) continue;
    std::vector<size_t> failed;
    ASSERT_EQ(RunFirst(SmallStacks(growth), [&] {
      for (size_t bytes = 16; bytes <= 3 * kMiB; bytes = bytes * 3 / 2) {
        Job job = {bytes, false, &job};  // on this stack: it follows a move
        if (go_call_on_stack(bytes, DoJob, &job) != GO_OK || !job.filled) failed.push_back(bytes);
      }
    }), GO_OK);
    EXPECT_EQ(failed, std::vector<size_t>()) << growth;
  }
}

TEST(ACall, ThatCannotBeMadeIsNotMade) {
  const auto never = [](void *called) { *static_cast<bool *>(called) = true; };
  static bool called;
  called = false;
  EXPECT_EQ(go_call_on_stack(16, never, &called), GO_ENOTG);
  for (int i = 0; const char *growth = go_growth_name(i); i++) {
    int none = 1, beyond = 1, most = 1;
    go_config config = SmallStacks(growth);
    config.stack_max = 64 * kKiB;
    ASSERT_EQ(RunFirst(config, [&] {
      none = go_call_on_stack(16, nullptr, nullptr);
      beyond = go_call_on_stack(64 * kKiB, never, &called);
      most = go_call_on_stack(SIZE_MAX, never, &called);
    }), GO_OK);
    EXPECT_EQ(none, GO_EINVAL) << growth;
    EXPECT_EQ(beyond, GO_ELIMIT) << growth;
    EXPECT_EQ(most, GO_ELIMIT) << growth;
  }
  EXPECT_FALSE(called);
}

// ---- Where a call runs -------------------------------------------------------------------------

TEST(Segment, ACallThatFitsStaysOnItsStack) {
  struct go_stack_bounds before = {}, in = {};
  const uint64_t made = Stats().segments_made;
  ASSERT_EQ(RunFirst(SmallStacks("segment"), [&] {
    before = Bounds();
    CallWith(1024, [&] { in = Bounds(); });
  }), GO_OK);
  EXPECT_TRUE(Same(before, in));
  EXPECT_EQ(before.hi - before.lo, 8 * kKiB);
  EXPECT_EQ(Stats().segments_made, made);
}

TEST(Segment, ACallThatDoesNotRunsElsewhereAndComesBack) {
  struct go_stack_bounds before = {}, in = {}, after = {};
  uintptr_t sp = 0;
  ASSERT_EQ(RunFirst(SmallStacks("segment"), [&] {
    before = Bounds();
    CallWith(20 * kKiB, [&] {
      in = Bounds();
      char local;
      sp = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
      local = 0;
      asm volatile("" ::"r"(&local) : "memory");
    });
    after = Bounds();
  }), GO_OK);
  EXPECT_FALSE(Same(before, in));
  EXPECT_TRUE(Same(before, after));
  EXPECT_EQ(in.hi - in.lo, 32 * kKiB);
  EXPECT_GT(sp, in.lo);
  EXPECT_LT(sp, in.hi);
  EXPECT_GE(sp - in.lo, 20 * kKiB);
}

TEST(Segment, ACheckpointOnlyLooks) {
  int there = 1, lacking = 1, beyond = 1;
  ASSERT_EQ(RunFirst(SmallStacks("segment"), [&] {
    there = go_checkpoint(1024);
    lacking = go_checkpoint(20 * kKiB);
    beyond = go_checkpoint(size_t{2} << 30);
  }), GO_OK);
  EXPECT_EQ(there, GO_OK);
  EXPECT_EQ(lacking, GO_ESTRATEGY);
  EXPECT_EQ(beyond, GO_ELIMIT);
}

// Frames that name each other over the boundaries, from the heap too: nothing moves.
struct Level {
  Level *above;
  int depth;
  uint64_t sum;
  std::vector<Level *> *all;
};

void Down(void *p) {
  Level *above = static_cast<Level *>(p);
  Level here = {above, above->depth - 1, 0, above->all};
  here.all->push_back(&here);
  if (here.depth % 16 == 0) go_yield();
  if (here.depth > 0 && go_call_on_stack(3000, Down, &here) != GO_OK) abort();
  if ((*here.all)[here.all->size() - 1] != &here) abort();
  here.all->pop_back();
  above->sum = here.sum + static_cast<uint64_t>(here.depth);
}

uint64_t GoDown(int depth) {
  std::vector<Level *> all;
  Level top = {nullptr, depth, 0, &all};
  if (go_call_on_stack(3000, Down, &top) != GO_OK) abort();
  return top.sum;
}

TEST(Segment, DeepRecursionTakesFewSegmentsAndLeavesOne) {
  const uint64_t made = Stats().segments_made;
  uint64_t sum = 0, left = 99, in_use = StacksInUse();
  ASSERT_EQ(RunFirst(SmallStacks("segment"), [&] {
    sum = GoDown(2000);
    left = Stats().segments;
  }), GO_OK);
  EXPECT_EQ(sum, 2000u * 1999 / 2);
  const uint64_t segments = Stats().segments_made - made;
  EXPECT_GE(segments, 4u);
  EXPECT_LE(segments, 16u) << "each is twice as large as the last";
  EXPECT_EQ(left, 1u);
  EXPECT_EQ(Stats().segments, 0u);
  EXPECT_EQ(StacksInUse(), in_use);
}

// ---- The hot split -----------------------------------------------------------------------------

TEST(Segment, ALoopAtTheBoundaryTakesOneSegment) {
  struct go_stats first = {}, last = {};
  int ran = 0;
  ASSERT_EQ(RunFirst(SmallStacks("segment"), [&] {
    CallWith(20 * kKiB, [&] { ran++; });
    first = Stats();
    for (int i = 0; i < 10000; i++) CallWith(20 * kKiB, [&] { ran++; });
    for (int i = 0; i < 10000; i++) CallWith(12 * kKiB, [&] { ran++; });
    last = Stats();
  }), GO_OK);
  EXPECT_EQ(ran, 20001);
  EXPECT_EQ(last.segments_made, first.segments_made);
  EXPECT_EQ(last.pool_hits, first.pool_hits);
  EXPECT_EQ(last.pool_misses, first.pool_misses);
}

// The loop's calls are made from a segment, and the kept one is the next.
TEST(Segment, SoDoesALoopAtTheBoundaryOfASegment) {
  struct go_stats first = {}, last = {};
  uint64_t during = 0;
  ASSERT_EQ(RunFirst(SmallStacks("segment"), [&] {
    CallWith(8 * kKiB, [&] {
      CallWith(100 * kKiB, [] {});
      first = Stats();
      for (int i = 0; i < 1000; i++) CallWith(100 * kKiB, [&] { during = Stats().segments; });
      last = Stats();
    });
  }), GO_OK);
  EXPECT_EQ(last.segments_made, first.segments_made);
  EXPECT_EQ(during, 2u);
  EXPECT_EQ(last.segments, 2u) << "one in use, one kept";
}

TEST(Segment, ALargerCallReplacesTheKeptSegment) {
  uint64_t now = 0;
  const uint64_t made = Stats().segments_made;
  ASSERT_EQ(RunFirst(SmallStacks("segment"), [&] {
    CallWith(20 * kKiB, [] {});
    CallWith(2 * kMiB, [] {});
    CallWith(20 * kKiB, [&] { now = Stats().segments; });
  }), GO_OK);
  EXPECT_EQ(Stats().segments_made - made, 2u);
  EXPECT_EQ(now, 1u);
}

// ---- The limit ---------------------------------------------------------------------------------

struct Deepest {
  int depth, error;
  uintptr_t hi;   // of the last stack
  size_t bytes;   // of all stacks
};

void UntilRefused(void *p) {
  Deepest *d = static_cast<Deepest *>(p);
  d->depth++;
  const struct go_stack_bounds here = Bounds();
  if (here.hi != d->hi) d->bytes += here.hi - here.lo;
  d->hi = here.hi;
  const int error = go_call_on_stack(3000, UntilRefused, d);
  if (error) d->error = error;
}

TEST(Segment, AllStacksTogetherAreWithinTheLimit) {
  Deepest d = {};
  go_config config = SmallStacks("segment");
  config.stack_max = 100 * kKiB;
  const uint64_t before = Stats().segments_made;
  ASSERT_EQ(RunFirst(config, [&] { UntilRefused(&d); }), GO_OK);
  EXPECT_EQ(d.error, GO_ELIMIT);
  EXPECT_GT(d.depth, 10);
  EXPECT_EQ(d.bytes, 100 * kKiB);
  EXPECT_EQ(Stats().segments_made - before, 3u) << "16, 32 and 44 KiB";
}

__attribute__((noinline)) int Endless(int n) {
  volatile char frame[256];
  frame[0] = static_cast<char>(n);
  return n < 0 ? n : Endless(n + 1) + frame[0];
}

TEST(SegmentDeathTest, AnOverflowThereIsToldAsAnyOther) {
  EXPECT_EXIT(RunFirst(SmallStacks("segment"), [] { CallWith(20 * kKiB, [] { Endless(0); }); }),
              testing::KilledBySignal(SIGABRT),
              "^stacklab: goroutine [0-9]+: stack overflow: this strategy cannot grow on a fault "
              "\\(strategy segment, size 32768 bytes, limit 1073741824, needed [0-9]+, fault "
              "address 0x[0-9a-f]+, pc 0x[0-9a-f]+\\)\n");
}

// ---- Ends --------------------------------------------------------------------------------------

TEST(Segment, AGoroutineMayEndOnOneAndItsDeferredFunctionsRun) {
  for (const bool panics : {false, true}) {
    const uint64_t in_use = StacksInUse();
    static std::string log;
    log.clear();
    struct go_stack_bounds first = {}, next = {};
    ASSERT_EQ(RunFirst(SmallStacks("segment"), [&] {
      static go_waitgroup done;
      const Body ends = [&, panics] {
        first = Bounds();
        go_deferred outer, inner;
        go_panic_handler([](void *, const char *why) { log += why; }, nullptr);
        go_defer(&outer, [](void *) {
          log += " outer";
          go_waitgroup_done(&done);
        }, nullptr);
        CallWith(20 * kKiB, [&] {
          CallWith(200 * kKiB, [&] {
            const int local = 7;
            go_defer(&inner, [](void *p) { log += std::to_string(*static_cast<int *>(p)); },
                     const_cast<int *>(&local));
            CallWith(20 * kKiB, [] {});
            if (panics) go_panic("why ");
            go_goexit();
          });
        });
      };
      go_waitgroup_add(&done, 1);
      if (go_spawn(nullptr, CallBody, const_cast<Body *>(&ends)) != GO_OK) abort();
      go_waitgroup_wait(&done);
      const Body after = [&] {
        next = Bounds();
        go_waitgroup_done(&done);
      };
      go_waitgroup_add(&done, 1);
      if (go_spawn(nullptr, CallBody, const_cast<Body *>(&after)) != GO_OK) abort();
      go_waitgroup_wait(&done);
    }), GO_OK);
    EXPECT_EQ(log, panics ? "why 7 outer" : "7 outer");
    EXPECT_TRUE(Same(first, next)) << "the first stack is the goroutine's again";
    EXPECT_EQ(Stats().segments, 0u);
    EXPECT_EQ(StacksInUse(), in_use);
  }
}

TEST(Segment, OneThatIsDroppedThereLeavesNothing) {
  const uint64_t in_use = StacksInUse();
  static go_waitgroup never;
  never = {};
  uint64_t during = 0;
  ASSERT_EQ(RunFirst(SmallStacks("segment"), [&] {
    go_waitgroup_add(&never, 1);
    for (int i = 0; i < 20; i++) {
      go_spawn(nullptr, [](void *) {
        CallWith(20 * kKiB, [] { CallWith(50 * kKiB, [] { go_waitgroup_wait(&never); }); });
      }, nullptr);
    }
    go_yield();
    during = Stats().segments;
  }), GO_OK);
  EXPECT_EQ(during, 40u);
  EXPECT_EQ(Stats().segments, 0u);
  EXPECT_EQ(StacksInUse(), in_use);
}

// ---- Many --------------------------------------------------------------------------------------

// They yield, park and, where that is on, are interrupted there; and go on on other threads.
TEST(Segment, ManyGoroutinesGoUpAndDownOnManyThreads) {
  static std::atomic<int> right;
  static go_waitgroup done;
  right = 0;
  go_config config = SmallStacks("segment");
  config.maxprocs = Gomaxprocs(4);
  ASSERT_EQ(RunFirst(config, [] {
    go_waitgroup_add(&done, 100);
    for (uintptr_t i = 0; i < 100; i++) {
      go_spawn(nullptr, [](void *n) {
        const int depth = 100 + static_cast<int>(reinterpret_cast<uintptr_t>(n)) % 50;
        for (int k = 0; k < 20; k++) {
          right += GoDown(depth) == static_cast<uint64_t>(depth * (depth - 1) / 2);
          go_yield();
        }
        go_waitgroup_done(&done);
      }, reinterpret_cast<void *>(i));
    }
    go_waitgroup_wait(&done);
  }), GO_OK);
  EXPECT_EQ(right, 2000);
  EXPECT_EQ(Stats().segments, 0u);
}

TEST(Segment, OneThatSpinsThereIsInterrupted) {
  if (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
    GTEST_SKIP() << "the sanitizer's runtime is in our own text: no preemption";
#ifndef __clang__
  GTEST_SKIP() << "gcc puts the runtime's code where all code goes: no preemption";
#endif
  static std::atomic<bool> stop;
  stop = false;
  const uint64_t before = Stats().preemptions;
  ASSERT_EQ(RunFirst(SmallStacks("segment"), [] {
    static go_waitgroup done;
    go_waitgroup_add(&done, 1);
    go_spawn(nullptr, [](void *) {
      CallWith(20 * kKiB, [] {
        while (!stop) __asm__ volatile("");
        if (!Fill(16 * kKiB)) abort();
      });
      go_waitgroup_done(&done);
    }, nullptr);
    go_yield();
    stop = true;
    go_waitgroup_wait(&done);
  }), GO_OK);
  EXPECT_GT(Stats().preemptions, before);
}

// ---- Giving memory back ------------------------------------------------------------------------

// Whole pages go back: what a goroutine uses of two segments, 20 and 50 KiB if a page has 4.
const size_t kUsed = 5 * os_pagesize(), kUsedNext = 25 * os_pagesize() / 2;

// A goroutine that has been on a segment and waits: what go_shrink says of it, how many segments
// there are before and after, and how much memory they and its first stack have.
struct Given {
  int64_t gave, again;
  uint64_t shrinks, segments[2];
  size_t first[2], in_use[2], kept[2];
  bool went_on;
};

struct {
  struct go_stack_bounds first, in_use, kept;
  go_chan *channel;
  bool on_a_segment, went_on;
} waiter;

void LeaveASegmentAndWait() {
  CallWith(kUsedNext, [] {
    waiter.kept = Bounds();
    Fill(kUsedNext);
  });
  go_chan_recv(waiter.channel, nullptr);
}

void Waiter(void *) {
  waiter.first = Bounds();
  if (!waiter.on_a_segment) {
    LeaveASegmentAndWait();
  } else {
    int local = 7;
    int *volatile pointer = &local;
    CallWith(kUsed, [&] {
      waiter.in_use = Bounds();
      Fill(kUsed);
      LeaveASegmentAndWait();
      *pointer += local + Fill(kUsed);
    });
    if (local != 15) abort();
  }
  waiter.went_on = true;
  CallWith(kUsedNext, [] { waiter.went_on = Fill(kUsedNext); });
}

void Look(Given *g, int when) {
  g->segments[when] = Stats().segments;
  g->first[when] = Resident(waiter.first);
  g->kept[when] = Resident(waiter.kept);
  g->in_use[when] = waiter.on_a_segment ? Resident(waiter.in_use) : 0;
}

Given ShrinkOne(bool on_a_segment) {
  Given g = {};
  waiter = {};
  waiter.on_a_segment = on_a_segment;
  EXPECT_EQ(RunFirst(SmallStacks("segment"), [&] {
    const uint64_t shrinks = Stats().shrinks;
    go_chan_new(0, 0, &waiter.channel);
    go_spawn(nullptr, Waiter, nullptr);
    go_yield();
    Look(&g, 0);
    g.gave = go_shrink(0);
    g.again = go_shrink(0);
    Look(&g, 1);
    g.shrinks = Stats().shrinks - shrinks;
    go_chan_close(waiter.channel);
    go_yield();
    go_chan_free(waiter.channel);
  }), GO_OK);
  EXPECT_TRUE(waiter.went_on);
  return g;
}

TEST(Segment, OfAGoroutineThatWaitsGoesBackWithItsMemory) {
  const Given g = ShrinkOne(false);
  EXPECT_EQ(g.gave, 1);
  EXPECT_EQ(g.again, 0) << "it has had its turn";
  EXPECT_EQ(g.shrinks, 1u);
  EXPECT_EQ(g.segments[0], 1u);
  EXPECT_EQ(g.segments[1], 0u);
  EXPECT_GE(g.kept[0], kUsedNext);
  EXPECT_EQ(g.kept[1], 0u) << "the pool has it, without memory";
  EXPECT_EQ(g.first[1], g.first[0]);
}

TEST(Segment, OneThatIsWaitedOnKeepsItsFramesAndNoMore) {
  const Given g = ShrinkOne(true);
  EXPECT_EQ(g.gave, 1);
  EXPECT_EQ(g.shrinks, 1u) << "both together are one";
  EXPECT_EQ(g.segments[0], 2u);
  EXPECT_EQ(g.segments[1], 1u);
  EXPECT_EQ(g.kept[1], 0u);
  EXPECT_GE(g.in_use[0], kUsed);
  EXPECT_LE(g.in_use[1], 3 * os_pagesize());
  EXPECT_GT(g.in_use[1], 0u);
  EXPECT_EQ(g.first[1], g.first[0]);
}

TEST(Segment, WhoHasTakenNoneGivesNothing) {
  int64_t gave = -1;
  ASSERT_EQ(RunFirst(SmallStacks("segment"), [&] {
    go_chan_new(0, 0, &waiter.channel);
    go_spawn(nullptr, [](void *) { go_chan_recv(waiter.channel, nullptr); }, nullptr);
    go_yield();
    gave = go_shrink(0);
    go_chan_close(waiter.channel);
    go_yield();
    go_chan_free(waiter.channel);
  }), GO_OK);
  EXPECT_EQ(gave, 0);
}

// ---- Without memory ----------------------------------------------------------------------------

TEST(Segment, ACallWithoutMemorySaysSoAndCanBeMadeLater) {
  int refused = 0, made = 0;
  for (uint64_t seed = 1; seed <= 100; seed++) {
    go_config config = SmallStacks("segment");
    config.seed = seed;
    config.fail_every = 3;
    RunFirst(config, [&] {
      for (int i = 0; i < 10; i++) {
        bool called = false;
        const int error = CallWith(20 * kKiB * static_cast<size_t>(i + 1), [&] { called = true; });
        if ((error == GO_OK) != called) abort();
        refused += error == GO_EMAP;
        made += error == GO_OK;
        if (error != GO_OK && error != GO_EMAP) abort();
      }
    });
    ASSERT_EQ(Stats().segments, 0u);
  }
  EXPECT_GT(refused, 50);
  EXPECT_GT(made, 50);
}

}  // namespace
