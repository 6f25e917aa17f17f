// growth_end_test.cc: the other end of a strategy's functions (runtime/stack/growth): giving stacks
// back to the byte, and overflowing.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <utility>

extern "C" {
#include "runtime/arch/arch.h"
#include "runtime/go.h"
#include "runtime/stack/fault.h"
}
#include "tests/growth_unit.h"
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif

namespace {

using GrowthDeathTest = Growth;

// ---- Shrinking ---------------------------------------------------------------------------------

constexpr size_t kCalls = 1024;  // what a goroutine that shrinks keeps for its next calls

TEST_F(Growth, AStackShrinksToTheLeastThatIsHalfEmptyThen) {
  struct {
    size_t live, promised, want;  // of 128 KiB; as it was: not at all
  } table[] = {{64, 0, 8 * K},
               {4 * K - kCalls, 0, 8 * K},
               {4 * K - kCalls + 8, 0, 16 * K},
               {32 * K - kCalls, 0, 64 * K},
               {32 * K - kCalls + 8, 0, 128 * K},
               {64, 8 * K, 8 * K},
               {64, 8 * K + 1, 16 * K},
               {64, 64 * K, 64 * K},
               {64, 64 * K + 1, 128 * K},
               {128 * K + 8, 0, 128 * K}};
  for (const char *name : Growths([](const rt_growth &growth) {
         return GetsSmaller(growth) && !growth.mark_bytes;  // of those with marks below
       }))
    for (const auto &t : table) {
      SCOPED_TRACE(std::string(name) + " " + std::to_string(t.live) + " " +
                   std::to_string(t.promised));
      rt_gstack gs = Make(name, 8 * K, 16 * M);
      gs.growth = rt_growth_find(name);
      rt_copied moved;
      if (rt_growinplace(&gs, cache(), 128 * K) != 0)
        ASSERT_EQ(rt_newstack(&gs, cache(), 128 * K, gs.sp, &moved), 0);
      for (uintptr_t at = gs.stack.lo; at < gs.stack.hi; at += 1024) Byte(at) = 1;
      gs.sp = gs.stack.hi - t.live;
      gs.promised = t.promised;
      const uint64_t shrinks = stats().shrinks;
      rt_growth_options.clock = t.promised ? nullptr : Clock;
      EXPECT_EQ(gs.growth->shrink(&gs, cache()), t.want < 128 * K);
      EXPECT_EQ(Size(gs), t.want);
      EXPECT_EQ(stats().shrinks - shrinks, t.want < 128 * K);
      EXPECT_EQ(gs.stack.hi - gs.sp, t.live);
      if (t.want < 128 * K) {
        EXPECT_EQ(cache()->last.from_bytes, 128 * K);
        EXPECT_EQ(cache()->last.to_bytes, t.want);
        const bool copies = gs.nmoves > 0;
        EXPECT_EQ(cache()->last.bytes_copied, copies ? t.live : 0);
        EXPECT_EQ(cache()->last.words_adjusted, 0u);
        EXPECT_EQ(cache()->last.began_ns, rt_growth_options.clock ? 1234 : 0);
      }
      Free(&gs);
    }
}

TEST_F(Growth, AStackThatChecksKeepsRoomForCodeWithoutChecks) {
  const size_t kept = (16 << 10) + kSlack;  // for such code
  size_t least = 8 * K;
  while (least < 128 + kept) least *= 2;
  struct {
    size_t live, promised, want;  // of 256 KiB
  } table[] = {{64, 0, least},
               {(32 * K - kept) / 2, 0, 32 * K},
               {(32 * K - kept) / 2 + 8, 0, 64 * K},
               {(128 * K - kept) / 2, 0, 128 * K},
               {(128 * K - kept) / 2 + 8, 0, 256 * K},
               {64, 100 * K, 128 * K},
               {64, 128 * K + 1, 256 * K}};
  for (const auto &t : table) {
    SCOPED_TRACE(std::to_string(t.live) + " " + std::to_string(t.promised));
    rt_gstack gs = Make("prologue");
    rt_copied moved;
    ASSERT_EQ(rt_newstack(&gs, cache(), 256 * K, gs.sp, &moved), 0);
    gs.sp = gs.stack.hi - t.live;
    gs.promised = t.promised;
    EXPECT_EQ(gs.growth->shrink(&gs, cache()), t.want < 256 * K);
    EXPECT_EQ(Size(gs), t.want);
    Free(&gs);
  }
  rt_gstack gs = Make("prologue");
  rt_copied moved;
  ASSERT_EQ(rt_newstack(&gs, cache(), 256 * K, gs.sp, &moved), 0);
  gs.initial = gs.max = 16 << 10;  // nothing holds that
  EXPECT_FALSE(gs.growth->shrink(&gs, cache()));
  EXPECT_EQ(Size(gs), 256 * K);
  Free(&gs);
}

TEST_F(Growth, WithoutMemoryNothingShrinks) {
  for (const char *name : Growths(GetsSmaller)) {
    SCOPED_TRACE(name);
    rt_gstack gs = Make(name);
    rt_copied moved;
    if (rt_growinplace(&gs, cache(), 256 * K) != 0)
      ASSERT_EQ(rt_newstack(&gs, cache(), 256 * K, gs.sp, &moved), 0);
    const uint64_t shrinks = stats().shrinks;
    Starve(gs.growth->kind);
    EXPECT_FALSE(gs.growth->shrink(&gs, cache()));
    inject::Disarm();
    EXPECT_EQ(Size(gs), 256 * K);
    EXPECT_EQ(stats().shrinks, shrinks);
    Free(&gs);
  }
}

// Pages below SP, less what the next calls take.
TEST_F(Growth, AReservedStackGivesBackThePagesBelowSp) {
  const size_t page = os_pagesize();
  rt_growth_options.reserve_bytes = M;
  rt_gstack gs = Make("reserve", 8 * K, 64 * K);
  const auto touch = [&] {
    for (uintptr_t at = gs.stack.lo; at < gs.stack.hi; at += 64) Byte(at) = 1;
  };
  const auto zeroed = [&] {  // bytes from lo on
    uintptr_t at = gs.stack.lo;
    while (at < gs.stack.hi && Byte(at) == 0) at += 64;
    return at - gs.stack.lo;
  };
  struct {
    size_t above_lo, want;
  } table[] = {{5 * page + kCalls, 5 * page}, {5 * page + kCalls - 8, 4 * page},
               {page + kCalls, page},         {page + kCalls - 8, 0},
               {kCalls, 0},                   {kCalls - 8, 0},
               {0, 0}};
  for (const auto &t : table) {
    touch();
    gs.sp = gs.stack.lo + t.above_lo;
    const uint64_t shrinks = stats().shrinks;
    EXPECT_EQ(gs.growth->shrink(&gs, cache()), t.want > 0) << t.above_lo;
    EXPECT_EQ(zeroed(), t.want) << t.above_lo;
    EXPECT_EQ(stats().shrinks - shrinks, t.want > 0);
  }
  gs.sp = gs.stack.lo - page;  // a frame has skipped the guard
  touch();
  EXPECT_FALSE(gs.growth->shrink(&gs, cache()));
  EXPECT_EQ(zeroed(), 0u);
  Free(&gs);
}

// ---- A fault -----------------------------------------------------------------------------------

TEST_F(Growth, AFaultIsForeignOrGrowsTheStack) {
  rt_gstack gs = Make("inplace");
  os_fault fault = {};
  fault.sp = gs.stack.lo + 64;
  fault.addr = gs.stack.hi;
  EXPECT_FALSE(rt_growth_fault(&gs, cache(), &fault));
  EXPECT_EQ(Size(gs), 8 * K);
  fault.addr = gs.stack.lo - 8;
  EXPECT_TRUE(rt_growth_fault(&gs, cache(), &fault));
  EXPECT_EQ(Size(gs), 16 * K);
  fault.addr = gs.stack.hi - 100 * K;
  EXPECT_TRUE(rt_growth_fault(&gs, cache(), &fault));
  EXPECT_EQ(Size(gs), 128 * K);
  Free(&gs);
}

// What the interrupted registers hold, in the middle of a signal handler: the first three.
struct Interrupted {
  rt_gstack *gs;
  rt_stackcache *cache;
  uint64_t registers[3];
  int error;
} *interrupted;

void GrowHere(int, siginfo_t *, void *context) {
  Interrupted *in = interrupted;
  os_fault fault = {};
  fault.context = context;
  rt_regfile regs;
  os_fault_regs(&fault, &regs);
  for (int i = 0; i < 3; i++) std::swap(regs.general[i], in->registers[i]);
  in->error = rt_growatfault(in->gs, in->cache, &fault, 64 * K, in->gs->sp);
  for (int i = 0; i < 3; i++) std::swap(regs.general[i], in->registers[i]);
}

// And two words that name its shadow, where AddressSanitizer is there.
TEST_F(Growth, AtAFaultRegistersThatNameTheStackMove) {
  rt_gstack gs = Make("signal");
  const uintptr_t hi = gs.stack.hi;
  size_t scale = 3, offset = 1 << 20;
#if __has_feature(address_sanitizer)
  __asan_get_shadow_mapping(&scale, &offset);
  const bool shadow = true;
#else
  const bool shadow = false;
#endif
  const uint64_t named = (hi - 4096) >> scale;
  Interrupted here = {&gs, cache(), {hi - 64, named, named + offset}, -1};
  interrupted = &here;
  struct sigaction grow = {}, before;
  grow.sa_sigaction = GrowHere;
  grow.sa_flags = SA_SIGINFO;
  ASSERT_EQ(sigaction(SIGUSR1, &grow, &before), 0);
  raise(SIGUSR1);
  sigaction(SIGUSR1, &before, nullptr);
  ASSERT_EQ(here.error, 0);
  ASSERT_NE(gs.stack.hi, hi);
  EXPECT_EQ(here.registers[0], gs.stack.hi - 64);
  const uint64_t now = shadow ? (gs.stack.hi - 4096) >> scale : named;
  EXPECT_EQ(here.registers[1], now);
  EXPECT_EQ(here.registers[2], now + offset);
  EXPECT_EQ(stats().growths_by_fault, 1u);
  EXPECT_EQ(stats().words_adjusted, cache()->last.words_adjusted);
  EXPECT_GE(stats().words_adjusted, 1u);
  Free(&gs);
}

// The one line of a goroutine that cannot go on.
std::string Overflow(const char *why, const char *strategy, size_t size, size_t max, size_t need) {
  std::string name;
  for (const char *c = strategy; *c; c++) name += *c == '+' ? "\\+" : std::string(1, *c);
  return std::string("^stacklab: goroutine 7: stack overflow: ") + why + " \\(strategy " +
         name + ", size " + std::to_string(size) + " bytes, limit " + std::to_string(max) +
         ", needed " + std::to_string(need) + ", fault address 0x[0-9a-f]+, pc 0x1234\\)\n";
}

void Fault(rt_gstack *gs, rt_stackcache *cache, size_t below) {
  os_fault fault = {};
  fault.sp = gs->stack.lo + 64;
  fault.addr = gs->stack.lo - below;
  fault.pc = 0x1234;
  rt_growth_fault(gs, cache, &fault);
  _exit(3);
}

TEST_F(GrowthDeathTest, AnOverflowSaysWhatWasNeeded) {
  rt_gstack limited = Make("inplace", 8 * K, 16 * K);
  EXPECT_EXIT(Fault(&limited, cache(), 20 * K), testing::KilledBySignal(SIGABRT),
              Overflow("the stack is at its limit", "inplace", 8 * K, 16 * K,
                       28 * K + RT_STACK_MARGIN));
  rt_gstack fixed = Make("segment", 8 * K, M);
  EXPECT_EXIT(Fault(&fixed, cache(), 20 * K), testing::KilledBySignal(SIGABRT),
              Overflow("this strategy cannot grow on a fault", "segment", 8 * K, M, 32 * K));
  Free(&limited);
  Free(&fixed);
}

TEST_F(GrowthDeathTest, AnOverflowForWantOfMemorySaysSo) {
  for (const char *name : Growths([](const rt_growth &growth) {
         return growth.fault != nullptr;
       })) {
    rt_gstack gs = Make(name, 8 * K, M);
    Starve(gs.growth->kind);
    EXPECT_EXIT(Fault(&gs, cache(), 1000), testing::KilledBySignal(SIGABRT),
                Overflow("[a-z].*", name, 8 * K, M, 16 * K));
    inject::Disarm();
    Free(&gs);
  }
}

}  // namespace
