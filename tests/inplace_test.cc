// inplace_test.cc: stacks that grow where they are (runtime/stack/growth/inplace.c, hybrid.c), and
// the elastic slots below them, for each kind of guard.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "runtime/os/os.h"
#include "tests/call_at.h"
#include "tests/child.h"
#include "tests/goroutine.h"
#include "tests/memory.h"

namespace {

constexpr size_t kKiB = 1 << 10, kMiB = 1 << 20;

int Mappings() {
  FILE *f = fopen("/proc/self/maps", "r");
  int n = 0;
  for (int c; f && (c = fgetc(f)) != EOF;) n += c == '\n';
  if (f) fclose(f);
  return n;
}

class InPlace : public testing::TestWithParam<const char *> {
 protected:
  bool marked() const { return std::string(GetParam()) == "auto" && os_guard_supported(); }
  go_config Config(const char *growth = "inplace") const {
    go_config c = SmallStacks(growth);
    c.guard_kind = GetParam();
    return c;
  }
};
INSTANTIATE_TEST_SUITE_P(Guards, InPlace, testing::Values("auto", "mprotect"),
                         [](const auto &info) { return std::string(info.param); });
using InPlaceDeathTest = InPlace;
INSTANTIATE_TEST_SUITE_P(Guards, InPlaceDeathTest, testing::Values("auto", "mprotect"),
                         [](const auto &info) { return std::string(info.param); });

// ---- Elastic slots -----------------------------------------------------------------------------

class Elastic : public InPlace {
 protected:
  void SetUp() override {
    const rt_stack_config config = {
        0, std::string(GetParam()) == "auto" ? RT_GUARD_AUTO : RT_GUARD_MPROTECT, false};
    ASSERT_EQ(rt_stackinit(&config), 0);
  }
  void TearDown() override {
    rt_stackcache_flush(cache());
    rt_stackdrain(cache());
  }
  rt_stackcache *cache() { return cache_.get(); }
  rt_stack Reserve(size_t range, size_t size, rt_stack_kind kind = RT_STACK_ELASTIC) {
    rt_stack s = {};
    EXPECT_EQ(rt_stackrange(kind, range, size, cache(), &s), 0) << range << " " << size;
    EXPECT_EQ(rt_stackcommit(&s), 0);
    return s;
  }
  // The stack is as large as was asked for, in whole pages, and can be used from end to end; below
  // it lies a guard of the width it says.
  void ExpectGuardedAt(const rt_stack &s, size_t size) {
    ASSERT_EQ(rt_stack_size(&s), WholePages(size));
    const size_t page = os_pagesize();
    for (uintptr_t at = s.lo; at < s.hi; at += page) ASSERT_TRUE(Accessible(at)) << s.hi - at;
    EXPECT_TRUE(Accessible(s.hi - 1));
    Byte(s.lo) = Byte(s.hi - 1) = 1;
    ASSERT_GE(s.guard_bytes, size_t{RT_STACK_GUARD_BYTES});
    for (uintptr_t at = s.lo - s.guard_bytes; at < s.lo; at += page)
      ASSERT_FALSE(Accessible(at)) << s.lo - at << " below a stack of " << size;
    EXPECT_FALSE(Accessible(s.lo - 1));
    // An arena stays as it was made, which may have been in another test, by mprotect.
    if (marked() && s.slot_lo < s.lo - s.guard_bytes)
      EXPECT_TRUE(Accessible(s.lo - s.guard_bytes - 1)) << "the guard is narrow";
  }

 private:
  std::unique_ptr<rt_stackcache> cache_ = std::make_unique<rt_stackcache>();
};
INSTANTIATE_TEST_SUITE_P(Guards, Elastic, testing::Values("auto", "mprotect"),
                         [](const auto &info) { return std::string(info.param); });

TEST_P(Elastic, TheGuardStandsBelowEverySizeOnTheWayDownAndUp) {
  for (rt_stack_kind kind : {RT_STACK_ELASTIC, RT_STACK_WIDE_ELASTIC}) {
    rt_stack s = Reserve(4 * kMiB, 8 * kKiB, kind);
    const uintptr_t hi = s.hi;
    const std::vector<size_t> sizes = {8 * kKiB,   16 * kKiB, 20 * kKiB, 64 * kKiB, 68 * kKiB,
                                       256 * kKiB, 4 * kMiB,  2 * kMiB,  80 * kKiB, 72 * kKiB,
                                       12 * kKiB,  4 * kMiB,  8 * kKiB};
    for (size_t size : sizes) {
      ASSERT_EQ(rt_stackresize(cache(), &s, size), 0) << size;
      ExpectGuardedAt(s, size);
      EXPECT_EQ(s.hi, hi);
      EXPECT_EQ(cache()->stats.in_use[rt_stack_class(WholePages(size))], 1u);
    }
    rt_stackfree(cache(), &s);
    for (const auto &n : cache()->stats.in_use) EXPECT_EQ(n, 0u);
  }
}

TEST_P(Elastic, ASmallerStackHasGivenItsMemoryBack) {
  rt_stack s = Reserve(16 * kMiB, 16 * kMiB);
  FillPages(s.lo, s.hi, 7);
  const uintptr_t lo = s.lo;
  EXPECT_EQ(Resident(lo, s.hi), 16 * kMiB);
  ASSERT_EQ(rt_stackresize(cache(), &s, 256 * kKiB), 0);
  EXPECT_EQ(Resident(lo, s.hi), 256 * kKiB);
  for (uintptr_t at = s.lo; at < s.hi; at += os_pagesize()) ASSERT_EQ(Byte(at), 7);
  rt_stackfree(cache(), &s);
}

TEST_P(Elastic, AReusedSlotHasTheSizeThatIsAskedFor) {
  rt_stack s = Reserve(kMiB, 8 * kKiB);
  ASSERT_EQ(rt_stackresize(cache(), &s, kMiB), 0);
  for (size_t size : {16 * kKiB, 8 * kKiB, 512 * kKiB, 8 * kKiB}) {
    const uint32_t slot = s.slot;
    rt_stackfree(cache(), &s);
    s = Reserve(kMiB, size);
    EXPECT_EQ(s.slot, slot);
    ExpectGuardedAt(s, size);
  }
  rt_stackfree(cache(), &s);
}

TEST_P(Elastic, SaysWhatItCannotDoAndStaysAsItWas) {
  rt_stack s = Reserve(kMiB, 8 * kKiB);
  const rt_stack before = s;
  EXPECT_EQ(rt_stackresize(cache(), &s, kMiB + 1), GO_ELIMIT);
  EXPECT_EQ(memcmp(&s, &before, sizeof s), 0);
  ExpectGuardedAt(s, 8 * kKiB);
  rt_stackfree(cache(), &s);
  ASSERT_EQ(rt_stackalloc(RT_STACK_WIDE, 8 * kKiB, cache(), &s), 0);
  EXPECT_EQ(rt_stackresize(cache(), &s, 16 * kKiB), GO_ESTRATEGY) << "not elastic";
  rt_stackfree(cache(), &s);
  EXPECT_EQ(rt_stackrange(RT_STACK_ELASTIC, 8 * kKiB, 16 * kKiB, cache(), &s), GO_EINVAL);
  EXPECT_EQ(rt_stackrange(RT_STACK_ELASTIC, kMiB, 100, cache(), &s), GO_EINVAL);
  EXPECT_EQ(rt_stackrange(RT_STACK_ELASTIC, size_t{2} << 30, 8192, cache(), &s), GO_ELIMIT);
}

TEST_P(Elastic, SlotsThatPassThroughTheSharedPoolKeepABoundedAmountOfMemory) {
  std::vector<rt_stack> stacks;
  for (int i = 0; i < 40; i++) stacks.push_back(Reserve(16 * kMiB, 16 * kMiB));
  for (const rt_stack &s : stacks) FillPages(s.lo, s.hi, 1);
  for (const rt_stack &s : stacks) rt_stackfree(cache(), &s);
  size_t resident = 0;
  for (const rt_stack &s : stacks) resident += Resident(s.lo, s.hi);
  EXPECT_LE(resident, (256 + 4 * 16) * kMiB);  // the pool's and the cache's
  EXPECT_GE(resident, 256 * kMiB);
  // The account is in order: as many again fit.
  for (rt_stack &s : stacks) s = Reserve(16 * kMiB, 8 * kKiB);
  for (const rt_stack &s : stacks) rt_stackfree(cache(), &s);
  resident = 0;
  for (const rt_stack &s : stacks) resident += Resident(s.lo, s.hi);
  EXPECT_LE(resident, 40 * WholePages(8 * kKiB));
}

// What a goroutine has that is parked at some depth.
TEST_P(Elastic, DecommitKeepsWhatIsLiveAndAMargin) {
  rt_growth_options.reserve_bytes = rt_growth_options.hybrid_bytes = kMiB;
  for (const char *name : Growths(IsElastic)) {
    rt_gstack gs = {};
    gs.growth = rt_growth_find(name);
    gs.initial = 8 * kKiB;
    gs.max = kMiB;
    ASSERT_EQ(gs.growth->alloc(&gs, cache()), 0);
    ASSERT_EQ(rt_stackcommit(&gs.stack), 0);
    const uintptr_t hi = gs.stack.hi;
    ASSERT_EQ(rt_growinplace(&gs, cache(), kMiB), 0);
    FillPages(gs.stack.lo, hi, 3);
    const size_t live = 32 * kKiB - 100;  // 32 KiB would hold it, but not the margin
    EXPECT_TRUE(gs.growth->decommit(&gs, cache(), hi - live));
    EXPECT_EQ(Resident(hi - kMiB, hi), 64 * kKiB);
    EXPECT_EQ(gs.stack.hi, hi);
    for (uintptr_t at = hi - 32 * kKiB; at < hi; at += 4096) ASSERT_EQ(Byte(at), 3);
    ExpectGuardedAt(gs.stack, 64 * kKiB);
    EXPECT_TRUE(gs.growth->decommit(&gs, cache(), hi)) << "nothing is live";
    ExpectGuardedAt(gs.stack, 8 * kKiB);
    EXPECT_TRUE(gs.growth->decommit(&gs, cache(), hi)) << "nothing to do";
    rt_stackfree(cache(), &gs.stack);
  }
}

// ---- Growth ------------------------------------------------------------------------------------

// Recurses until `bytes` are used, with a pointer to each local in the heap; counts those that are
// wrong on the way back.
using Addresses = std::vector<volatile uint64_t *>;

__attribute__((noinline)) int Descend(Addresses *all, uintptr_t from, size_t bytes) {
  volatile uint64_t here[64];
  const size_t k = all->size();
  here[17] = k * 2654435761u;
  all->push_back(&here[17]);
  int wrong = 0;
  if (from - reinterpret_cast<uintptr_t>(here) < bytes) wrong = Descend(all, from, bytes);
  return wrong + (*(*all)[k] != k * 2654435761u || (*all)[k] != &here[17]);
}

int DescendBy(size_t bytes) {
  const auto all = std::make_unique<Addresses>();
  return Descend(all.get(), Bounds().hi, bytes);
}

const size_t kFirst = WholePages(8 * kKiB);

uint64_t Doublings(size_t to) {  // from kFirst
  uint64_t n = 0;
  for (size_t size = kFirst; size < to; size *= 2) n++;
  return n;
}

TEST_P(InPlace, NoAddressChangesWhileTheStackGrowsAThousandfold) {
  const struct go_stats before = Stats();
  struct go_stack_bounds first = {}, last = {};
  int wrong = -1;
  Sweep(0, 1, 1, [&](int) {
    first = Bounds();
    wrong = DescendBy(8 * kMiB - 4096);
    last = Bounds();
  }, Config());
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(first.hi - first.lo, kFirst);
  EXPECT_EQ(last.hi, first.hi);
  EXPECT_EQ(last.hi - last.lo, 8 * kMiB);
  const struct go_stats after = Stats();
  const uint64_t doublings = Doublings(8 * kMiB);  // ten from 8 KiB
  EXPECT_EQ(after.growths - before.growths, doublings);
  EXPECT_EQ(after.growths_in_place - before.growths_in_place, doublings);
  EXPECT_EQ(after.growths_by_fault - before.growths_by_fault, doublings);
  EXPECT_EQ(after.bytes_copied, before.bytes_copied);
  EXPECT_EQ(after.words_adjusted, before.words_adjusted);
}

TEST_P(InPlace, TheNextGoroutineStartsSmallAndTheMemoryIsGivenBack) {
  struct go_stack_bounds grown = {}, next = {};
  size_t resident = 0;
  ASSERT_EQ(RunFirst(Config(), [&] {
    static go_waitgroup done;
    const Body deep = [&] {
      if (DescendBy(4 * kMiB - 4096) == 0) grown = Bounds();
      go_waitgroup_done(&done);
    };
    const Body shallow = [&] {
      next = Bounds();
      go_waitgroup_done(&done);
    };
    for (const Body *body : {&deep, &shallow}) {
      go_waitgroup_add(&done, 1);
      if (go_spawn(nullptr, CallBody, const_cast<Body *>(body)) != GO_OK) abort();
      go_waitgroup_wait(&done);
      if (body == &deep) resident = Resident(grown.lo, grown.hi);
    }
  }), GO_OK);
  EXPECT_EQ(grown.hi - grown.lo, 4 * kMiB);
  EXPECT_EQ(resident, kFirst);
  EXPECT_EQ(next.hi, grown.hi) << "the same stack";
  EXPECT_EQ(next.hi - next.lo, kFirst);
}

TEST_P(InPlace, ACheckpointGrowsWithoutAFault) {
  const struct go_stats before = Stats();
  size_t size = 0;
  int grown = 1, beyond = 1, again = 1;
  go_config config = Config();
  config.stack_reserve = 4 * kMiB;
  ASSERT_EQ(RunFirst(config, [&] {
    grown = go_checkpoint(kMiB);
    again = go_checkpoint(kMiB);
    beyond = go_checkpoint(4 * kMiB);
    size = Bounds().hi - Bounds().lo;
    if (DescendBy(kMiB) != 0) abort();
  }), GO_OK);
  EXPECT_EQ(grown, GO_OK);
  EXPECT_EQ(again, GO_OK);
  EXPECT_EQ(beyond, GO_ELIMIT);
  EXPECT_EQ(size, 2 * kMiB);
  EXPECT_EQ(Stats().growths_by_fault, before.growths_by_fault);
  EXPECT_EQ(Stats().growths - before.growths, 1u);
}

TEST_P(InPlace, ARangeMayEndWithinAPage) {
  go_config config = Config();
  config.stack_reserve = 5000;
  size_t size = 0;
  ASSERT_EQ(RunFirst(config, [&] { size = Bounds().hi - Bounds().lo; }), GO_OK);
  EXPECT_EQ(size, WholePages(config.stack_reserve));
}

// ---- Frames that skip the guard ----------------------------------------------------------------

// At an SP far below the guard, as a frame without probes leaves it.
uint64_t Skipped(uint64_t bounds) {
  auto *then = reinterpret_cast<struct go_stack_bounds *>(bounds);
  volatile char frame[1000];
  for (size_t i = 0; i < sizeof frame; i++) frame[i] = static_cast<char>(i);
  go_yield();
  *then = Bounds();
  uint64_t wrong = 0;
  for (size_t i = 0; i < sizeof frame; i++) wrong += frame[i] != static_cast<char>(i);
  return wrong;
}

TEST_P(InPlace, AFrameThatSkipsTheGuardIsWholeAndTheGuardFollows) {
  struct go_stack_bounds first = {}, then = {};
  uint64_t wrong = 1;
  Sweep(0, 1, 1, [&](int) {
    first = Bounds();
    wrong = case_call_at(first.hi - 300 * kKiB, Skipped, reinterpret_cast<uint64_t>(&then));
  }, Config());
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(then.hi, first.hi);
  EXPECT_EQ(then.hi - then.lo, 512 * kKiB);
}

// Whoever has skipped the guard and goes on down comes to the end of its slot, not to a neighbour.
TEST_P(InPlaceDeathTest, ADescentPastTheGuardEndsBeforeTheNextSlot) {
  go_config config = Config();
  config.stack_reserve = 64 * kKiB;
  const auto descend = [&] {
    signal(SIGSEGV, SIG_DFL);  // sanitizers have handlers of their own
    RunFirst(config, [] {
      for (int i = 0; i < 3; i++) {  // the last has a neighbour below
        go_spawn(nullptr, [](void *last) {
          Byte(Bounds().lo) = 1;
          go_yield();
          if (!last) return;
          size_t slot = 256 * kKiB;
          while (slot < (64 + 64) * kKiB + 8 * os_pagesize()) slot *= 2;  // range, guard, pad
          const uintptr_t lo = Bounds().lo, slot_lo = Bounds().hi / slot * slot;
          for (uintptr_t at = lo - 65 * kKiB; at >= slot_lo - 4096; at -= 1024) Byte(at) = 1;
          _exit(0);
        }, reinterpret_cast<void *>(static_cast<uintptr_t>(i == 2)));
      }
      for (int i = 0; i < 3; i++) go_yield();
    });
  };
  EXPECT_EXIT(descend(), [](int status) { return WIFSIGNALED(status) != 0; },
              "stacklab: goroutine [0-9]+: (fault at|stack overflow)");
}

// ---- The limit ---------------------------------------------------------------------------------

TEST_P(InPlaceDeathTest, TheRangeIsTheLimitAndTheMessageSaysSo) {
  go_config config = Config();
  config.stack_reserve = kMiB;
  EXPECT_EXIT(RunFirst(config, [] { DescendBy(SIZE_MAX); }), testing::KilledBySignal(SIGABRT),
              "^stacklab: goroutine [0-9]+: stack overflow: the stack is at its limit "
              "\\(strategy inplace, size 1048576 bytes, limit 1048576, needed [0-9]+, fault "
              "address 0x[0-9a-f]+, pc 0x[0-9a-f]+\\)\n");
}

TEST_P(InPlaceDeathTest, AFaultElsewhereIsNotBlamedOnAMove) {
  const auto fault = [&] {
    signal(SIGSEGV, SIG_DFL);
    RunFirst(Config(), [] {
      if (DescendBy(64 * kKiB) != 0) abort();
      *reinterpret_cast<volatile int *>(16) = 1;
    });
  };
  EXPECT_EXIT(fault(), testing::KilledBySignal(SIGSEGV), "fault at 0x10, pc 0x[0-9a-f]+\n");
}

// ---- Many --------------------------------------------------------------------------------------

constexpr int kMany = 3000;

TEST_P(InPlace, ThousandsOfGrownStacksTakeFewMappings) {
  if (kThreadSanitizer) GTEST_SKIP() << "TSan deadlocks in itself when its own frames fault";
  static go_waitgroup gate, done, arrived;
  static int wrong;
  wrong = 0;
  const int before = Mappings();
  int during = 0;
  ASSERT_EQ(RunFirst(Config(), [&] {
    go_waitgroup_add(&gate, 1);
    go_waitgroup_add(&arrived, kMany);
    go_waitgroup_add(&done, kMany);
    for (int i = 0; i < kMany; i++) {
      if (go_spawn(nullptr, [](void *) {
        wrong += DescendBy(40 * kKiB) != 0;
        go_waitgroup_done(&arrived);
        go_waitgroup_wait(&gate);
        go_waitgroup_done(&done);
      }, nullptr) != GO_OK) abort();
    }
    go_waitgroup_wait(&arrived);
    during = Mappings();
    go_waitgroup_done(&gate);
    go_waitgroup_wait(&done);
  }), GO_OK);
  EXPECT_EQ(wrong, 0);
  // 256 MiB of addresses each: an arena has room for four.
  if (marked())
    EXPECT_LT(during - before, kMany / 4 + 100);
  else
    EXPECT_LT(during - before, 2 * kMany + kMany / 4 + 100) << "what is committed and what is not";
}

// ---- Hybrid ------------------------------------------------------------------------------------

// A chain of frames that may move: the pointers lie on the stack.
__attribute__((noinline)) uint64_t Chain(const uint64_t *above, size_t bytes) {
  uint64_t here[64];
  here[17] = *above + 1;
  const size_t used = Bounds().hi - reinterpret_cast<uintptr_t>(here);
  return used < bytes ? Chain(&here[17], bytes) : here[17];
}

TEST_P(InPlace, HybridMovesOnlyBeyondItsRange) {
  SKIP_UNLESS_AVAILABLE("hybrid");
  for (const bool asks : {false, true}) {
    go_config config = Config("hybrid");
    config.stack_hybrid = 256 * kKiB;
    struct go_stack_bounds first = {}, within = {};
    struct go_stats stats[3] = {};
    uint64_t depth[2] = {};
    Sweep(0, 1, 1, [&](int) {
      const uint64_t zero = 0;
      first = Bounds();
      stats[0] = Stats();
      if (asks && go_checkpoint(200 * kKiB) != GO_OK) abort();
      depth[0] = Chain(&zero, 200 * kKiB);
      within = Bounds();
      stats[1] = Stats();
      if (asks && go_checkpoint(900 * kKiB) != GO_OK) abort();
      depth[1] = Chain(&zero, 900 * kKiB);
      stats[2] = Stats();
    }, config);
    EXPECT_GT(depth[0], 200u);
    EXPECT_GT(depth[1], 4 * depth[0]);
    EXPECT_EQ(within.hi, first.hi);
    EXPECT_EQ(within.hi - within.lo, 256 * kKiB);
    EXPECT_EQ(stats[1].bytes_copied, stats[0].bytes_copied);
    EXPECT_EQ(stats[1].growths - stats[0].growths, asks ? 1u : Doublings(256 * kKiB));
    EXPECT_GT(stats[2].bytes_copied, stats[1].bytes_copied);
    EXPECT_EQ(stats[2].growths_in_place, stats[1].growths_in_place);
    EXPECT_EQ(stats[2].growths - stats[1].growths, asks ? 1u : 2u);
  }
}

}  // namespace
