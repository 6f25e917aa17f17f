// What Windows wants of whoever switches stacks: registers, the thread's idea of its stack, stacks
// that the system pages in, exceptions, last words.
#include <gtest/gtest.h>
#include <windows.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

#include "platform.h"
#include "runtime/stack/poison.h"
#include "tests/goroutine.h"

extern "C" uint64_t registers_kept(void (*fn)(void *), void *arg, uint64_t seed);

namespace {

constexpr size_t K = 1 << 10;

// What the thread keeps (winternl.h has half of it).
struct Thread {
  uintptr_t base, limit, end;
  bool operator==(const Thread &o) const {
    return base == o.base && limit == o.limit && end == o.end;
  }
};

Thread Now() {
  Thread t;
  __asm__ volatile("movq %%gs:0x8, %0" : "=r"(t.base));
  __asm__ volatile("movq %%gs:0x10, %0" : "=r"(t.limit));
  __asm__ volatile("movq %%gs:0x1478, %0" : "=r"(t.end));
  return t;
}

class Win64 : public testing::TestWithParam<const char *> {};

INSTANTIATE_TEST_SUITE_P(Each, Win64, testing::ValuesIn(Growths()),
                         [](const auto &i) { return std::string(i.param); });

// ---- Registers -------------------------------------------------------------------------------

// Two goroutines take turns, each with words of its own in every register of the caller's.
TEST_P(Win64, ASwitchKeepsTheRegistersOfTheCaller) {
  static std::atomic<uint64_t> others;
  static go_waitgroup done;
  others = 0;
  ASSERT_EQ(RunFirst(Procs(1, GetParam()), [] {
    go_waitgroup_add(&done, 2);
    for (uintptr_t i = 1; i <= 2; i++)
      Go([](void *seed) {
        const auto turns = [](void *) {
          for (int k = 0; k < 3; k++) go_yield();
        };
        others += registers_kept(turns, nullptr, reinterpret_cast<uint64_t>(seed) << 32);
        go_waitgroup_done(&done);
      }, reinterpret_cast<void *>(i));
    go_waitgroup_wait(&done);
  }), GO_OK);
  EXPECT_EQ(others, 0u);
}

TEST(TheCheckOfRegisters, SeesOneThatIsLost) {
  const auto lose = [](void *) { __asm__ volatile("notq %%r14" ::: "memory"); };
  const auto lose_half = [](void *) {
    __asm__ volatile("pxor %%xmm0, %%xmm0\n\tpunpcklqdq %%xmm0, %%xmm9" ::: "xmm0", "memory");
  };
  EXPECT_EQ(registers_kept([](void *) {}, nullptr, 7), 0u);
  EXPECT_EQ(registers_kept(lose, nullptr, 7), 1u);
  EXPECT_EQ(registers_kept(lose_half, nullptr, 7), 1u);
}

// ---- What the thread keeps -------------------------------------------------------------------

TEST_P(Win64, TheThreadKnowsTheStackThatItIsOn) {
  const Thread before = Now();
  Thread first = {}, again = {}, blocking = {};
  struct go_stack_bounds bounds = {};
  ASSERT_EQ(RunFirst(Procs(1, GetParam()), [&] {
    bounds = Bounds();
    first = Now();
    go_yield();
    again = Now();
    go_blocking([](void *out) { *static_cast<Thread *>(out) = Now(); }, &blocking);
  }), GO_OK);
  EXPECT_EQ(first.base, bounds.hi);
  EXPECT_GE(first.limit, bounds.lo);
  EXPECT_LT(first.limit, bounds.hi);
  EXPECT_LT(first.end, bounds.lo);
  EXPECT_GE(first.end, bounds.lo - 64 * K);
  EXPECT_TRUE(again == first);
  EXPECT_EQ(blocking.base, before.base);
  EXPECT_EQ(blocking.limit, before.limit);
  EXPECT_TRUE(Now() == before);
}

// A segment is another stack; a move, too.
TEST_P(Win64, TheThreadKnowsTheStackThatItWasMovedTo) {
  static struct go_stack_bounds bounds;
  static Thread deep;
  Thread after = {};
  struct go_stack_bounds back = {};
  ASSERT_EQ(RunFirst(Procs(1, GetParam()), [&] {
    const auto call = [](void *) {
      go_yield();
      bounds = Bounds();
      deep = Now();
    };
    if (go_call_on_stack(100 * K, call, nullptr) != GO_OK) abort();
    back = Bounds();
    after = Now();
  }), GO_OK);
  EXPECT_GE(bounds.hi - bounds.lo, 100 * K);
  EXPECT_EQ(deep.base, bounds.hi);
  EXPECT_GE(deep.limit, bounds.lo);
  EXPECT_EQ(after.base, back.hi);
  EXPECT_GE(after.limit, back.lo);
}

// ---- Stacks that the system pages in ---------------------------------------------------------

int Deep(int n) {
  volatile char frame[1000];
  frame[0] = static_cast<char>(n);
  return n == 0 ? 0 : Deep(n - 1) + (frame[0] == static_cast<char>(n));
}

__attribute__((noinline)) int LargeFrame() {
  volatile char frame[200 * K];
  frame[0] = 1;
  return frame[0];
}

TEST(Reserve, IsCommittedAsItIsTouched) {
  Thread first = {}, deep = {}, kept = {};
  int sum = 0;
  ASSERT_EQ(RunFirst(Procs(1, "reserve"), [&] {
    first = Now();
    sum = Deep(1000);
    deep = Now();
    go_yield();
    kept = Now();
    sum += LargeFrame();
  }), GO_OK);
  EXPECT_EQ(sum, 1001);
  EXPECT_GE(first.base - first.limit, 16 * K);
  EXPECT_LE(first.base - first.limit, 64 * K) << "no more than most goroutines need";
  EXPECT_GE(deep.base - deep.limit, 1000 * K) << "the system has moved it";
  EXPECT_TRUE(kept == deep);
}

TEST(Reserve, IsCommittedWholeForAPatternAlsoWhereItWasNotBefore) {
  for (const char *debug : {"", "poison"}) {
    go_config config = Procs(1, "reserve");
    config.stack_debug = debug;
    config.stack_reserve = 32 << 20;  // as no other test's: nobody has been deep on it
    int sum = 0;
    ASSERT_EQ(RunFirst(config, [&] { sum = Deep(100); }), GO_OK);
    EXPECT_EQ(sum, 100);
  }
}

// The next goroutine on a stack that has been grown: handlers of exceptions are looked for only
// between the bounds.
TEST(Reserve, ThatIsUsedAgainIsKnownToBeLarger) {
  static go_waitgroup done;
  static int caught;
  caught = 0;
  ASSERT_EQ(RunFirst(Procs(1, "reserve"), [] {
    for (int i = 0; i < 3; i++) {
      go_waitgroup_add(&done, 1);
      Go([](void *) {
        try {
          if (Deep(300) != 300) abort();
          throw 1;
        } catch (int n) {
          caught += n;
        }
        go_waitgroup_done(&done);
      });
      go_waitgroup_wait(&done);
    }
  }), GO_OK);
  EXPECT_EQ(caught, 3);
}

// The pool keeps it from one run to the next, and in that stacks are filled.
TEST(Reserve, ThatIsUsedAgainIsFilledToItsEnd) {
  auto cache = std::make_unique<rt_stackcache>();
  const rt_stack_config plain = {0, RT_GUARD_AUTO, false}, filled = {0, RT_GUARD_AUTO, true};
  const auto alloc = [&cache](size_t size) {
    rt_stack s = {};
    EXPECT_EQ(rt_stackalloc(RT_STACK_FIXED, size, cache.get(), &s), 0);
    return s;
  };
  const auto low = [](const rt_stack &s) { return static_cast<unsigned char>(Byte(s.lo)); };
  ASSERT_EQ(rt_stackinit(&plain), 0);
  const rt_stack first = alloc(256 * K), freed_later = alloc(512 * K);
  rt_stackfree(cache.get(), &first);
  ASSERT_EQ(rt_stackinit(&filled), 0);
  const rt_stack again = alloc(256 * K);
  EXPECT_EQ(again.slot, first.slot);
  EXPECT_EQ(low(again), RT_POISON_FRESH);
  rt_stackfree(cache.get(), &again);
  EXPECT_EQ(low(again), RT_POISON_FREED);
  rt_stackfree(cache.get(), &freed_later);
  EXPECT_EQ(low(freed_later), RT_POISON_FREED);
  rt_stackcache_flush(cache.get());
  ASSERT_EQ(rt_stackinit(&plain), 0);
}

// ---- Stacks that a handler makes larger --------------------------------------------------------

TEST(Inplace, GrowsInTheHandlerOnTheStackThatRanOut) {
  Thread first = {}, deep = {}, kept = {};
  struct go_stack_bounds bounds = {};
  int sum = 0;
  const uint64_t before = Stats().growths_by_fault;
  ASSERT_EQ(RunFirst(Procs(1, "inplace"), [&] {
    first = Now();
    sum = Deep(1000);
    deep = Now();
    bounds = Bounds();
    go_yield();
    kept = Now();
    sum += LargeFrame();
  }), GO_OK);
  EXPECT_EQ(sum, 1001);
  EXPECT_EQ(Stats().growths_by_fault - before, 8u) << "8K doubled to 2M";
  EXPECT_EQ(first.base - first.limit, 8 * K);
  EXPECT_EQ(deep.base, bounds.hi);
  EXPECT_EQ(deep.limit, bounds.lo);
  EXPECT_TRUE(kept == deep);
}

// From a page: twice that ends within what the handler of the overflow needs for itself.
TEST(Inplace, LeavesItsHandlerOutOfTheGuard) {
  go_config config = Procs(1, "inplace");
  config.stack_initial = 4 * K;
  int sum = 0;
  ASSERT_EQ(RunFirst(config, [&] { sum = Deep(1000); }), GO_OK);
  EXPECT_EQ(sum, 1000);
}

// The guard is where the stack ends now, each time anew.
TEST(Inplace, GrowsAgainAfterItHasBecomeSmaller) {
  static go_chan *channel;
  static int sums;
  sums = 0;
  const uint64_t before = Stats().growths_by_fault, shrinks = Stats().shrinks;
  ASSERT_EQ(RunFirst(Procs(1, "inplace"), [] {
    go_chan_new(0, 0, &channel);
    Go([](void *) {
      for (int i = 0; i < 3; i++) {
        sums += Deep(200);
        go_chan_recv(channel, nullptr);
      }
    });
    for (int i = 0; i < 3; i++) {
      go_yield();
      go_shrink(0);
      go_chan_send(channel, nullptr);
    }
  }), GO_OK);
  EXPECT_EQ(sums, 3 * 200);
  EXPECT_EQ(Stats().shrinks - shrinks, 3u);
  EXPECT_EQ(Stats().growths_by_fault - before, 3 * 5u) << "8K doubled to 256K, three times";
}

// ---- Memory that cannot be had ---------------------------------------------------------------

DWORD StateOf(uintptr_t at) {
  MEMORY_BASIC_INFORMATION m;
  return VirtualQuery(reinterpret_cast<void *>(at), &m, sizeof m) ? m.State : 0;
}

bool HasGuard(uintptr_t at) {
  MEMORY_BASIC_INFORMATION m;
  return VirtualQuery(reinterpret_cast<void *>(at), &m, sizeof m) && m.Protect & PAGE_GUARD;
}

// While it lives, the program's calls of VirtualAlloc come here: those that commit fail after the
// first `left`.
class ShortOfMemory {
 public:
  explicit ShortOfMemory(int left) {
    left_ = left;
    Import(&Alloc);
  }
  ~ShortOfMemory() { Import(real_); }

 private:
  static LPVOID WINAPI Alloc(LPVOID at, SIZE_T bytes, DWORD how, DWORD protection) {
    if (how & MEM_COMMIT && left_-- <= 0) return nullptr;
    return real_(at, bytes, how, protection);
  }
  static void Import(decltype(&VirtualAlloc) to);

  inline static int left_;
  inline static decltype(&VirtualAlloc) const real_ = &VirtualAlloc;
};

// What the linker has calls of VirtualAlloc go through, in memory that may only be read.
extern "C" decltype(&VirtualAlloc) __imp_VirtualAlloc;

void ShortOfMemory::Import(decltype(&VirtualAlloc) to) {
  DWORD was;
  if (!VirtualProtect(&__imp_VirtualAlloc, sizeof to, PAGE_READWRITE, &was)) abort();
  __imp_VirtualAlloc = to;
  VirtualProtect(&__imp_VirtualAlloc, sizeof to, was, &was);
}

class StackMemory : public testing::Test {
 protected:
  static constexpr size_t kBytes = 512 * K;
  void SetUp() override {
    int error;
    lo_ = reinterpret_cast<uintptr_t>(os_reserve(nullptr, kBytes, OS_ACCESS_NONE, &error));
    ASSERT_NE(lo_, 0u);
  }
  void TearDown() override { os_release(At(0), kBytes); }
  void *At(size_t offset) const { return reinterpret_cast<void *>(lo_ + offset); }
  size_t Committed() const {
    size_t n = 0;
    for (size_t i = 0; i < kBytes; i += 4 * K) n += 4 * K * (StateOf(lo_ + i) == MEM_COMMIT);
    return n;
  }
  uintptr_t lo_ = 0;
};

TEST_F(StackMemory, ThatCannotBeCommittedLeavesNothingBehind) {
  for (int enough_for : {0, 1}) {
    const ShortOfMemory now(enough_for);
    EXPECT_EQ(os_stack_commit(At(256 * K), 128 * K, false), GO_EGUARD) << enough_for;
    EXPECT_EQ(os_stack_commit(At(256 * K), 128 * K, true), GO_EGUARD) << enough_for;
    EXPECT_EQ(Committed(), 0u) << enough_for;
  }
  ASSERT_EQ(os_stack_commit(At(256 * K), 128 * K, false), 0);
  EXPECT_EQ(Committed(), (128 + 4) * K) << "and a guard";
}

// Below a stack that ran out lie pages that the kernel has committed, where its handler runs.
TEST_F(StackMemory, OfAHandlerIsLeftToItWhereAStackCannotGrow) {
  ASSERT_EQ(os_stack_commit(At(256 * K), 64 * K, false), 0);
  ASSERT_EQ(os_commit(At(224 * K), 32 * K), 0);
  const uintptr_t handler = lo_ + 240 * K;
  *reinterpret_cast<volatile int *>(handler) = 7;
  for (int enough_for : {0, 1}) {
    {
      const ShortOfMemory now(enough_for);
      EXPECT_EQ(os_stack_commit(At(244 * K), 12 * K, false), GO_EGUARD) << enough_for;
    }
    EXPECT_FALSE(HasGuard(handler)) << enough_for;
    EXPECT_EQ(*reinterpret_cast<volatile int *>(handler), 7) << enough_for;
  }
}

TEST_F(StackMemory, IsAsItWasWhereAStackCannotBecomeSmaller) {
  ASSERT_EQ(os_stack_commit(At(256 * K), 128 * K, false), 0);
  {
    const ShortOfMemory now(0);
    EXPECT_EQ(os_stack_shrink(At(256 * K), 64 * K), GO_EGUARD);
  }
  EXPECT_EQ(Committed(), (128 + 4) * K);
  for (size_t i = 256 * K; i < 384 * K; i += 4 * K) EXPECT_FALSE(HasGuard(lo_ + i)) << i;
  memset(At(256 * K), 1, 128 * K);
  ASSERT_EQ(os_stack_shrink(At(256 * K), 64 * K), 0);
  EXPECT_EQ(Committed(), (64 + 4) * K);
  EXPECT_TRUE(HasGuard(lo_ + 316 * K));
}

// The upper half of a stack is in use while the lower one is given back.
TEST_F(StackMemory, IsGivenBackWithoutBeingDecommitted) {
  ASSERT_EQ(os_stack_commit(At(256 * K), 128 * K, false), 0);
  auto *bytes = static_cast<volatile char *>(At(256 * K));
  memset(At(256 * K), 1, 128 * K);
  {
    const ShortOfMemory now(0);
    os_discard(At(252 * K), 68 * K);  // and the guard, which stays
  }
  EXPECT_EQ(Committed(), (128 + 4) * K);
  EXPECT_TRUE(HasGuard(lo_ + 252 * K));
  ASSERT_EQ(StateOf(lo_ + 256 * K), DWORD{MEM_COMMIT});
  // Windows takes the pages when it needs memory, Wine at once.
  const bool at_once = GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_get_version");
  for (size_t i = 0; i < 128 * K; i++)
    if (at_once || i >= 64 * K) ASSERT_EQ(bytes[i], i >= 64 * K) << i;
}

// ---- Exceptions ------------------------------------------------------------------------------

void Throws(int depth) {
  if (depth == 0) throw std::runtime_error("deep");
  Throws(depth - 1);
}

TEST_P(Win64, CppExceptionsAreCaught) {
  std::string what;
  ASSERT_EQ(RunFirst(Procs(2, GetParam()), [&] {
    const auto call = [](void *out) {
      try {
        go_yield();
        Throws(20);
      } catch (const std::runtime_error &e) {
        *static_cast<std::string *>(out) = e.what();
      }
    };
    if (go_call_on_stack(64 * K, call, &what) != GO_OK) abort();
  }), GO_OK);
  EXPECT_EQ(what, "deep");
}

// OutputDebugString raises one that its own frame handles.
TEST_P(Win64, ExceptionsOfTheSystemFindTheirHandlers) {
  int done = 0;
  ASSERT_EQ(RunFirst(Procs(1, GetParam()), [&] {
    const auto call = [](void *n) {
      OutputDebugStringA("a debugger would see this");
      ++*static_cast<int *>(n);
    };
    if (go_call_on_stack(64 * K, call, &done) != GO_OK) abort();
  }), GO_OK);
  OutputDebugStringA("and this");
  EXPECT_EQ(done, 1);
}

// ---- The end ---------------------------------------------------------------------------------

// Matches text that has all of these, in this order; expressions of GoogleTest's end with the line.
class Says : public testing::MatcherInterface<const std::string &> {
 public:
  explicit Says(std::vector<std::string> words) : words_(std::move(words)) {}
  bool MatchAndExplain(const std::string &text, testing::MatchResultListener *) const override {
    size_t at = 0;
    for (const std::string &word : words_) {
      at = text.find(word, at);
      if (at == std::string::npos) return false;
      at += word.size();
    }
    return true;
  }
  void DescribeTo(std::ostream *out) const override {
    for (const std::string &word : words_) *out << '"' << word << "\" then ";
    *out << "the end";
  }

 private:
  std::vector<std::string> words_;
};

testing::Matcher<const std::string &> Say(std::vector<std::string> words) {
  return testing::Matcher<const std::string &>(new Says(std::move(words)));
}

void Endless(const char *growth) {
  go_config config = Procs(1, growth);
  config.stack_reserve = 256 * K;
  config.stack_max = 256 * K;
  exit(RunFirst(config, [] { Deep(1 << 30); }));
}

TEST_P(Win64, AnOverflowHasLastWordsAndATraceback) {
  EXPECT_EXIT(Endless(GetParam()), Aborted,
              Say({"stacklab: goroutine 1: stack overflow: ", "(strategy ", GetParam(),
                   "goroutine 1 [stack being moved] of ", "#0 ", "Deep", "#7 ", "Deep"}));
}

bool DiedOfAFault(int status) { return (status & 0xff) == (STATUS_ACCESS_VIOLATION & 0xff); }

void Fault() {
  exit(RunFirst(Procs(1), [] { *reinterpret_cast<volatile int *>(uintptr_t{0x10}) = 1; }));
}

TEST(AFault, ThatNobodyHandlesHasLastWordsAndIsStillOne) {
  EXPECT_EXIT(Fault(), DiedOfAFault,
              Say({"stacklab: goroutine 1: fault at 0x10, pc ", "#0 ", "Fault", "rt_gostart+"}));
}

// A stack of its own, or g0's, ends in a frame that is called from another stack.
void FaultOnAnotherStack() {
  exit(RunFirst(Procs(1, "segment"), [] {
    const auto call = [](void *) { *reinterpret_cast<volatile int *>(uintptr_t{0x10}) = 1; };
    go_call_on_stack(500 * K, call, nullptr);
  }));
}

TEST(AFault, OnAStackThatIsCalledHasLastWordsToo) {
  EXPECT_EXIT(FaultOnAnotherStack(), DiedOfAFault,
              Say({"stacklab: goroutine 1: fault at 0x10, pc ", "#0 ", "FaultOnAnotherStack"}));
}

TEST(AFault, IsCaughtWhereTheRuntimeReadsWhatMayBeGone) {
  int sound = 0, faulted = 0;
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    for (int i = 0; i < 3; i++) {
      sound += os_guarded([](void *) {}, nullptr);
      faulted += !os_guarded(
          [](void *at) { (void)*static_cast<volatile int *>(at); }, reinterpret_cast<void *>(16));
    }
  }), GO_OK);
  EXPECT_EQ(sound, 3);
  EXPECT_EQ(faulted, 3);
}

void Deadlock() {
  exit(RunFirst(Procs(1), [] {
    go_chan *c = nullptr;
    go_chan_new(0, 0, &c);
    go_chan_recv(c, nullptr);
  }));
}

// The unwinder is led from the frames of who asks to those of a goroutine that waits.
TEST(ATraceback, GoesThroughTheFramesOfAGoroutineThatWaits) {
  EXPECT_EXIT(Deadlock(), Aborted,
              Say({"all goroutines are asleep", "goroutine 1 [", "#0 ", "rt_mcall", "go_chan_recv",
                   "rt_gomain+", "rt_gostart+"}));
}

// ---- What cannot be had ----------------------------------------------------------------------

TEST(Strategies, ThatMoveOnFaultsAreRefused) {
  for (const char *growth : {"signal", "signal+checkpoint", "hybrid", "prologue"}) {
    EXPECT_EQ(RunFirst(Procs(1, growth), [] {}), GO_EINVAL) << growth;
    int error = 0;
    ASSERT_EQ(RunFirst(Procs(1), [&] {
      const go_spawn_options options = {growth, 0, 0};
      error = go_spawn(&options, [](void *) {}, nullptr);
    }), GO_OK);
    EXPECT_EQ(error, GO_ESTRATEGY) << growth;
  }
  EXPECT_EQ(Growths().size(), 4u);
}

}  // namespace
