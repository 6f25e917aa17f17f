// stack_slots_test.cc: where the stacks of runtime/stack/stack.c lie to the byte, what each step
// costs in system calls and addresses, and what is left when one of those is refused.  Built once
// for each kind of guard: GUARD_KIND is an enum rt_guard_kind.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/os/os.h"
#include "runtime/stack/stack.h"
#include "tests/emulator.h"
#include "tests/inject.h"
#include "tests/memory.h"

namespace {

constexpr size_t K = 1 << 10, M = 1 << 20, G = 1 << 30;

class Slots : public testing::Test {
 protected:
  void SetUp() override { Configure(); }
  void TearDown() override {
    inject::Disarm();
    for (const rt_stack &s : held_) Free(s);
    rt_stackcache_flush(cache());
    rt_stackdrain(cache());
  }
  void Configure(size_t guard_bytes = 0, bool poison = false) {
    os_guard_supported();
    const rt_stack_config config = {guard_bytes, GUARD_KIND, poison};
    ASSERT_EQ(rt_stackinit(&config), 0);
  }
  bool marked() const { return GUARD_KIND == RT_GUARD_AUTO && os_guard_supported(); }
  rt_stackcache *cache() { return cache_.get(); }
  rt_stack Alloc(size_t size, rt_stack_kind kind = RT_STACK_COMPACT) {
    rt_stack s = {};
    EXPECT_EQ(rt_stackalloc(kind, size, cache(), &s), 0) << size;
    return s;
  }
  rt_stack Hold(size_t size, rt_stack_kind kind = RT_STACK_COMPACT) {
    held_.push_back(Alloc(size, kind));
    return held_.back();
  }
  rt_stack Range(size_t range, size_t size, rt_stack_kind kind = RT_STACK_ELASTIC) {
    rt_stack s = {};
    EXPECT_EQ(rt_stackrange(kind, range, size, cache(), &s), 0);
    EXPECT_EQ(rt_stackcommit(&s), 0);
    return s;
  }
  void Free(const rt_stack &s) { rt_stackfree(cache(), &s); }
  void Count() { inject::Arm(inject::kAll, 0, false); }
  void ExpectGuarded(const rt_stack &s) {
    EXPECT_TRUE(Accessible(s.lo));
    EXPECT_TRUE(Accessible(s.hi - 1));
    EXPECT_FALSE(Accessible(s.lo - 1));
    EXPECT_FALSE(Accessible(s.lo - s.guard_bytes));
  }

 private:
  std::unique_ptr<rt_stackcache> cache_ = std::make_unique<rt_stackcache>();
  std::vector<rt_stack> held_;
};

// ---- Places ------------------------------------------------------------------------------------

constexpr rt_stack_kind kKinds[] = {RT_STACK_COMPACT, RT_STACK_WIDE, RT_STACK_FIXED,
                                    RT_STACK_ELASTIC, RT_STACK_WIDE_ELASTIC};

// The page count of the pad, as slot_bytes_of has to leave room for it.
size_t PadPages(rt_stack_kind kind) {
  return kind == RT_STACK_FIXED || kind == RT_STACK_ELASTIC ? 8 : 1;
}

// The least slot that holds a stack of that size's class, its guard and its pad.
size_t SlotBytes(rt_stack_kind kind, size_t size, size_t guard = RT_STACK_GUARD_BYTES) {
  const bool wide = kind == RT_STACK_WIDE || kind == RT_STACK_WIDE_ELASTIC;
  const size_t stack = WholePages(4 * K << rt_stack_class(size));
  size_t slot = wide ? size_t{RT_STACK_REACH} : 128 * K;
  while (slot < stack + guard + PadPages(kind) * os_pagesize()) slot *= 2;
  return slot;
}

TEST_F(Slots, ASlotIsTheLeastThatHoldsItsStackItsGuardAndItsPad) {
  const size_t page = os_pagesize();
  // The second guard leaves room for one page of pad in 256 KiB, the third for none.
  for (size_t guard : {64 * K, 128 * K - page, 128 * K}) {
    const size_t size = guard == 64 * K ? 256 * K : guard == 128 * K ? 512 * K : 128 * K;
    Configure(guard);
    for (rt_stack_kind kind : kKinds) {
      SCOPED_TRACE(std::to_string(kind) + " " + std::to_string(guard));
      const size_t slot = SlotBytes(kind, size, guard);
      std::vector<rt_stack> stacks;
      for (int i = 0; i < 16; i++) stacks.push_back(Hold(size, kind));
      std::sort(stacks.begin(), stacks.end(),
                [](const rt_stack &a, const rt_stack &b) { return a.slot_lo < b.slot_lo; });
      std::set<size_t> pads;
      for (size_t i = 0; i < stacks.size(); i++) {
        const rt_stack &s = stacks[i];
        EXPECT_EQ(s.slot_lo % slot, 0u);
        if (i > 0) EXPECT_EQ(s.slot_lo - stacks[i - 1].slot_lo, slot);
        pads.insert((s.slot_lo + slot - s.hi) / page);
        EXPECT_EQ(s.guard_bytes, marked() ? guard : s.lo - s.slot_lo);
        ExpectGuarded(s);
      }
      EXPECT_EQ(pads.size(), PadPages(kind));
      EXPECT_EQ(*pads.begin(), 1u);
      EXPECT_EQ(*pads.rbegin(), PadPages(kind));
    }
  }
}

TEST_F(Slots, AnOddSizeEndsInTheLastPageOfItsSlot) {
  for (size_t size : {4097, 5001, 9001, 12345, 70001}) {
    const rt_stack s = Hold(size);
    EXPECT_EQ(rt_stack_size(&s), (size + 15) / 16 * 16);
    EXPECT_EQ(s.lo % os_pagesize(), 0u);
    EXPECT_EQ(s.hi % 16, 0u);
    ExpectGuarded(s);
  }
}

TEST_F(Slots, AnArenaIsCarvedToItsLastSlot) {
  constexpr size_t kSize = 8 * M, kSlots = 2 * G / (16 * M);
  std::vector<rt_stack> stacks(2 * kSlots);
  for (rt_stack &s : stacks)
    ASSERT_EQ(rt_stackreserve(RT_STACK_FIXED, kSize, cache(), &s), 0);
  std::vector<size_t> in_arena;
  for (size_t i = 0, n = 0; i <= stacks.size(); i++, n++)
    if (i == stacks.size() || stacks[i].slot_lo / G / 2 != stacks[i ? i - 1 : 0].slot_lo / G / 2) {
      in_arena.push_back(n);
      n = 0;
    }
  std::set<uintptr_t> places;
  for (const rt_stack &s : stacks) {
    places.insert(s.slot_lo);
    EXPECT_GE(s.slot_lo & 0xffffffff, 0x80000000u);
    EXPECT_LE((s.slot_lo & 0xffffffff) + 16 * M, 4 * G);
    Free(s);
  }
  EXPECT_EQ(places.size(), stacks.size());
  EXPECT_EQ(in_arena, (std::vector<size_t>{kSlots, kSlots}));
}

// Records of arenas share chunks of memory; those of small slots are the longest.
TEST_F(Slots, EveryArenaHasRoomForItsRecord) {
  std::vector<rt_stack> all;
  for (rt_stack_kind kind : {RT_STACK_COMPACT, RT_STACK_FIXED, RT_STACK_ELASTIC})
    for (size_t size = 4 * K; size <= 32 * K; size *= 2)
      for (int i = 0; i < 1 << 14; i++) {
        rt_stack s = {};
        ASSERT_EQ(kind == RT_STACK_ELASTIC && marked()
                      ? rt_stackrange(kind, size, size, cache(), &s)
                      : marked() ? rt_stackreserve(kind, size, cache(), &s) : GO_OK, 0);
        if (s.hi) all.push_back(s);
      }
  std::set<uint32_t> slots;
  for (const rt_stack &s : all) slots.insert(s.slot);
  EXPECT_EQ(slots.size(), all.size());
  for (const rt_stack &s : all) Free(s);
}

// ---- Costs -------------------------------------------------------------------------------------

TEST_F(Slots, AReservedStackCostsNoSystemCallWhereGuardsAreMarks) {
  if (!marked()) GTEST_SKIP() << "guards are of mprotect";
  Hold(24 * K);  // there is an arena
  Count();
  rt_stack s = {};
  ASSERT_EQ(rt_stackreserve(RT_STACK_COMPACT, 24 * K, cache(), &s), 0);
  EXPECT_EQ(s.guard_bytes, 0u) << "it has none yet";
  EXPECT_FALSE(s.usable);
  Free(s);
  EXPECT_EQ(inject::Disarm(), 0u);
  // Once marks were refused it costs one, until the next rt_stackinit.
  inject::Arm(1u << inject::kMadvise, 1, true);
  Hold(24 * K);
  inject::Disarm();
  Count();
  ASSERT_EQ(rt_stackreserve(RT_STACK_COMPACT, 28 * K, cache(), &s), 0);
  EXPECT_GT(inject::Disarm(), 0u);
  Free(s);
  Configure();
  Count();
  ASSERT_EQ(rt_stackreserve(RT_STACK_COMPACT, 28 * K, cache(), &s), 0);
  EXPECT_EQ(inject::Disarm(), 0u);
  Free(s);
}

TEST_F(Slots, AGuardCostsOneSystemCallAndOneMoreOfAnElasticStackThatIsMarked) {
  const size_t size = std::max(24 * K, 3 * os_pagesize());  // not pooled
  for (rt_stack_kind kind : {RT_STACK_COMPACT, RT_STACK_FIXED, RT_STACK_ELASTIC}) {
    Hold(size, kind);
    const uint64_t misses = cache()->stats.pool_misses;
    Count();
    const rt_stack s = Hold(size, kind);
    EXPECT_EQ(inject::Disarm(), marked() && kind == RT_STACK_ELASTIC ? 2u : 1u) << kind;
    EXPECT_EQ(cache()->stats.pool_misses, misses + 1);
    if (kind == RT_STACK_ELASTIC) {
      EXPECT_FALSE(Accessible(s.hi)) << "the pad ends a descent from the slot above";
      EXPECT_FALSE(Accessible(s.slot_lo + SlotBytes(kind, size) - 1));
    }
  }
}

TEST_F(Slots, AHitMakesNoSystemCallWhoeverHadTheStackBefore) {
  for (bool used : {false, true}) {
    rt_stack s = {};
    ASSERT_EQ(rt_stackreserve(RT_STACK_FIXED, 8 * K, cache(), &s), 0);
    if (used) ASSERT_EQ(rt_stackcommit(&s), 0);
    Free(s);
    const uint64_t hits = cache()->stats.pool_hits;
    Count();
    s = Alloc(8 * K, RT_STACK_FIXED);
    const uint64_t calls = inject::Disarm();
    if (cache()->stats.pool_hits > hits) EXPECT_EQ(calls, 0u) << used;
    Free(s);
  }
}

TEST_F(Slots, AnElasticStackOfAnySizeIsPooled) {
  rt_stack s = Range(256 * K, 24 * K);
  Free(s);
  Count();
  s = Range(256 * K, 24 * K);
  EXPECT_EQ(rt_stackresize(cache(), &s, 24 * K), 0) << "nothing to do";
  EXPECT_EQ(inject::Disarm(), 0u);
  Free(s);
}

TEST_F(Slots, ACacheHoldsFourOfAClassAndTheRestGoesOn) {
  std::vector<rt_stack> stacks;
  for (int i = 0; i < 7; i++) stacks.push_back(Alloc(16 * K, RT_STACK_FIXED));
  const uint32_t &n = cache()->n[RT_STACK_FIXED][rt_stack_class(16 * K)];
  for (uint32_t i = 0; i < 7; i++) {
    Free(stacks[i]);
    EXPECT_EQ(n, std::min(i + 1, uint32_t{RT_STACK_CACHED}));
  }
  rt_stackcache_flush(cache());
  EXPECT_EQ(n, 0u);
  std::set<uint32_t> slots;
  for (rt_stack &s : stacks) slots.insert((s = Alloc(16 * K, RT_STACK_FIXED)).slot);
  EXPECT_EQ(slots.size(), stacks.size()) << "each is in one place";
  for (const rt_stack &s : stacks) Free(s);
}

// ---- The account of memory ---------------------------------------------------------------------

TEST_F(Slots, ThePoolKeepsExactly256MiBRoundAfterRound) {
  constexpr int kStacks = 20, kKept = 16;  // of 16 MiB
  std::vector<rt_stack> stacks(kStacks);
  const auto take = [&](bool use) {
    int warm = 0;
    for (rt_stack &s : stacks) {
      EXPECT_EQ(rt_stackreserve(RT_STACK_COMPACT, 16 * M, cache(), &s), 0);
      warm += s.resident;
      if (!use) continue;
      EXPECT_EQ(rt_stackcommit(&s), 0);
      Byte(s.lo) = 1;
    }
    return warm;
  };
  const auto give_back = [&] {
    for (const rt_stack &s : stacks) Free(s);
    rt_stackcache_flush(cache());
    return std::count_if(stacks.begin(), stacks.end(),
                         [](const rt_stack &s) { return Resident(s.lo, s.hi) > 0; });
  };
  take(true);
  for (int round = 0; round < 4; round++) {
    EXPECT_EQ(give_back(), kKept);
    EXPECT_EQ(take(round % 2 == 0), kKept) << "and the stacks know";
  }
  give_back();
  rt_stackdrain(cache());
  EXPECT_EQ(take(false), 0);
  EXPECT_EQ(give_back(), 0) << "cold ones count for nothing";
  take(true);
  EXPECT_EQ(give_back(), kKept);
}

TEST_F(Slots, ADrainedStackHasNoMemoryToItsLastPage) {
  const rt_stack s = Alloc(64 * M);
  Byte(s.lo) = Byte(s.hi - 1) = 1;
  Free(s);
  rt_stackdrain(cache());
  EXPECT_EQ(Resident(s.lo, s.hi), 0u);
  EXPECT_FALSE(Hold(64 * M).resident);
}

TEST_F(Slots, AStackSaysWhetherMemoryOfAnEarlierUserIsThere) {
  rt_stack s = Alloc(256 * K);
  Free(s);
  s = Alloc(256 * K);
  EXPECT_TRUE(s.resident);
  rt_stackemptied(&s);
  Free(s);
  s = Alloc(256 * K);
  EXPECT_FALSE(s.resident);
  Byte(s.lo) = 1;
  rt_stackdiscard(&s);
  EXPECT_EQ(Resident(s.lo, s.hi), 0u);
  Free(s);
  s = Alloc(256 * K);
  EXPECT_FALSE(s.resident);
  Free(s);
}

TEST_F(Slots, PoisonFillsOnceWhatIsUsed) {
  Configure(0, true);
  rt_stack s = Alloc(16 * K);
  Byte(s.lo) = 7;
  EXPECT_EQ(rt_stackcommit(&s), 0);
  EXPECT_EQ(Byte(s.lo), 7) << "it was committed before";
  Free(s);
  rt_stackdrain(cache());
  ASSERT_EQ(rt_stackreserve(RT_STACK_COMPACT, 16 * K, cache(), &s), 0);
  Free(s);
  EXPECT_EQ(Resident(s.lo, s.hi), 0u) << "nobody has used it";
  const rt_stack large = Hold(4 * M);
  EXPECT_EQ(Resident(large.lo, large.hi), 1 * M) << "no more than its top";
  s = Alloc(16 * K);
  Byte(s.lo) = 7;
  inject::Arm(1u << inject::kMprotect, 1, false);
  Free(s);
  inject::Disarm();
  EXPECT_EQ(Byte(s.lo), 7) << "the system refuses to make it whole";
}

// ---- Stocking ----------------------------------------------------------------------------------

TEST_F(Slots, AWantedStackIsStockedOnceWithMemory) {
  SKIP_IN_EMULATOR("ignores MADV_POPULATE_WRITE");
  for (rt_stack_kind kind : {RT_STACK_COMPACT, RT_STACK_WIDE}) {
    const int c = rt_stack_class(64 * K);
    rt_stackcache_want(cache(), kind, 64 * K);
    EXPECT_EQ(cache()->wanted[kind], 1u << c);
    rt_stackcache_stock(cache());
    EXPECT_EQ(cache()->wanted[kind], 0u);
    EXPECT_EQ(cache()->n[kind][c], 1u);
    rt_stackcache_want(cache(), kind, 64 * K);
    EXPECT_EQ(cache()->wanted[kind], 0u) << "one is at hand";
    cache()->wanted[kind] = 1u << c;  // as if that had been given back since
    Count();
    rt_stackcache_stock(cache());
    EXPECT_EQ(inject::Disarm(), 0u);
    EXPECT_EQ(cache()->n[kind][c], 1u);
    rt_stack s = Alloc(64 * K, kind);
    EXPECT_TRUE(s.resident);
    EXPECT_EQ(Resident(s.lo, s.hi), 64 * K);
    ExpectGuarded(s);
    // From the pool, where it is warm, it costs nothing.
    Free(s);
    rt_stackcache_flush(cache());
    rt_stackcache_want(cache(), kind, 64 * K);
    Count();
    rt_stackcache_stock(cache());
    EXPECT_EQ(inject::Disarm(), 0u);
    EXPECT_EQ(Alloc(64 * K, kind).slot, s.slot);
    Free(s);
  }
}

TEST_F(Slots, StacksOfUpToOneMiBAreStocked) {
  for (size_t size : {4 * K, 1 * M, 2 * M}) {
    rt_stackcache_want(cache(), RT_STACK_COMPACT, size);
    EXPECT_EQ(cache()->wanted[RT_STACK_COMPACT] != 0, size <= 1 * M) << size;
    rt_stackcache_stock(cache());
    EXPECT_EQ(cache()->n[RT_STACK_COMPACT][rt_stack_class(size)], size <= 1 * M);
  }
}

TEST_F(Slots, WhatCannotBeStockedStaysWanted) {
  rt_stackcache_want(cache(), RT_STACK_FIXED, 128 * K);
  rt_stackcache_want(cache(), RT_STACK_FIXED, 512 * K);
  const uint32_t wanted = cache()->wanted[RT_STACK_FIXED];
  std::vector<rt_stack> all;
  inject::Arm(inject::kAll, 1, true);  // an arena may be missing, or a guard
  for (size_t size : {128 * K, 512 * K})
    for (rt_stack s; rt_stackalloc(RT_STACK_FIXED, size, cache(), &s) == 0;) all.push_back(s);
  rt_stackcache_stock(cache());
  inject::Disarm();
  EXPECT_EQ(cache()->wanted[RT_STACK_FIXED], wanted);
  for (size_t size : {128 * K, 512 * K})
    EXPECT_EQ(cache()->n[RT_STACK_FIXED][rt_stack_class(size)], 0u);
  // There is an arena, and then no guard: its slot is not lost.
  rt_stack first = Hold(128 * K, RT_STACK_FIXED), next = {};
  inject::Arm(1u << inject::kMadvise | 1u << inject::kMprotect, 1, true);
  rt_stackcache_stock(cache());
  inject::Disarm();
  EXPECT_EQ(cache()->wanted[RT_STACK_FIXED], wanted);
  next = Hold(128 * K, RT_STACK_FIXED);
  EXPECT_EQ(next.slot, first.slot + 1);
  rt_stackcache_stock(cache());
  EXPECT_EQ(cache()->wanted[RT_STACK_FIXED], 0u);
  for (const rt_stack &s : all) Free(s);
}

TEST_F(Slots, FlushingAndDrainingReachEveryKindAndClass) {
  for (rt_stack_kind kind : {RT_STACK_COMPACT, RT_STACK_FIXED}) {
    for (size_t size : {4 * K, 1 * G}) {
      const rt_stack s = Alloc(size, kind);
      Byte(s.hi - 1) = 1;
      Free(s);
      rt_stackcache_flush(cache());
      EXPECT_EQ(cache()->n[kind][rt_stack_class(size)], 0u);
      rt_stackdrain(cache());
      EXPECT_EQ(Resident(s.hi - 4 * K, s.hi), 0u);
    }
  }
}

// ---- Elastic -----------------------------------------------------------------------------------

TEST_F(Slots, AnElasticSlotFromThePoolFitsWhoeverIsNext) {
  rt_stack s = Range(512 * K, 256 * K);
  FillPages(s.lo, s.hi, 1);
  const rt_stack old = s;
  Free(s);
  s = Range(512 * K, 8 * K);
  EXPECT_EQ(s.slot, old.slot);
  EXPECT_EQ(s.hi, old.hi);
  EXPECT_EQ(rt_stack_size(&s), WholePages(8 * K));
  EXPECT_EQ(Resident(old.lo, old.hi), WholePages(8 * K));
  ExpectGuarded(s);
  EXPECT_TRUE(s.usable);
  ASSERT_EQ(rt_stackresize(cache(), &s, 256 * K), 0);
  EXPECT_TRUE(s.usable);
  ExpectGuarded(s);
  for (uintptr_t at = s.lo; at < s.hi; at += os_pagesize()) ASSERT_TRUE(Accessible(at));
  Free(s);
}

// A frame has skipped the guard: what it has written below stays when the guard moves past it.
TEST_F(Slots, GrowingKeepsWhatLiesBelowTheGuard) {
  if (!marked()) GTEST_SKIP() << "nothing below the guard is accessible";
  rt_stack s = Range(4 * M, 8 * K);
  for (size_t at : {200 * K, 2 * M}) Byte(s.hi - at) = 7;
  ASSERT_EQ(rt_stackresize(cache(), &s, 256 * K), 0);
  for (size_t at : {200 * K, 2 * M}) EXPECT_EQ(Byte(s.hi - at), 7) << at;
  ASSERT_EQ(rt_stackresize(cache(), &s, 8 * K), 0);
  EXPECT_EQ(Resident(s.slot_lo, s.lo), 0u) << "and goes when the stack shrinks";
  Free(s);
}

TEST_F(Slots, AResizeThatIsRefusedChangesNothing) {
  for (size_t asked : {8 * K, 100 * K, 300 * K, M})
    for (uint64_t n = 1; n <= 4; n++) {
      SCOPED_TRACE(std::to_string(asked) + " " + std::to_string(n));
      const size_t to = WholePages(asked);
      rt_stack s = Range(M, 256 * K);
      for (uintptr_t at = s.lo; at < s.hi; at += os_pagesize()) Byte(at) = 5;
      const rt_stack before = s;
      inject::Arm(1u << inject::kMprotect | 1u << inject::kMadvise, n, false);
      int error = rt_stackresize(cache(), &s, asked);
      const bool failed = inject::Failed() > 0;
      inject::Disarm();
      if (error) {
        EXPECT_TRUE(failed);
        EXPECT_EQ(memcmp(&s, &before, sizeof s), 0);
        ExpectGuarded(s);
        for (uintptr_t at = s.lo; at < s.hi; at += os_pagesize()) ASSERT_TRUE(Accessible(at));
        if (marked()) EXPECT_TRUE(Accessible(s.hi - to - 1) || s.hi - to > s.lo - s.guard_bytes);
        EXPECT_EQ(cache()->stats.in_use[rt_stack_class(256 * K)], 1u);
        // But for what would have gone; of that, where guards are marks, what one would lie on.
        for (uintptr_t at = std::max(s.lo, s.hi - to); at < s.hi; at += os_pagesize())
          ASSERT_EQ(Byte(at), 5);
        for (uintptr_t at = s.lo; marked() && at < s.hi - to - s.guard_bytes; at += os_pagesize())
          ASSERT_EQ(Byte(at), 5);
        error = rt_stackresize(cache(), &s, asked);
      }
      EXPECT_EQ(error, 0);
      EXPECT_EQ(rt_stack_size(&s), to);
      EXPECT_EQ(cache()->stats.in_use[rt_stack_class(to)], 1u);
      ExpectGuarded(s);
      Free(s);
    }
}

// Where marks were refused, the guard is of mprotect, and has to be opened by that.
TEST_F(Slots, AGuardThatCannotBeOpenedStays) {
  inject::Arm(1u << inject::kMadvise, 1, true);
  rt_stack s = Range(16 * M, 16 * K);  // there is none yet
  inject::Arm(1u << inject::kMprotect, 1, true);
  EXPECT_LT(rt_stackresize(cache(), &s, 256 * K), 0);
  inject::Disarm();
  EXPECT_EQ(rt_stack_size(&s), WholePages(16 * K));
  ExpectGuarded(s);
  EXPECT_EQ(rt_stackresize(cache(), &s, 256 * K), 0);
  ExpectGuarded(s);
  for (uintptr_t at = s.lo; at < s.hi; at += os_pagesize()) ASSERT_TRUE(Accessible(at));
  Free(s);
}

// Of the two calls that open it only the first is done.
TEST_F(Slots, AGuardThatIsOpenedHalfwayIsClosedAgain) {
  if (!marked()) GTEST_SKIP() << "it is opened by one call";
  inject::Arm(1u << inject::kMadvise, 1, true);
  rt_stack s = Range(128 * M, 16 * K);  // there is none yet
  inject::ArmRange(1u << inject::kMadvise, 1, 2);  // to mark the new one, to open the old
  EXPECT_LT(rt_stackresize(cache(), &s, 256 * K), 0);
  inject::Disarm();
  ExpectGuarded(s);
  for (uintptr_t at = s.hi - 512 * K; at < s.lo - s.guard_bytes; at += os_pagesize())
    ASSERT_TRUE(Accessible(at)) << "nothing is left of the new one";
  EXPECT_EQ(rt_stackresize(cache(), &s, 256 * K), 0);
  ExpectGuarded(s);
  Free(s);
}

// Neither a mark nor mprotect, the first time.
TEST_F(Slots, WithoutANewGuardTheOldOneStays) {
  if (!marked()) GTEST_SKIP() << "all that lies below is the guard";
  constexpr uint32_t kGuards = 1u << inject::kMadvise | 1u << inject::kMprotect;
  rt_stack s = {};
  ASSERT_EQ(rt_stackrange(RT_STACK_ELASTIC, 64 * M, 16 * K, cache(), &s), 0);
  inject::ArmRange(kGuards, 1, 2);  // the pad above it, that ends a descent from the next slot
  EXPECT_LT(rt_stackcommit(&s), 0);
  inject::Disarm();
  EXPECT_FALSE(s.usable);
  ASSERT_EQ(rt_stackcommit(&s), 0);
  EXPECT_FALSE(Accessible(s.hi));
  inject::ArmRange(kGuards, 1, 2);
  EXPECT_LT(rt_stackresize(cache(), &s, 256 * K), 0);
  inject::Disarm();
  EXPECT_EQ(rt_stack_size(&s), WholePages(16 * K));
  ExpectGuarded(s);
  Free(s);
}

TEST_F(Slots, ARangeThatIsRefusedIsTakenNextTime) {
  rt_stack s = Range(256 * K, 8 * K), refused = {1, 2, 3, 4, 0, 0, 5};
  const rt_stack before = refused;
  const uint32_t slot = s.slot;
  Free(s);
  inject::Arm(inject::kAll, 1, true);
  EXPECT_LT(rt_stackrange(RT_STACK_ELASTIC, 256 * K, 256 * K, cache(), &refused), 0);
  inject::Disarm();
  EXPECT_EQ(memcmp(&refused, &before, sizeof before), 0);
  inject::Arm(inject::kAll, 1, true);  // nor is there an arena for that
  EXPECT_LT(rt_stackrange(RT_STACK_WIDE_ELASTIC, 32 * M, 8 * K, cache(), &refused), 0);
  inject::Disarm();
  EXPECT_EQ(memcmp(&refused, &before, sizeof before), 0);
  for (const auto &n : cache()->stats.in_use) EXPECT_EQ(n, 0u);
  s = Range(256 * K, 8 * K);
  EXPECT_EQ(s.slot, slot);
  ExpectGuarded(s);
  Free(s);
}

TEST_F(Slots, AStackThatIsRefusedIsTakenNextTime) {
  Configure();
  rt_stack s = Alloc(24 * K), refused = {1, 2, 3, 4, 0, 0, 5};
  const rt_stack before = refused;
  Free(s);
  const uint64_t in_use = cache()->stats.in_use[rt_stack_class(24 * K)];
  for (int again = 0; again < 2; again++) {  // the second time marks are known to be refused
    inject::Arm(inject::kAll, 1, true);
    EXPECT_LT(rt_stackalloc(RT_STACK_COMPACT, 24 * K, cache(), &refused), 0);
    inject::Disarm();
    EXPECT_EQ(memcmp(&refused, &before, sizeof before), 0);
    EXPECT_EQ(cache()->stats.in_use[rt_stack_class(24 * K)], in_use);
  }
  const rt_stack now = Alloc(24 * K);
  EXPECT_EQ(now.slot, s.slot);
  ExpectGuarded(now);
  Free(now);
}

}  // namespace
