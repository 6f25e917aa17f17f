// switch_test.cc: the assembly of the switches keeps the ABI (callee-saved registers, SP,
// alignment), with the stack in the same place or elsewhere afterwards.
#include <gtest/gtest.h>

#include <link.h>

#include <cfenv>
#include <cstdint>
#include <cstdio>
#include <string>

#include "runtime/arch/arch.h"
#include "runtime/sched/sched.h"
#include "tests/goroutine.h"
#include "tests/switch_cases.h"

namespace {

// ---- The checker itself ------------------------------------------------------------------------

void FillWithNumbers() {
  for (int i = 0; i < switch_nsaved; i++) switch_in[i] = 0x0102030405060700 + unsigned(i);
}

void DoNothing(void *) {}

TEST(TheChecker, PassesAFunctionThatKeepsTheRules) {
  FillWithNumbers();
  EXPECT_EQ(switch_check(DoNothing, nullptr), 0u);
  for (int i = 0; i < switch_nsaved; i++) EXPECT_EQ(switch_out[i], switch_in[i]) << i;
}

TEST(TheChecker, SeesEachRegisterThatIsClobbered) {
  for (int bad = 0; bad < switch_nsaved; bad++) {
    FillWithNumbers();
    EXPECT_EQ(switch_check(switch_clobber, &bad), 0u);
    for (int i = 0; i < switch_nsaved; i++)
      EXPECT_EQ(switch_out[i], switch_in[i] + (i == bad)) << i;
  }
}

TEST(TheChecker, SeesAStackPointerThatIsOff) {
  FillWithNumbers();
  EXPECT_EQ(switch_check(switch_pop_too_much, nullptr), 1u);
}

// ---- Switches that stay ------------------------------------------------------------------------

void Yield(void *) { go_yield(); }
void OnSystemStack(void *) { rt_systemstack(DoNothing, nullptr); }
void Spawn(void *) {
  if (go_spawn(nullptr, DoNothing, nullptr) != GO_OK) abort();
}
void Checkpoint(void *bytes) {
  if (go_checkpoint(reinterpret_cast<uintptr_t>(bytes)) != GO_OK) abort();
}

struct Switch {
  const char *name;
  void (*fn)(void *);
};

class ASwitch : public testing::TestWithParam<Switch> {};

// Another goroutine fills the same registers with other words in between.
void SpinWithOtherRegisters(void *rounds) {
  for (uintptr_t i = 0; i < reinterpret_cast<uintptr_t>(rounds); i++) {
    uint64_t a = i, b = ~i;
    asm volatile("" : "+r"(a), "+r"(b));
    go_yield();
    asm volatile("" : "+r"(a), "+r"(b));
    if (a != i || b != ~i) abort();
  }
}

TEST_P(ASwitch, KeepsCalleeSavedRegisters) {
  FillWithNumbers();
  uint64_t failed = 0;
  bool same = true;
  ASSERT_EQ(RunFirst(SmallStacks("reserve"), [&] {
    go_spawn(nullptr, SpinWithOtherRegisters, reinterpret_cast<void *>(120));
    for (int round = 0; round < 100; round++) {
      failed += switch_check(GetParam().fn, nullptr);
      for (int i = 0; i < switch_nsaved; i++) same &= switch_out[i] == switch_in[i];
    }
  }), GO_OK);
  EXPECT_EQ(failed, 0u);
  EXPECT_TRUE(same);
}

INSTANTIATE_TEST_SUITE_P(Each, ASwitch,
                         testing::Values(Switch{"Yield", Yield},
                                         Switch{"SystemStack", OnSystemStack},
                                         Switch{"Spawn", Spawn}),
                         [](const auto &info) { return std::string(info.param.name); });

// ---- Switches that move ------------------------------------------------------------------------

struct Outcome {
  uint64_t failed = 99;
  uintptr_t hi = 0, new_hi = 0;
};

// fn moves the stack while the callee-saved registers hold words of all kinds.
Outcome SwitchAndMove(const go_config &config, void (*fn)(void *), void *arg) {
  Outcome o;
  EXPECT_EQ(RunFirst(config, [&] {
    o.hi = Bounds().hi;
    const uint64_t words[] = {o.hi - 8, o.hi, o.hi + 1, Bounds().lo, 42, o.hi - 4096};
    for (int i = 0; i < switch_nsaved; i++) switch_in[i] = words[i % 6];
    o.failed = switch_check(fn, arg);
    o.new_hi = Bounds().hi;
  }), GO_OK);
  return o;
}

void ExpectPointersMoved(const Outcome &o) {
  EXPECT_EQ(o.failed, 0u);
  EXPECT_NE(o.new_hi, o.hi);
  for (int i = 0; i < switch_nsaved; i++) {
    const bool ours = i % 6 != 2 && i % 6 != 4;
    EXPECT_EQ(switch_out[i], switch_in[i] + (ours ? o.new_hi - o.hi : 0)) << i;
  }
}

TEST(ACheckpoint, MovesThePointersInCalleeSavedRegisters) {
  for (const char *growth : Growths([](const rt_growth &row) {
         return row.checkpoint == rt_growatcheckpoint;
       }))
    ExpectPointersMoved(
        SwitchAndMove(SmallStacks(growth), Checkpoint, reinterpret_cast<void *>(100000)));
}

TEST(AYieldThatMoves, MovesThePointersInCalleeSavedRegisters) {
  for (const char *growth : Growths([](const rt_growth &row) { return row.moves; })) {
    go_config config = SmallStacks(growth);
    config.stack_debug = "forcemove";
    ExpectPointersMoved(SwitchAndMove(config, Yield, nullptr));
  }
}

// ---- The rest of the ABI -----------------------------------------------------------------------

uintptr_t FrameMisalignment() {
  return reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) % 16;
}

// By a pointer: gcc aligns no stack for a function that it knows not to need it.
uintptr_t (*volatile Misalignment)() = FrameMisalignment;

TEST(TheStack, IsAlignedWhereFunctionsBegin) {
  static uintptr_t on_g, on_g0, parked;
  on_g = on_g0 = parked = 99;
  ASSERT_EQ(RunFirst(SmallStacks(), [] {
    on_g = Misalignment();
    rt_systemstack([](void *p) { *static_cast<uintptr_t *>(p) = Misalignment(); }, &on_g0);
    static struct rt_g *sleeper;
    go_spawn(nullptr,
             [](void *) {
               sleeper = rt_getg();
               rt_gopark([](rt_g *, void *p) {
                 *static_cast<uintptr_t *>(p) = Misalignment();
                 return true;
               }, &parked, RT_WAIT_NONE);
             },
             nullptr);
    go_yield();
    rt_goready(sleeper);
    go_yield();
  }), GO_OK);
  EXPECT_EQ(on_g, 0u);
  EXPECT_EQ(on_g0, 0u);
  EXPECT_EQ(parked, 0u);
}

// As switch.S says: saving it at each switch would cost more than the switch.
TEST(TheFloatingPointEnvironment, BelongsToTheThreadNotToTheGoroutine) {
  static int seen;
  const int before = fegetround();
  ASSERT_EQ(RunFirst(SmallStacks("reserve"), [] {
    go_spawn(nullptr, [](void *) { seen = fegetround(); }, nullptr);
    fesetround(FE_UPWARD);
    go_yield();
  }), GO_OK);
  EXPECT_EQ(seen, FE_UPWARD);
  fesetround(before);
}

TEST(TheCurrentGoroutine, IsNamedExactlyWhileItRuns) {
  static struct rt_g *inside, *on_g0, *after;
  EXPECT_EQ(rt_getg(), nullptr);
  ASSERT_EQ(RunFirst(SmallStacks(), [] {
    inside = rt_getg();
    rt_systemstack([](void *) { on_g0 = rt_getg(); }, nullptr);
    after = rt_getg();
  }), GO_OK);
  EXPECT_EQ(rt_getg(), nullptr);
  ASSERT_NE(inside, nullptr);
  EXPECT_EQ(after, inside);
  EXPECT_NE(on_g0, inside);
  EXPECT_NE(on_g0, nullptr);
}

// ---- Nothing of it is executable ---------------------------------------------------------------

TEST(TheProgram, AsksForNoExecutableStack) {
  int found = 0, executable = 0;
  auto look = [&](const dl_phdr_info *info) {
    for (int i = 0; i < info->dlpi_phnum; i++) {
      if (info->dlpi_phdr[i].p_type != PT_GNU_STACK) continue;
      found++;
      executable += (info->dlpi_phdr[i].p_flags & PF_X) != 0;
    }
  };
  dl_iterate_phdr(
      [](dl_phdr_info *info, size_t, void *f) {
        (*static_cast<decltype(look) *>(f))(info);
        return 0;
      },
      &look);
  EXPECT_GT(found, 0);
  EXPECT_EQ(executable, 0);
}

TEST(AGoroutinesStack, IsNotExecutable) {
  uintptr_t address = 0;
  std::string mode;
  ASSERT_EQ(RunFirst(SmallStacks("reserve"), [&] {
    address = Bounds().hi - 1;
    std::FILE *maps = std::fopen("/proc/self/maps", "r");
    char line[512], flags[8];
    uintptr_t lo, hi;
    while (std::fgets(line, sizeof line, maps))
      if (std::sscanf(line, "%lx-%lx %7s", &lo, &hi, flags) == 3 && lo <= address && address < hi)
        mode = flags;
    std::fclose(maps);
  }), GO_OK);
  EXPECT_EQ(mode, "rw-p");
}

// go_checkpoint measures its room from there; inlined, it once saw the frame of a function above
// everything that alloca had given it.
TEST(TheStackPointer, LiesBelowWhatAllocaGave) {
  volatile char *p = static_cast<volatile char *>(__builtin_alloca(4096));
  p[0] = 1;
  EXPECT_LE(rt_getsp(), reinterpret_cast<uintptr_t>(p));
}

}  // namespace
