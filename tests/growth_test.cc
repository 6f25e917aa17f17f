// growth_test.cc: the strategies' functions one by one (runtime/stack/growth), on stacks that no
// goroutine runs on: sizes to the byte, what is counted, and what happens without memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>

extern "C" {
#include "runtime/arch/arch.h"
#include "runtime/go.h"
#include "runtime/stack/fault.h"
#include "runtime/stack/quarantine.h"
#include "runtime/stack/sanitize.h"
}
#include "tests/growth_unit.h"
#include "tests/memory.h"

namespace {

// ---- The table ---------------------------------------------------------------------------------

#define ROW(name) &rt_growth_##name,
const rt_growth *const kRows[] = {RT_GROWTH_TABLE(ROW)};

// What a row asks of the CPU and of the system.
bool CanBeHad(const rt_growth &growth) {
  if (growth.mark_bytes && !rt_arch_has_marks) return false;
  return !growth.moves || (RT_ARCH_FRAMES_MOVE && (!growth.fault || os_fault_elsewhere()));
}

TEST_F(Growth, TheTableHasRowsUpToItsEndAndANameFindsItsOwn) {
  int n = 0;
  for (; const rt_growth *row = rt_growth_at(n); n++) {
    EXPECT_EQ(rt_growth_find(row->name), row);
    EXPECT_EQ(rt_growth_find(std::string(row->name).c_str()), row) << "an equal name elsewhere";
  }
  std::vector<const char *> wanted;
  for (const rt_growth *row : kRows) {
    EXPECT_EQ(rt_growth_find(row->name), row) << "here or not, " << row->name << " is known";
    if (CanBeHad(*row)) wanted.push_back(row->name);
  }
  EXPECT_EQ(Growths(), wanted);
  for (int beyond : {-1, -2, n, n + 1, 1000, INT32_MIN}) EXPECT_EQ(rt_growth_at(beyond), nullptr);
  EXPECT_EQ(rt_growth_find("signals"), nullptr);
  EXPECT_EQ(rt_growth_find(""), nullptr);
}

// ---- rt_newstack -------------------------------------------------------------------------------

TEST_F(Growth, ANewStackHasEverythingThatPointsIntoTheOldOne) {
  rt_gstack gs = Make("prologue");
  const rt_stack old = gs.stack;
  rt_stackref second = {nullptr, reinterpret_cast<void *>(old.hi - 24)};
  rt_stackref first = {&second, reinterpret_cast<void *>(old.hi - 16)};
  rt_stackref_add(&gs, &second);
  rt_stackref_add(&gs, &first);
  gs.defers = old.hi - 40;
  Word(old.hi - 8) = old.hi;
  Word(old.hi - 64) = 99;
  rt_copied moved;
  ASSERT_EQ(rt_newstack(&gs, cache(), 32 * K, gs.sp, &moved), 0);
  const uintptr_t delta = gs.stack.hi - old.hi;
  EXPECT_NE(delta, 0u);
  EXPECT_EQ(Size(gs), 32 * K);
  EXPECT_EQ(gs.sp, old.hi - 64 + delta);
  EXPECT_EQ(gs.defers, old.hi - 40 + delta);
  EXPECT_EQ(first.p, reinterpret_cast<void *>(old.hi - 16 + delta));
  EXPECT_EQ(second.p, reinterpret_cast<void *>(old.hi - 24 + delta));
  EXPECT_EQ(gs.low, gs.stack.lo + RT_STACKGUARD);
  EXPECT_EQ(Word(gs.stack.hi - 8), gs.stack.hi);
  EXPECT_EQ(Word(gs.stack.hi - 64), 99u);
  EXPECT_EQ(moved.bytes, 64u);
  EXPECT_EQ(moved.words.delta, delta);
  Free(&gs);
}

TEST_F(Growth, AMoveIsCountedForWhatItIs) {
  rt_gstack gs = Make("checkpoint");
  rt_copied moved;
  const auto move = [&](size_t size) {
    memset(reinterpret_cast<void *>(gs.sp), 0, gs.stack.hi - gs.sp);
    Word(gs.stack.hi - 8) = gs.stack.hi;
    ASSERT_EQ(rt_newstack(&gs, cache(), size, gs.sp, &moved), 0);
  };
  const auto last = [&](size_t from, size_t to) {
    const rt_stackmove &m = cache()->last;
    EXPECT_EQ(m.from_bytes, from);
    EXPECT_EQ(m.to_bytes, to);
    EXPECT_EQ(m.bytes_copied, 64u);
    EXPECT_EQ(m.words_adjusted, 1u);
    EXPECT_EQ(m.began_ns, 1234);
  };
  move(32 * K);
  last(8 * K, 32 * K);
  EXPECT_EQ(stats().growths, 1u);
  move(32 * K);
  last(32 * K, 32 * K);
  EXPECT_EQ(stats().moves_forced, 1u);
  move(16 * K);
  last(32 * K, 16 * K);
  EXPECT_EQ(stats().shrinks, 1u);
  rt_growth_options.clock = nullptr;
  move(64 * K);
  EXPECT_EQ(cache()->last.began_ns, 0);
  EXPECT_EQ(stats().growths, 2u);
  EXPECT_EQ(stats().moves_forced, 1u);
  EXPECT_EQ(stats().shrinks, 1u);
  EXPECT_EQ(stats().bytes_copied, 4 * 64u);
  EXPECT_EQ(stats().words_adjusted, 4u);
  EXPECT_EQ(stats().pages_moved_growths, 0u);
  EXPECT_EQ(gs.ngrowths, 4u);
  EXPECT_EQ(gs.nmoves, 4u);
  EXPECT_EQ(stats().in_use[rt_stack_class(64 * K)], 1u);
  for (size_t size : {8 * K, 16 * K, 32 * K}) EXPECT_EQ(stats().in_use[rt_stack_class(size)], 0u);
  Free(&gs);
}

TEST_F(Growth, AnotherStackOfThatSizeIsWantedUnlessItIsSmaller) {
  rt_gstack gs = Make("checkpoint");
  rt_copied moved;
  const auto wanted = [&](size_t size) {
    return (cache()->wanted[RT_STACK_COMPACT] >> rt_stack_class(size) & 1) != 0;
  };
  ASSERT_EQ(rt_newstack(&gs, cache(), 32 * K, gs.sp, &moved), 0);
  EXPECT_TRUE(wanted(32 * K));
  rt_stackcache_flush(cache());
  ASSERT_EQ(rt_newstack(&gs, cache(), 16 * K, gs.sp, &moved), 0);
  EXPECT_FALSE(wanted(16 * K));
  rt_stackcache_flush(cache());
  cache()->wanted[RT_STACK_COMPACT] = 0;
  gs.growth = rt_growth_find("signal");
  ASSERT_EQ(rt_newstack(&gs, cache(), 16 * K, gs.sp, &moved), 0);
  EXPECT_TRUE(cache()->wanted[RT_STACK_WIDE] >> rt_stack_class(16 * K) & 1) << "of its own kind";
  Free(&gs);
}

TEST_F(Growth, WhatWasLeftIsWarmUnlessItIsForMemoryThatItWasLeft) {
  rt_gstack gs = Make("checkpoint", 64 * K);
  rt_copied moved;
  uint32_t slot = gs.stack.slot;
  ASSERT_EQ(rt_newstack(&gs, cache(), 128 * K, gs.sp, &moved), 0);
  EXPECT_TRUE(Warm(RT_STACK_COMPACT, 64 * K, slot)) << "after a growth";
  slot = gs.stack.slot;
  ASSERT_EQ(rt_newstack(&gs, cache(), 128 * K, gs.sp, &moved), 0);
  EXPECT_TRUE(Warm(RT_STACK_COMPACT, 128 * K, slot)) << "after a move";
  slot = gs.stack.slot;
  ASSERT_EQ(rt_newstack(&gs, cache(), 64 * K, gs.sp, &moved), 0);
  EXPECT_FALSE(Warm(RT_STACK_COMPACT, 128 * K, slot)) << "after shrinking";
  Free(&gs);
}

TEST_F(Growth, AStackWhosePagesWentAlongIsCold) {
  if (rt_sanitize_pages_pinned()) GTEST_SKIP() << "pages do not move in this build";
  if (!PagesMove()) GTEST_SKIP() << "this system moves no pages";
  rt_gstack gs = Make("checkpoint", 2 * M, 64 * M);
  gs.sp = gs.stack.lo;
  memset(reinterpret_cast<void *>(gs.sp), 1, Size(gs));
  const uint32_t slot = gs.stack.slot;
  rt_copied moved;
  ASSERT_EQ(rt_newstack(&gs, cache(), 4 * M, gs.sp, &moved), 0);
  EXPECT_TRUE(moved.moved_pages);
  EXPECT_EQ(stats().pages_moved_growths, 1u);
  EXPECT_FALSE(Warm(RT_STACK_COMPACT, 2 * M, slot));
  // A move that is none counts elsewhere.
  ASSERT_EQ(rt_newstack(&gs, cache(), 4 * M, gs.sp, &moved), 0);
  EXPECT_TRUE(moved.moved_pages);
  EXPECT_EQ(stats().pages_moved_growths, 1u);
  gs.sp = gs.stack.hi - M;
  ASSERT_EQ(rt_newstack(&gs, cache(), 2 * M, gs.sp, &moved), 0);
  EXPECT_TRUE(moved.moved_pages);
  EXPECT_EQ(stats().pages_moved_growths, 1u);
  Free(&gs);
}

TEST_F(Growth, InQuarantineWhatWasLeftStaysInUse) {
  rt_growth_options.quarantine = true;
  rt_gstack gs = Make("checkpoint");
  rt_copied moved;
  ASSERT_EQ(rt_newstack(&gs, cache(), 16 * K, gs.sp, &moved), 0);
  EXPECT_EQ(stats().in_use[rt_stack_class(8 * K)], 1u);
  rt_quarantine_empty(cache());
  EXPECT_EQ(stats().in_use[rt_stack_class(8 * K)], 0u);
  Free(&gs);
}

TEST_F(Growth, WithoutMemoryNothingChanges) {
  rt_gstack gs = Make("checkpoint");
  const rt_gstack before = gs;
  Starve();
  rt_copied moved;
  EXPECT_LT(rt_newstack(&gs, cache(), 512 * K, gs.sp, &moved), 0);
  EXPECT_TRUE(Same(gs, before));
  EXPECT_EQ(stats().growths, 0u);
  gs.sp = gs.stack.lo;  // low
  EXPECT_FALSE(gs.growth->resume(&gs, cache()));
  EXPECT_LT(gs.growth->checkpoint(&gs, cache(), 512 * K), 0);
  rt_growth_options.forcemove = true;
  EXPECT_FALSE(rt_growth_forcemove(&gs, cache()));
  EXPECT_EQ(gs.stack.slot, before.stack.slot);
  EXPECT_EQ(gs.ngrowths, 0u);
  inject::Disarm();
  EXPECT_TRUE(rt_growth_forcemove(&gs, cache()));
  Free(&gs);
}

TEST_F(Growth, OnlyStrategiesThatMoveAreForcedTo) {
  rt_growth_options.forcemove = true;
  for (int i = 0; const rt_growth *row = rt_growth_at(i); i++) {
    rt_gstack gs = Make(row->name);
    const rt_stack before = gs.stack;
    EXPECT_EQ(rt_growth_forcemove(&gs, cache()), row->moves) << row->name;
    EXPECT_EQ(gs.stack.slot != before.slot, row->moves) << row->name;
    EXPECT_EQ(Size(gs), rt_stack_size(&before));
    rt_growth_options.forcemove = false;
    EXPECT_FALSE(rt_growth_forcemove(&gs, cache())) << row->name;
    rt_growth_options.forcemove = true;
    Free(&gs);
  }
}

// ---- checkpoint --------------------------------------------------------------------------------

TEST_F(Growth, AStackGrowsOnResumeWhereSpIsBelowTheLowWaterMark) {
  for (const char *name : Growths([](const rt_growth &growth) {
         return growth.resume == rt_growatresume;
       })) {
    rt_gstack gs = Make(name);
    gs.sp = gs.stack.lo + kSlack;
    EXPECT_FALSE(gs.growth->resume(&gs, cache())) << name;
    EXPECT_EQ(Size(gs), 8 * K);
    EXPECT_EQ(gs.nmoves, 0u);
    gs.sp = gs.stack.lo + kSlack - 8;
    EXPECT_TRUE(gs.growth->resume(&gs, cache())) << name;
    EXPECT_EQ(Size(gs), 16 * K);
    EXPECT_EQ(gs.stack.hi - gs.sp, 8 * K - kSlack + 8);
    Free(&gs);
  }
}

TEST_F(Growth, OnResumeAStackGrowsTwofoldOrToWhatIsLiveUpToItsLimit) {
  struct {
    size_t live, max, want;  // 0: as it was
  } table[] = {
      {8 * K, M, 16 * K},  {8 * K, 16 * K, 16 * K},      {8 * K, 12 * K, 12 * K},
      {8 * K, 23 * K, 16 * K}, {8 * K, 8 * K, 0},        {16 * K, M, 16 * K},
      {16 * K + 8, M, 32 * K}, {100 * K, M, 128 * K},    {100 * K, 64 * K, 0},
  };
  for (const auto &t : table) {
    SCOPED_TRACE(std::to_string(t.live) + " live, at most " + std::to_string(t.max));
    rt_gstack gs = Make("checkpoint", 8 * K, t.max);
    gs.sp = gs.stack.hi - t.live;  // in the guard, or where a frame has skipped it
    EXPECT_EQ(gs.growth->resume(&gs, cache()), t.want != 0);
    EXPECT_EQ(Size(gs), t.want ? t.want : 8 * K);
    Free(&gs);
  }
}

// By the first doubling that holds it: so do both functions that are shared.
TEST_F(Growth, ACheckpointLeavesExactlyWhatWasAskedForAndTheSlack) {
  for (const char *name : Growths([](const rt_growth &growth) {
         return growth.checkpoint == rt_growatcheckpoint || IsElastic(growth);
       })) {
    for (size_t room : {8 * K, 64 * K}) {
      SCOPED_TRACE(name);
      rt_gstack gs = Make(name);
      gs.sp = gs.stack.hi - 1024;
      const size_t fits = room - 1024 - kSlack;
      ASSERT_EQ(gs.growth->checkpoint(&gs, cache(), fits), 0);
      EXPECT_EQ(Size(gs), room);
      EXPECT_EQ(gs.ngrowths, room > 8 * K) << "one that is large enough stays";
      ASSERT_EQ(gs.growth->checkpoint(&gs, cache(), fits + 1), 0);
      EXPECT_EQ(Size(gs), 2 * room);
      EXPECT_EQ(gs.ngrowths, room > 8 * K ? 2u : 1u);
      ASSERT_EQ(gs.growth->checkpoint(&gs, cache(), 16), 0);
      EXPECT_EQ(Size(gs), 2 * room) << "and none becomes smaller";
      Free(&gs);
    }
  }
}

TEST_F(Growth, ACheckpointBeyondTheLimitIsRefused) {
  for (const char *name : Growths([](const rt_growth &growth) {
         return growth.checkpoint != nullptr;
       })) {
    SCOPED_TRACE(name);
    rt_gstack gs = Make(name, 8 * K, 64 * K);
    gs.sp = gs.stack.hi - 1024;
    const size_t most = 64 * K - 1024 - kSlack;
    for (size_t bytes : {most + 1, 64 * K - 1024, 64 * K, 64 * K + 1, SIZE_MAX - 1024, SIZE_MAX}) {
      const rt_gstack before = gs;
      EXPECT_EQ(gs.growth->checkpoint(&gs, cache(), bytes), GO_ELIMIT) << bytes;
      EXPECT_TRUE(Same(gs, before));
    }
    EXPECT_EQ(gs.growth->checkpoint(&gs, cache(), most), 0);
    EXPECT_EQ(Size(gs), 64 * K);
    Free(&gs);
  }
}

// ---- In place ----------------------------------------------------------------------------------

TEST_F(Growth, InPlaceTheStackGrowsAndIsCounted) {
  rt_gstack gs = Make("inplace");
  const rt_stack before = gs.stack;
  os_fault fault = {};
  ASSERT_EQ(rt_growinplace_fault(&gs, cache(), &fault, 32 * K, gs.sp), 0);
  EXPECT_EQ(Size(gs), 32 * K);
  EXPECT_EQ(gs.stack.hi, before.hi);
  EXPECT_EQ(gs.ngrowths, 1u);
  EXPECT_EQ(gs.nmoves, 0u);
  EXPECT_EQ(stats().growths, 1u);
  EXPECT_EQ(stats().growths_in_place, 1u);
  EXPECT_EQ(stats().growths_by_fault, 1u);
  EXPECT_EQ(stats().shrinks, 0u);
  const rt_stackmove &m = cache()->last;
  EXPECT_EQ(m.from_bytes, 8 * K);
  EXPECT_EQ(m.to_bytes, 32 * K);
  EXPECT_EQ(m.bytes_copied, 0u);
  EXPECT_EQ(m.words_adjusted, 0u);
  EXPECT_EQ(m.began_ns, 1234);
  rt_growth_options.clock = nullptr;
  ASSERT_EQ(rt_growinplace(&gs, cache(), 64 * K), 0);
  EXPECT_EQ(m.began_ns, 0);
  EXPECT_EQ(stats().growths_by_fault, 1u);
  const rt_gstack now = gs;
  EXPECT_EQ(rt_growinplace_fault(&gs, cache(), &fault, 8 * M, gs.sp), GO_ELIMIT);
  EXPECT_TRUE(Same(gs, now));
  EXPECT_EQ(stats().growths_by_fault, 1u);
  EXPECT_EQ(stats().growths, 2u);
  Free(&gs);
}

TEST_F(Growth, InPlaceTheLimitIsTheRangeInWholePages) {
  const rt_growth *inplace = rt_growth_find("inplace");
  const size_t page = os_pagesize();
  for (size_t beyond : {size_t{0}, size_t{1}, page}) {
    rt_growth_options.reserve_bytes = 4 * M + beyond;
    EXPECT_EQ(inplace->limit(), 4 * M + WholePages(beyond));
  }
}

TEST_F(Growth, InPlaceTheGuardFollowsAnSpThatHasSkippedIt) {
  for (const char *name : Growths(IsElastic)) {
    SCOPED_TRACE(name);
    rt_gstack gs = Make(name, 8 * K, 512 * K);
    gs.sp = gs.stack.lo;
    EXPECT_FALSE(gs.growth->resume(&gs, cache()));
    EXPECT_EQ(Size(gs), 8 * K);
    const uintptr_t hi = gs.stack.hi;
    gs.sp = hi - (128 * K - RT_STACK_MARGIN);
    EXPECT_TRUE(gs.growth->resume(&gs, cache()));
    EXPECT_EQ(Size(gs), 128 * K);
    EXPECT_EQ(gs.stack.hi, hi);
    gs.sp = hi - (128 * K + 8);
    EXPECT_TRUE(gs.growth->resume(&gs, cache()));
    EXPECT_EQ(Size(gs), 256 * K);
    gs.sp = hi - 512 * K;  // no room for the margin
    EXPECT_FALSE(rt_growinplace_resume(&gs, cache()));
    EXPECT_EQ(Size(gs), 256 * K);
    Free(&gs);
  }
}

TEST_F(Growth, InPlaceWithoutMemoryItGoesOnUnguarded) {
  rt_gstack gs = Make("inplace");
  gs.sp = gs.stack.hi - 256 * K;
  const rt_gstack before = gs;
  Starve();
  EXPECT_FALSE(gs.growth->resume(&gs, cache()));
  EXPECT_LT(gs.growth->checkpoint(&gs, cache(), 256 * K), 0);
  EXPECT_FALSE(gs.growth->decommit(&gs, cache(), gs.stack.hi - 16) && Size(gs) != 8 * K);
  inject::Disarm();
  EXPECT_TRUE(Same(gs, before));
  EXPECT_EQ(stats().growths, 0u);
  Free(&gs);
}

TEST_F(Growth, DecommittingLeavesTheFirstDoublingThatHoldsWhatIsLiveAndAMargin) {
  struct {
    size_t live, want;
  } table[] = {{0, 8 * K},
               {8, 8 * K},
               {8 * K - RT_STACK_MARGIN, 8 * K},
               {8 * K - RT_STACK_MARGIN + 8, 16 * K},
               {100 * K, 128 * K},
               {256 * K - RT_STACK_MARGIN, 256 * K},
               {256 * K, 256 * K}};
  for (const char *name : Growths(IsElastic))
    for (const auto &t : table) {
      SCOPED_TRACE(std::string(name) + " " + std::to_string(t.live));
      rt_gstack gs = Make(name, 8 * K, 256 * K);
      ASSERT_EQ(rt_growinplace(&gs, cache(), 256 * K), 0);
      EXPECT_EQ(gs.growth->decommit(&gs, cache(), gs.stack.hi - t.live), t.live < 256 * K);
      EXPECT_EQ(Size(gs), t.want);
      EXPECT_TRUE(gs.growth->decommit(&gs, cache(), gs.stack.hi));
      EXPECT_EQ(Size(gs), 8 * K);
      EXPECT_TRUE(gs.growth->decommit(&gs, cache(), gs.stack.hi - 20 * K));
      EXPECT_EQ(Size(gs), 8 * K) << "it gives back and never takes";
      Free(&gs);
    }
}

TEST_F(Growth, DecommittingWhatTheSystemRefusesLeavesTheStackAsItWas) {
  rt_gstack gs = Make("inplace");
  ASSERT_EQ(rt_growinplace(&gs, cache(), 256 * K), 0);
  Starve();
  EXPECT_FALSE(gs.growth->decommit(&gs, cache(), gs.stack.hi - 16));
  inject::Disarm();
  EXPECT_EQ(Size(gs), 256 * K);
  Free(&gs);
}

// ---- Hybrid ------------------------------------------------------------------------------------

TEST_F(Growth, AHybridRangeHoldsAtLeastTheFirstStack) {
  for (size_t initial : {8 * K, 256 * K, 512 * K}) {
    rt_gstack gs = Make("hybrid", initial, 16 * M);
    EXPECT_EQ(Size(gs), initial);
    const size_t range = std::max(initial, 256 * K);
    EXPECT_EQ(rt_growinplace(&gs, cache(), range), 0);
    EXPECT_EQ(rt_growinplace(&gs, cache(), range + 1), GO_ELIMIT);
    Free(&gs);
  }
}

TEST_F(Growth, AHybridStackMovesBeyondItsRangeAndThenAsAnyOther) {
  rt_gstack gs = Make("hybrid", 8 * K, 16 * M);
  ASSERT_EQ(gs.growth->checkpoint(&gs, cache(), 200 * K), 0);
  EXPECT_EQ(gs.nmoves, 0u);
  ASSERT_EQ(gs.growth->checkpoint(&gs, cache(), 300 * K), 0);
  EXPECT_EQ(gs.nmoves, 1u);
  EXPECT_EQ(Size(gs), 512 * K);
  EXPECT_EQ(rt_growinplace(&gs, cache(), M), GO_ESTRATEGY) << "it has no range any more";
  ASSERT_EQ(gs.growth->checkpoint(&gs, cache(), M), 0);
  EXPECT_EQ(gs.nmoves, 2u);
  EXPECT_EQ(gs.ngrowths, 3u);
  EXPECT_FALSE(gs.growth->resume(&gs, cache()));
  EXPECT_TRUE(gs.growth->shrink(&gs, cache())) << "by copying";
  EXPECT_EQ(Size(gs), 8 * K);
  EXPECT_FALSE(gs.growth->shrink(&gs, cache()));
  Free(&gs);
}

TEST_F(Growth, AHybridStackShrinksInItsRange) {
  rt_gstack gs = Make("hybrid", 8 * K, 16 * M);
  const uintptr_t hi = gs.stack.hi;
  ASSERT_EQ(gs.growth->checkpoint(&gs, cache(), 200 * K), 0);
  EXPECT_TRUE(gs.growth->shrink(&gs, cache()));
  EXPECT_EQ(Size(gs), 8 * K);
  EXPECT_EQ(gs.stack.hi, hi);
  EXPECT_EQ(gs.nmoves, 0u);
  Free(&gs);
}

TEST_F(Growth, AHybridStackWithoutMemoryDoesNotMove) {
  rt_gstack gs = Make("hybrid", 8 * K, 16 * M);
  const rt_gstack before = gs;
  rt_stack other = {};  // not even to one that is there
  ASSERT_EQ(rt_stackalloc(RT_STACK_WIDE, 128 * K, cache(), &other), 0);
  rt_stackfree(cache(), &other);
  Starve();
  const int error = gs.growth->checkpoint(&gs, cache(), 100 * K);
  EXPECT_TRUE(error == GO_EGUARD || error == GO_EMAPCOUNT) << error;
  inject::Disarm();
  EXPECT_TRUE(Same(gs, before));
  rt_growth_options.forcemove = true;
  ASSERT_EQ(gs.growth->checkpoint(&gs, cache(), 16), 0);
  EXPECT_EQ(gs.nmoves, 1u);
  ASSERT_TRUE(gs.growth->resume(&gs, cache()));
  EXPECT_EQ(gs.nmoves, 2u);
  Free(&gs);
}

}  // namespace
