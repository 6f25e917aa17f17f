// unwind_test.cc: a goroutine can be unwound from any depth, to its entry and no further, whether
// or not its stack has moved; so debuggers, profilers and C++ exceptions work on it.
#include <gtest/gtest.h>

#include <dlfcn.h>
#include <unwind.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/arch/arch.h"
#include "runtime/sched/sched.h"
#include "tests/call_at.h"
#include "tests/goroutine.h"
#include "tests/signal_frames.h"

// ---- Backtraces --------------------------------------------------------------------------------

// In static memory: the unwinder runs on a stack that may be about to move.
enum { kFrames = 128 };
static uintptr_t pcs[kFrames];
static int npcs;

static _Unwind_Reason_Code Note(_Unwind_Context *context, void *) {
  const uintptr_t pc = _Unwind_GetIP(context);
  if (npcs == kFrames) return _URC_NORMAL_STOP;
  if (pc != 0) pcs[npcs++] = pc;  // 0: what "called" the outermost frame
  return _URC_NO_REASON;
}

static _Unwind_Reason_Code Unwind() {
  npcs = 0;
  return _Unwind_Backtrace(Note, nullptr);
}

// Named so that the dynamic symbol table has them.
extern "C" {
__attribute__((noinline)) uint64_t unwind_inner(uint64_t) {
  const uint64_t code = static_cast<uint64_t>(Unwind());
  asm volatile("");
  return code;
}
__attribute__((noinline)) uint64_t unwind_middle(uint64_t depth) {
  const uint64_t code = depth > 0 ? unwind_middle(depth - 1) : unwind_inner(0);
  asm volatile("");
  return code;
}
__attribute__((noinline)) uint64_t unwind_outer(uint64_t depth) {
  const uint64_t code = unwind_middle(depth);
  asm volatile("");
  return code;
}
}

namespace {

std::string NameOf(uintptr_t pc) {
  Dl_info info = {};
  if (!dladdr(reinterpret_cast<void *>(pc - 1), &info) || !info.dli_sname) return "";
  return info.dli_sname;
}

// The names found, innermost first, without those that have none.
std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (int i = 0; i < npcs; i++)
    if (const std::string name = NameOf(pcs[i]); !name.empty()) names.push_back(name);
  return names;
}

size_t Find(const std::vector<std::string> &names, const std::string &name) {
  for (size_t i = 0; i < names.size(); i++)
    if (names[i] == name) return i;
  return names.size();
}

// rt_gostart is what a prepared stack resumes.
uintptr_t Gostart() {
  alignas(16) static uint64_t stack[32];
  return rt_savedpc(rt_gostack(reinterpret_cast<uintptr_t>(stack + 32), nullptr));
}

void ExpectTheWholeWay(uint64_t depth, uint64_t code) {
  EXPECT_EQ(code, uint64_t{_URC_END_OF_STACK});
  ASSERT_GT(npcs, 0);
  ASSERT_LT(npcs, int{kFrames});
  EXPECT_GE(pcs[npcs - 1], Gostart());
  EXPECT_LE(pcs[npcs - 1], Gostart() + 16);
  const std::vector<std::string> names = Names();
  const size_t inner = Find(names, "unwind_inner"), outer = Find(names, "unwind_outer");
  ASSERT_LT(outer, names.size());
  EXPECT_EQ(outer - inner, depth + 2);
  for (size_t i = inner + 1; i < outer; i++) EXPECT_EQ(names[i], "unwind_middle");
  EXPECT_EQ(names.back(), "rt_gostart");
}

TEST(ABacktrace, OfAStackThatStaysEndsAtTheEntry) {
  uint64_t code = 0;
  ASSERT_EQ(RunFirst(SmallStacks("reserve"), [&] { code = unwind_outer(20); }), GO_OK);
  ExpectTheWholeWay(20, code);
}

TEST(ABacktrace, OfAStackThatHasGrownEndsAtTheEntry) {
  for (int k = 0; k < 2048; k += 128) {
    uint64_t code = 0;
    const Swept swept = Sweep(k, k + 1, 1, [&](int at) {
      code = case_call_at(Bounds().lo + static_cast<uintptr_t>(at), unwind_outer, 30);
    });
    EXPECT_GT(swept.growths, 0u);
    ExpectTheWholeWay(30, code);
  }
}

TEST(ABacktrace, OfAStackThatMovesAtEverySwitchEndsAtTheEntry) {
  go_config config = SmallStacks();
  config.stack_debug = "forcemove";
  uint64_t code = 0;
  ASSERT_EQ(RunFirst(config, [&] {
    go_yield();
    code = unwind_outer(3);
  }), GO_OK);
  ExpectTheWholeWay(3, code);
}

// Each level on a segment of its own.
void OnSegments(void *levels) {
  uint64_t *n = static_cast<uint64_t *>(levels);
  if (*n == 0) {
    go_yield();
    *n = unwind_outer(3);
    return;
  }
  --*n;
  if (go_call_on_stack((100 << 10) << (4 - *n), OnSegments, n) != GO_OK) abort();
}

TEST(ABacktrace, FromASegmentGoesOnIntoTheStacksItContinues) {
  uint64_t code = 4;
  const uint64_t made = Stats().segments_made;
  ASSERT_EQ(RunFirst(SmallStacks("segment"), [&] { OnSegments(&code); }), GO_OK);
  EXPECT_EQ(Stats().segments_made - made, 4u);
  ExpectTheWholeWay(3, code);
  const std::vector<std::string> names = Names();
  EXPECT_EQ(std::count(names.begin(), names.end(), "go_call_on_stack"), 4);
}

TEST(ABacktrace, FromTheSystemStackGoesOnIntoTheGoroutine) {
  static uint64_t code;
  ASSERT_EQ(RunFirst(SmallStacks("reserve"), [] {
    rt_systemstack([](void *) { code = unwind_outer(2); }, nullptr);
  }), GO_OK);
  ExpectTheWholeWay(2, code);
}

// A function that runs after its goroutine has parked was called by the scheduler's loop.
TEST(ABacktrace, FromAParkFunctionGoesOnIntoTheScheduler) {
  static uint64_t code;
  ASSERT_EQ(RunFirst(SmallStacks("reserve"), [] {
    static struct rt_g *sleeper;
    go_spawn(nullptr,
             [](void *) {
               sleeper = rt_getg();
               rt_gopark([](rt_g *, void *) {
                 code = unwind_outer(1);
                 return true;
               }, nullptr, RT_WAIT_NONE);
             },
             nullptr);
    go_yield();
    rt_goready(sleeper);
    go_yield();
  }), GO_OK);
  EXPECT_EQ(code, uint64_t{_URC_END_OF_STACK});
  const std::vector<std::string> names = Names();
  EXPECT_LT(Find(names, "unwind_outer"), Find(names, "rt_onstack"));
  EXPECT_LT(Find(names, "rt_onstack"), Find(names, "go_run"));
  EXPECT_LT(Find(names, "go_run"), Find(names, "main"));
  EXPECT_LT(Find(names, "main"), names.size());
}

// ---- Exceptions --------------------------------------------------------------------------------

__attribute__((noinline)) uint64_t ThrowFromTheDepths(uint64_t depth) {
  uint64_t pad[4] = {depth, depth, depth, depth};
  asm volatile("" : : "r"(pad) : "memory");
  if (depth == 0) throw std::runtime_error("from the depths");
  return ThrowFromTheDepths(depth - 1) + pad[depth % 4];
}

uint64_t Catch(uint64_t depth) {
  try {
    return ThrowFromTheDepths(depth);
  } catch (const std::runtime_error &e) {
    return e.what() == std::string("from the depths") ? 1 : 2;
  }
}

uint64_t Rethrow(uint64_t depth) {
  try {
    try {
      ThrowFromTheDepths(depth);
    } catch (...) {
      frame_accumulate(100);
      throw;
    }
  } catch (const std::runtime_error &) {
    return 1;
  }
  return 2;
}

// A destructor that needs more stack than there is, while the unwinder is at work above it.
struct Deep {
  explicit Deep(uint64_t *s) : sum(s) {}
  ~Deep() { *sum += frame_accumulate(400); }
  uint64_t *sum;
};

uint64_t ThrowThroughDestructors(uint64_t depth) {
  uint64_t sum = 0;
  try {
    Deep a(&sum);
    Deep b(&sum);
    ThrowFromTheDepths(depth);
  } catch (const std::exception &) {
    return sum == 2 * frame_accumulate(400) ? 1 : 2;
  }
  return 3;
}

// The throw passes the frame that put SP near the guard, and is caught above it.
uint64_t CatchAbove(uint64_t sp) {
  try {
    return case_call_at(sp, ThrowFromTheDepths, 3);
  } catch (const std::runtime_error &) {
    return 1;
  }
}

struct Exception {
  const char *name;
  uint64_t (*fn)(uint64_t);
};

class AnException : public testing::TestWithParam<Exception> {};

TEST_P(AnException, IsCaughtWhereverTheStackRunsOut) {
  for (uint64_t depth : {0, 40}) {
    std::vector<uint64_t> results(4096, 99);
    const Swept swept = Sweep(0, 4096, 64, [&](int k) {
      results[static_cast<size_t>(k)] =
          case_call_at(Bounds().lo + static_cast<uintptr_t>(k), GetParam().fn, depth);
    });
    for (size_t k = 0; k < results.size(); k += 64) ASSERT_EQ(results[k], 1u) << "at lo + " << k;
    EXPECT_GT(swept.growths, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Each, AnException,
                         testing::Values(Exception{"Caught", Catch},
                                         Exception{"Rethrown", Rethrow},
                                         Exception{"ThroughDestructors", ThrowThroughDestructors}),
                         [](const auto &info) { return std::string(info.param.name); });

TEST(AnExceptionThatCrossesTheGrowth, IsCaughtAboveIt) {
  std::vector<uint64_t> results(1024, 99);
  const Swept swept = Sweep(0, 1024, 16, [&](int k) {
    results[static_cast<size_t>(k)] = CatchAbove(Bounds().lo + static_cast<uintptr_t>(k));
  });
  for (size_t k = 0; k < results.size(); k += 16) ASSERT_EQ(results[k], 1u) << "at lo + " << k;
  EXPECT_GE(swept.growths, 64u);
}

}  // namespace
