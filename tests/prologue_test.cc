// prologue_test.cc: stacks that grow where compiled code checks for room: every kind of frame,
// argument and result, at every distance from the end of the stack.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>

#include "runtime/sched/sched.h"
#include "tests/goroutine.h"
#include "tests/prologue.h"
#include "tests/prologue_cases.h"
#include "tests/prologue_regs.h"
#include "tests/prologue_throw.h"
#include "tests/switch_cases.h"

extern "C" {
#include "runtime/arch/arch.h"
#include "runtime/sched/preempt.h"
}

namespace {

struct Grown {
  int goroutines = 0;
  uint64_t growths = 0;
};

// fn on fresh stacks with more and more room, so that some grow at each check on the way down.
Grown AtEveryRoom(const Body &fn, int from = -96, int to = 1200, int step = 8) {
  static go_waitgroup done;
  Grown grown;
  const uint64_t before = Stats().growths;
  const go_spawn_options options = {"prologue", 8192, 0};
  const int error = RunFirst(SmallStacks("reserve"), [&] {
    for (int left = from; left < to; left += step) {
      const Body one = [&fn, left] {
        With(left, fn);
        go_waitgroup_done(&done);
      };
      go_waitgroup_add(&done, 1);
      if (go_spawn(&options, CallBody, const_cast<Body *>(&one)) != GO_OK) abort();
      go_waitgroup_wait(&done);
      grown.goroutines++;
    }
  });
  if (error != GO_OK) abort();
  grown.growths = Stats().growths - before;
  return grown;
}

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(undefined_behavior_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// ---- C at -O0 and -O2 ---------------------------------------------------------------------------

class Checked : public testing::TestWithParam<const prologue_cases *> {
 protected:
  // Every case sees growths, but none more than one or two.
  void Expect(int (*fn)(), int from = -96, int to = 1200) {
    int wrong = 0, times = 0;
    const Grown g = AtEveryRoom([&] {
      const int w = fn();
      if (w) wrong = w;
      times++;
    }, from, to);
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(times, g.goroutines);
    EXPECT_GE(g.growths, 8u);
  }
};

TEST_P(Checked, IntegersInRegistersAndOnTheStack) { Expect(GetParam()->integers); }
TEST_P(Checked, DoublesInRegistersAndOnTheStack) { Expect(GetParam()->doubles); }
TEST_P(Checked, StructuresByValue) { Expect(GetParam()->by_value); }
TEST_P(Checked, StructuresReturnedInMemory) { Expect(GetParam()->returned); }
TEST_P(Checked, Results) { Expect(GetParam()->results); }
TEST_P(Checked, VariableArguments) { Expect(GetParam()->variadic); }
TEST_P(Checked, VectorsWiderThanXmm) { Expect(GetParam()->wide_vectors); }

TEST_P(Checked, FramesOfEverySizeAtEveryRoom) {
  for (int i = 0; i < PROLOGUE_FRAMES; i++) {
    for (const unsigned depth : {0u, 1u, 5u}) {
      int wrong = 0;
      const Grown g = AtEveryRoom([&] {
        const int w = GetParam()->descend(i, depth);
        if (w) wrong = w;
      }, 0, 1200, 48);
      EXPECT_EQ(wrong, 0) << GetParam()->frame_bytes[i] << " bytes, " << depth;
      EXPECT_GE(g.growths, 1u) << GetParam()->frame_bytes[i] << " bytes, " << depth;
    }
  }
}

// 8 KiB to 64 MiB: 13 doublings, or fewer where a frame needs more.
TEST_P(Checked, DeepRecursion) {
  if (kThreadSanitizer) GTEST_SKIP() << "TSan's own stack of calls holds 65,536";
  for (const int i : {0, 6, 12, 13, 14}) {
    int wrong = 0;
    struct go_stack_bounds end = {};
    const unsigned frame = GetParam()->frame_bytes[i] + 48;  // and what a call takes at least
    ASSERT_EQ(RunFirst(SmallStacks("prologue"), [&] {
      wrong = GetParam()->descend(i, (60u << 20) / frame);
      end = Bounds();
    }), GO_OK);
    EXPECT_EQ(wrong, 0) << GetParam()->frame_bytes[i];
    EXPECT_GE(end.hi - end.lo, 64u << 20) << GetParam()->frame_bytes[i];
  }
}

TEST_P(Checked, Allocas) {
  for (const unsigned n : {1u, 2u, 3u, 10u, 300u}) {
    int wrong = 0;
    const Grown g = AtEveryRoom([&] {
      const int w = GetParam()->allocas(n);
      if (w) wrong = w;
    }, 0, 3600, 48);
    EXPECT_EQ(wrong, 0) << n;
    EXPECT_GE(g.growths, 1u) << n;
  }
}

TEST_P(Checked, ArraysOfVariableLength) {
  int wrong = 0;
  const Grown g = AtEveryRoom([&] {
    const int w = GetParam()->vlas(200);
    if (w) wrong = w;
  }, 0, 1200, 48);
  EXPECT_EQ(wrong, 0);
  EXPECT_GE(g.growths, 25u);
}

TEST_P(Checked, CodeWithoutChecksInBetween) {
  int wrong = 0;
  const Grown g = AtEveryRoom([&] {
    const int w = GetParam()->sort(100);
    if (w) wrong = w;
  }, 0, 1200, 96);
  EXPECT_EQ(wrong, 0);
  EXPECT_GE(g.growths, 13u);
}

// Code with checks that calls code without gets 16 KiB more than it needs itself.
TEST_P(Checked, HeadroomForCodeWithoutChecks) {
  struct go_stack_bounds b = {};
  uintptr_t low = 0;
  static uintptr_t *at;
  at = &low;
  ASSERT_EQ(RunFirst(SmallStacks("prologue"), [&] {
    GetParam()->yields(0, [] { *at = rt_getsp(); });
    b = Bounds();
  }), GO_OK);
  // It calls through a pointer: nobody knows.  What sanitizers have added calls more than that.
  if (!kSanitized) EXPECT_EQ(b.hi - b.lo, 8192u);
  ASSERT_EQ(RunFirst(SmallStacks("prologue"), [&] {
    GetParam()->sort(0);
    b = Bounds();
  }), GO_OK);
  EXPECT_EQ(b.hi - b.lo, 32768u);
}

// The stack is asked for once: with forcemove, whatever asks again moves it.
TEST_P(Checked, CallsOfCodeWithoutChecksDoNotAskAgain) {
  go_config config = SmallStacks("prologue");
  config.stack_debug = "forcemove";
  uint64_t moves = 0;
  int wrong = 0;
  ASSERT_EQ(RunFirst(config, [&] {
    const auto all = [] { return Stats().growths + Stats().moves_forced; };
    const uint64_t before = all();
    for (int i = 0; i < 100; i++) wrong |= GetParam()->sort(2);
    moves = all() - before;
  }), GO_OK);
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(moves, 2u);
}

TEST_P(Checked, OnEveryOtherStackNothingHappens) {
  const prologue_cases *c = GetParam();
  const auto all = [c] {
    return c->descend(12, 5) | c->integers() | c->by_value() | c->allocas(3) | c->vlas(20) |
           c->sort(3) | c->variadic();
  };
  EXPECT_EQ(all(), 0) << "a thread of its own";
  const auto call = [&all](int *out) {
    static Body body;
    body = [&all, out] { *out = all(); };
    return &body;
  };
  for (int i = 0; go_growth_name(i); i++) {
    const char *growth = go_growth_name(i);
    if (strcmp(growth, "prologue") == 0 || DeadlocksTsan(growth)) continue;
    int asked = GO_EINVAL, wrong = -1, blocking = -1, on_g0 = -1;
    const uint64_t before = Stats().growths_by_fault;
    const Body each = [&] {
      wrong = all();
      go_blocking(CallBody, call(&blocking));
      rt_systemstack(CallBody, call(&on_g0));
    };
    ASSERT_EQ(RunFirst(SmallStacks(growth), [&] {
      asked = go_call_on_stack(100000, CallBody, const_cast<Body *>(&each));
    }), GO_OK);
    EXPECT_EQ(asked, GO_OK) << growth;
    EXPECT_EQ(wrong | blocking | on_g0, 0) << growth;
    EXPECT_LE(Stats().growths_by_fault - before, 5u);
  }
}

INSTANTIATE_TEST_SUITE_P(C, Checked, testing::Values(&prologue_O0, &prologue_O2),
                         [](const auto &info) { return std::string(info.param->name); });

// ---- Registers ---------------------------------------------------------------------------------

// Growths ask what time it is: for once, of a function that uses all vector registers.
__attribute__((target("avx"))) int64_t ClobberAvx() {
  asm volatile("vzeroall" ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7");
  return 0;
}

// Where little stack is left: AddressSanitizer's memset takes a KiB.
void Clear(prologue_regs *regs) {
  volatile char *p = reinterpret_cast<volatile char *>(regs);
  for (size_t i = 0; i < sizeof *regs; i++) p[i] = 0;
}

TEST(Registers, AllThatMayHoldArgumentsArriveAdjusted) {
  const bool avx = __builtin_cpu_supports("avx");
  for (const int frame : {200, 3000000}) {
    for (const bool wide : {false, true}) {
      if (wide && !avx) continue;
      static prologue_regs in, out;
      int wrong_general = -1, wrong_vector = -1, ran = 0, sp_wrong = 0;
      const Grown g = AtEveryRoom([&] {
        static uintptr_t hi, delta;  // on the stack they would move, too
        hi = Bounds().hi;
        uint64_t pattern = 0x1111111111111111;
        if (avx) rt_growth_options.clock = ClobberAvx;
        for (int i = 0; i < PROLOGUE_GENERAL; i++)
          in.general[i] = i % 3 == 2 ? pattern * (i + 1) : hi - 8 * i;
        for (auto &v : in.vector)
          for (uint64_t &word : v) word = pattern += 0x0101010101010101;
        Clear(&out);
        ran += static_cast<int>(prologue_call(&in, &out, frame, wide));
        delta = Bounds().hi - hi;
        if (kSanitized) go_checkpoint(8192);  // for its memcmp
        for (int i = 0; i < PROLOGUE_GENERAL; i++)
          if (out.general[i] != in.general[i] + (i % 3 == 2 ? 0 : delta)) wrong_general = i;
        for (int i = 0; i < 8; i++)
          if (memcmp(in.vector[i], out.vector[i], wide ? 32 : 16) != 0) wrong_vector = i;
        sp_wrong += delta == 0 ? 0 : rt_getsp() > Bounds().hi || rt_getsp() < Bounds().lo;
      }, 0, 800, 8);
      EXPECT_EQ(ran, g.goroutines) << frame << wide;
      EXPECT_EQ(wrong_general, -1) << frame << wide;
      EXPECT_EQ(wrong_vector, -1) << frame << wide;
      EXPECT_EQ(sp_wrong, 0);
      EXPECT_GE(g.growths, 5u);
    }
  }
  rt_growth_options.clock = nullptr;
}

TEST(Registers, CalleeSavedOnesKeepTheirAdjustedValues) {
  static int wrong;
  for (const prologue_cases *c : {&prologue_O0, &prologue_O2}) {
    static const prologue_cases *now;
    now = c;
    uint64_t failed = 0;
    int bad = 0;
    wrong = 0;
    const Grown g = AtEveryRoom([&] {
      // Not on this stack, where they would move along; and a sanitizer's memcpy would want more
      // than the least room that there is.
      static volatile uintptr_t hi, words[6];
      hi = Bounds().hi;
      words[0] = hi - 8, words[1] = hi, words[2] = hi + 1;
      words[3] = Bounds().lo, words[4] = 42, words[5] = hi - 4096;
      for (int i = 0; i < switch_nsaved; i++) switch_in[i] = words[i];
      failed += switch_check([](void *) { wrong |= now->descend(6, 40); }, nullptr);
      const uintptr_t delta = Bounds().hi - hi;
      for (int i = 0; i < switch_nsaved; i++)
        bad += switch_out[i] != words[i] + (i == 2 || i == 4 ? 0 : delta);
    }, 0, 1200, 48);
    EXPECT_EQ(failed, 0u);
    EXPECT_EQ(bad, 0);
    EXPECT_EQ(wrong, 0);
    EXPECT_GE(g.growths, 25u);
  }
}

// ---- Exceptions, backtraces --------------------------------------------------------------------

TEST(Unwinding, ThrowAcrossGrowths) {
  for (const unsigned below : {0u, 20000u}) {
    PrologueThrown t;
    uint64_t growths = 0;
    ASSERT_EQ(RunFirst(SmallStacks("prologue"), [&] {
      const uint64_t before = Stats().growths;
      t = ThrowFrom(100, below);
      growths = Stats().growths - before;
    }), GO_OK);
    EXPECT_EQ(t.destroyed, 101);
    EXPECT_EQ(t.intact, 101);
    EXPECT_EQ(t.rethrown, 6);
    EXPECT_EQ(t.caught, 42 + 6);
    EXPECT_GE(growths, 1u);
  }
}

TEST(Unwinding, BacktraceThroughAGrownStack) {
  for (const int depth : {0, 10, 1000}) {
    PrologueTrace t;
    ASSERT_EQ(RunFirst(SmallStacks("prologue"), [&] { t = TraceFrom(depth); }), GO_OK);
    EXPECT_EQ(t.frames, depth + 1);
    EXPECT_TRUE(t.whole);
  }
}

// ---- The mark ----------------------------------------------------------------------------------

TEST(Mark, FollowsEverySwitch) {
  EXPECT_EQ(Mark(), 0u);
  struct Seen {
    uintptr_t first, yielded, moved, moved_wanted, called, systemstack, returned, on_g0, back;
    uintptr_t in_call, in_call_wanted, other;
    struct go_stack_bounds bounds;
  };
  static Seen seen;
  seen = {};
  static go_waitgroup done;
  ASSERT_EQ(RunFirst(SmallStacks("reserve"), [&] {
    const go_spawn_options options = {"prologue", 8192, 0};
    go_waitgroup_add(&done, 1);
    go_spawn(&options, [](void *) {
      seen.first = Mark();
      seen.bounds = Bounds();
      go_yield();
      seen.yielded = Mark();
      go_blocking([](void *) { seen.called = Mark(); }, nullptr);
      rt_systemstack([](void *) { seen.systemstack = Mark(); }, nullptr);
      seen.returned = Mark();
      rt_mcall([](rt_g *g) {
        seen.on_g0 = Mark();
        g->m->resume = g;
      });
      seen.back = Mark();
      go_checkpoint(50000);
      seen.moved = Mark();
      seen.moved_wanted = MarkOf(Bounds());
      go_call_on_stack(200000, [](void *) {
        seen.in_call = Mark();
        seen.in_call_wanted = MarkOf(Bounds());
      }, nullptr);
      go_waitgroup_done(&done);
    }, nullptr);
    go_yield();
    seen.other = Mark();
    go_waitgroup_wait(&done);
    EXPECT_EQ(Mark(), 0u);
  }), GO_OK);
  EXPECT_EQ(Mark(), 0u);
  EXPECT_EQ(seen.first, MarkOf(seen.bounds));
  EXPECT_EQ(seen.yielded, seen.first);
  EXPECT_EQ(seen.called, 0u);
  EXPECT_EQ(seen.systemstack, 0u);
  EXPECT_EQ(seen.returned, seen.first);
  EXPECT_EQ(seen.on_g0, 0u);
  EXPECT_EQ(seen.back, seen.first);
  EXPECT_EQ(seen.other, 0u);
  EXPECT_NE(seen.moved, seen.first);
  EXPECT_EQ(seen.moved, seen.moved_wanted);
  EXPECT_NE(seen.in_call, seen.moved);
  EXPECT_EQ(seen.in_call, seen.in_call_wanted);
}

TEST(Mark, IsNoneOnASegment) {
  static uintptr_t entered, back, checked;
  static uint64_t others;
  entered = back = 1;
  others = checked = 0;
  const uint64_t before = Stats().segments_made;
  ASSERT_EQ(RunFirst(SmallStacks("segment"), [] {
    const go_spawn_options options = {"prologue", 8192, 0};
    go_spawn(&options, [](void *) {
      checked = Mark();
      others++;
    }, nullptr);
    go_call_on_stack(100000, [](void *) {
      entered = Mark();
      while (!others) go_yield();
      back = Mark();
    }, nullptr);
  }), GO_OK);
  EXPECT_EQ(Stats().segments_made - before, 1u);
  EXPECT_EQ(entered, 0u);
  EXPECT_NE(checked, 0u);
  EXPECT_EQ(back, 0u);
}

TEST(Mark, OfAGoroutineOfAnotherStrategyThatGetsTheSameMemory) {
  uintptr_t mark = 1;
  ASSERT_EQ(RunFirst(SmallStacks("reserve"), [&] {
    static uintptr_t *out;
    out = &mark;
    for (const char *growth : {"prologue", "checkpoint"}) {
      const go_spawn_options options = {growth, 8192, 0};
      go_spawn(&options, [](void *) { *out = Mark(); }, nullptr);
      go_yield();
    }
  }), GO_OK);
  EXPECT_EQ(mark, 0u);
}

// ---- The end -----------------------------------------------------------------------------------

void Overflow(size_t max, const Body &fn) {
  go_config config = SmallStacks("prologue");
  config.stack_max = max;
  RunFirst(config, fn);
}

TEST(PrologueDeathTest, TheLimitEndsTheProcessWithOneLine) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(Overflow(65536, [] { prologue_O2.descend(12, 1000000); }),
              testing::KilledBySignal(SIGABRT),
              "stacklab: goroutine 1: stack overflow: the stack is at its limit \\(strategy "
              "prologue, size 65536 bytes, limit 65536, needed [0-9]+, fault address 0x[0-9a-f]+, "
              "pc 0x[0-9a-f]+\\).*frame_1000.*frame_1000");
  EXPECT_EXIT(Overflow(65536, [] { prologue_O0.descend(15, 0); }),
              testing::KilledBySignal(SIGABRT), "the stack is at its limit .*needed 3[0-9]{5},");
  EXPECT_EXIT(Overflow(65536, [] { prologue_O0.allocas(1000); }),
              testing::KilledBySignal(SIGABRT), "the stack is at its limit");
}

// Without a mark of a strategy's, too: the comparison is of signed numbers.
TEST(PrologueDeathTest, AnAllocaLargerThanTheAddressSpaceEndsTheProcessWithOneLine) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  for (int i = 0; go_growth_name(i); i++) {
    const std::string name = go_growth_name(i);
    EXPECT_EXIT(RunFirst(SmallStacks(name.c_str()), [] { prologue_O2.alloca_of(size_t{1} << 62); }),
                testing::KilledBySignal(SIGABRT),
                "goroutine 1: stack overflow: the stack is at its limit \\(strategy " +
                    (name == "signal+checkpoint" ? "signal.checkpoint" : name) + ",.*alloca_of");
  }
}

__attribute__((noinline)) void Touch(size_t bytes) {
  char *volatile hold = static_cast<char *>(alloca(bytes));
  hold[0] = 1;
}

TEST(PrologueDeathTest, CodeWithoutChecksRunsIntoTheGuard) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(Overflow(1 << 20, [] { Touch(20000); }), testing::KilledBySignal(SIGABRT),
              "stack overflow: this strategy cannot grow on a fault \\(strategy prologue");
}

// ---- Many --------------------------------------------------------------------------------------

class Many : public testing::TestWithParam<int> {};

TEST_P(Many, GoroutinesGrowAndYieldAndAreInterrupted) {
  constexpr int kGoroutines = 3000;
  static go_waitgroup done;
  static std::atomic<int> wrong, ended;
  wrong = ended = 0;
  go_config config = SmallStacks("prologue");
  config.maxprocs = GetParam();
  std::atomic<bool> stop = false;
  std::atomic<bool> running = false;
  // Interrupts far more often than sysmon does.
  std::thread hammer([&] {
    while (!stop) {
      if (running)
        for (int i = 0; i < GetParam(); i++) rt_preemptone(rt_sched.allp[i]);
      std::this_thread::yield();
    }
  });
  const uint64_t growths = Stats().growths;
  const int error = RunFirst(config, [&] {
    running = true;
    go_waitgroup_add(&done, kGoroutines);
    for (uintptr_t i = 0; i < kGoroutines; i++) {
      while (go_spawn(nullptr, [](void *p) {
        const unsigned n = static_cast<unsigned>(reinterpret_cast<uintptr_t>(p));
        const prologue_cases *c = n % 2 ? &prologue_O0 : &prologue_O2;
        int w = c->yields(n % 400, [] { go_yield(); });
        w |= c->fib(12) != 144;
        w |= c->descend(static_cast<int>(n % 13), n % 64);
        if (n % 16 == 0) w |= c->allocas(n % 50) | c->sort(4);
        if (w) wrong++;
        ended++;
        go_waitgroup_done(&done);
      }, reinterpret_cast<void *>(i)) != GO_OK) abort();
    }
    go_waitgroup_wait(&done);
    running = false;
  });
  stop = true;
  hammer.join();
  EXPECT_EQ(error, GO_OK);
  EXPECT_EQ(ended, kGoroutines);
  EXPECT_EQ(wrong, 0);
  EXPECT_GE(Stats().growths - growths, static_cast<uint64_t>(kGoroutines));
}

INSTANTIATE_TEST_SUITE_P(Gomaxprocs, Many, testing::Values(1, 2, 4));

}  // namespace
