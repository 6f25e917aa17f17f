// segment_sizes_test.cc: the functions of strategy `segment` one by one (growth/segment.c), on
// stacks that no goroutine runs on.  Calls on segments are in segment_test.cc.
#include <gtest/gtest.h>

extern "C" {
#include "runtime/go.h"
}
#include "tests/growth_unit.h"
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif

namespace {

class Segment : public Growth {
 protected:
  // What a segment of `size` bytes has for the call: the rest is its record, 512 bytes for the
  // runtime's frames and the slack of a checkpoint.
  static constexpr size_t kOwn = 512 + kSlack;
  size_t Usable(size_t size) {
    rt_gstack gs = Make("segment", 8 * K, 64 * M);
    EXPECT_EQ(Call(&gs, 8 * K), 0);
    const rt_stack *stack;
    const uintptr_t top = rt_segment_top(&gs, &stack);
    const size_t record = stack->hi - top;
    End(&gs);
    return size - record - kOwn;
  }
  int Call(rt_gstack *gs, size_t bytes) { return gs->growth->call(gs, cache(), bytes); }
  void End(rt_gstack *gs) {
    gs->growth->end(gs, cache());
    Free(gs);
  }
  uint64_t made() { return stats().segments_made; }
  uint64_t freed() { return stats().segments_freed; }
};

TEST_F(Segment, HasExactlyWhatWasAskedForBesideItsRecord) {
  const size_t usable = Usable(16 * K);
  for (size_t more : {0, 1}) {
    rt_gstack gs = Make("segment");
    ASSERT_EQ(Call(&gs, usable + more), 0);
    const rt_stack *stack;
    const uintptr_t top = rt_segment_top(&gs, &stack);
    EXPECT_EQ(rt_stack_size(stack), more ? 32 * K : 16 * K) << "twice the stack it continues";
    EXPECT_EQ(top % 64, 0u);
    EXPECT_LE(top, stack->hi - 16);
    EXPECT_GT(top, stack->hi - 1024);
    EXPECT_TRUE(rt_segment_fits(&gs, usable + more));
    EXPECT_EQ(rt_segment_fits(&gs, usable + 1), more == 1);
    for (size_t huge : {size_t{RT_STACK_MAX}, size_t{RT_STACK_MAX} + 1, SIZE_MAX - K, SIZE_MAX})
      EXPECT_FALSE(rt_segment_fits(&gs, huge));
    End(&gs);
  }
}

TEST_F(Segment, IsTwiceTheStackItContinuesAsFarAsTheLimitAllows) {
  struct {
    size_t max, bytes, want;  // 0: refused
  } table[] = {{64 * K, 100, 16 * K},     {24 * K, 100, 16 * K},  {20 * K, 100, 12 * K},
               {28 * K, 100, 16 * K},     {20 * K + 16, 100, 12 * K + 16},
               {20 * K, 13 * K, 0},       {8 * K + 3000, 100, RT_STACK_MIN}, {8 * K + 2000, 100, 0},
               {8 * K, 100, 0},           {M, 100 * K, 128 * K}};
  for (const auto &t : table) {
    SCOPED_TRACE(t.max);
    rt_gstack gs = Make("segment", 8 * K, t.max);
    EXPECT_EQ(Call(&gs, t.bytes), t.want ? 0 : GO_ELIMIT);
    if (t.want) {
      const rt_stack *stack;
      EXPECT_EQ(rt_segment_top(&gs, &stack) % 64, 0u);
      EXPECT_EQ(rt_stack_size(stack), t.want);
    } else {
      EXPECT_EQ(gs.segment, nullptr);
    }
    End(&gs);
  }
}

TEST_F(Segment, TheLimitIsForAllStacksTogether) {
  const size_t usable = Usable(16 * K);
  rt_gstack gs = Make("segment", 8 * K, 8 * K + 16 * K + 16 * K);
  ASSERT_EQ(Call(&gs, 100), 0);
  rt_segment_enter(&gs);
  EXPECT_EQ(Call(&gs, usable + 1), GO_ELIMIT);
  EXPECT_EQ(Call(&gs, usable), 0);
  rt_segment_enter(&gs);
  EXPECT_EQ(Call(&gs, 16), GO_ELIMIT);
  End(&gs);
  // One that is as small as stacks are may take it a little beyond; none follows.
  gs = Make("segment", 8 * K, 8 * K + 3000);
  ASSERT_EQ(Call(&gs, 100), 0);
  rt_segment_enter(&gs);
  EXPECT_EQ(Call(&gs, 100), GO_ELIMIT);
  EXPECT_EQ(Call(&gs, SIZE_MAX), GO_ELIMIT);
  End(&gs);
}

TEST_F(Segment, OneThatWasKeptServesTheNextCallThatFits) {
  rt_gstack gs = Make("segment");
  ASSERT_EQ(Call(&gs, 10 * K), 0);
  ASSERT_EQ(Call(&gs, 10 * K), 0);
  ASSERT_EQ(Call(&gs, 16), 0);
  EXPECT_EQ(made(), 1u);
  const rt_stack *stack;
  rt_segment_top(&gs, &stack);
  const uint32_t slot = stack->slot;
  ASSERT_EQ(Call(&gs, 100 * K), 0) << "a larger one takes its place";
  EXPECT_EQ(made(), 2u);
  EXPECT_EQ(freed(), 1u);
  EXPECT_TRUE(Warm(RT_STACK_FIXED, 16 * K, slot));
  End(&gs);
  EXPECT_EQ(freed(), 2u);
}

TEST_F(Segment, EnteringAndLeavingExchangeTheStacks) {
  rt_gstack gs = Make("segment");
  const rt_stack first = gs.stack;
  ASSERT_EQ(Call(&gs, 100), 0);
  const rt_stack *stack;
  rt_segment_top(&gs, &stack);
  const rt_stack second = *stack;
  rt_segment_enter(&gs);
  EXPECT_EQ(gs.stack.slot, second.slot);
  EXPECT_EQ(rt_segment_below(&gs)->slot, first.slot);
  EXPECT_FALSE(rt_segment_leave(&gs)) << "nothing to trim";
  EXPECT_EQ(gs.stack.slot, first.slot);
  // With one kept above the one that is left, there is.
  rt_segment_enter(&gs);
  ASSERT_EQ(Call(&gs, 100 * K), 0);
  EXPECT_EQ(rt_segment_below(&gs)->slot, first.slot) << "of the one in use";
  EXPECT_TRUE(rt_segment_leave(&gs));
  rt_segment_trim(&gs, cache());
  EXPECT_EQ(freed(), 1u);
  rt_segment_top(&gs, &stack);
  EXPECT_EQ(stack->slot, second.slot);
  rt_segment_trim(&gs, cache());
  EXPECT_EQ(freed(), 1u) << "one stays";
  End(&gs);
  gs = Make("segment");
  rt_segment_trim(&gs, cache());
  End(&gs);
}

TEST_F(Segment, TrimmingAndEndingLeaveStacksWarm) {
  rt_gstack gs = Make("segment", 8 * K, 64 * M);
  ASSERT_EQ(Call(&gs, 100), 0);
  rt_segment_enter(&gs);
  ASSERT_EQ(Call(&gs, M), 0);
  const rt_stack *stack;
  rt_segment_top(&gs, &stack);
  const uint32_t kept = stack->slot;
  rt_segment_leave(&gs);
  rt_segment_trim(&gs, cache());
  EXPECT_TRUE(Warm(RT_STACK_FIXED, 2 * M, kept));
  rt_segment_top(&gs, &stack);
  const uint32_t last = stack->slot;
  gs.growth->end(&gs, cache());
  EXPECT_TRUE(Warm(RT_STACK_FIXED, 16 * K, last));
  Free(&gs);
}

#if __has_feature(address_sanitizer)
// Frames that a goroutine has left without returning.
TEST_F(Segment, OneThatIsDroppedLeavesNoMarksOfFrames) {
  rt_gstack gs = Make("segment");
  ASSERT_EQ(Call(&gs, 100), 0);
  const rt_stack *stack;
  rt_segment_top(&gs, &stack);
  const rt_stack dropped = *stack;
  const auto at = [&](size_t bytes) { return reinterpret_cast<char *>(dropped.lo + bytes); };
  const size_t last = rt_stack_size(&dropped) - 32;
  rt_segment_enter(&gs);
  for (size_t bytes : {size_t{0}, size_t{1024}}) __asan_poison_memory_region(at(bytes), 32);
  gs.growth->end(&gs, cache());
  for (size_t bytes : {size_t{0}, size_t{1024}, last})
    EXPECT_FALSE(__asan_address_is_poisoned(at(bytes))) << bytes;
  __asan_unpoison_memory_region(at(0), last);
  Free(&gs);
}
#endif

TEST_F(Segment, WhereverItEndsItHasItsFirstStackAgain) {
  for (int depth = 0; depth < 3; depth++) {
    rt_gstack gs = Make("segment");
    const rt_stack first = gs.stack;
    const uintptr_t sp = gs.sp;
    for (int i = 0; i < depth; i++) {
      ASSERT_EQ(Call(&gs, 100), 0);
      rt_segment_enter(&gs);
      gs.sp = gs.stack.hi - 512;
    }
    ASSERT_EQ(Call(&gs, 100 * K), 0);  // and one that is kept
    gs.growth->end(&gs, cache());
    EXPECT_EQ(gs.stack.slot, first.slot);
    EXPECT_EQ(gs.stack.hi, first.hi);
    EXPECT_EQ(gs.sp, depth ? first.lo : sp);
    EXPECT_EQ(gs.segment, nullptr);
    Free(&gs);
  }
  EXPECT_EQ(made(), freed());
}

TEST_F(Segment, WithoutMemoryACallIsRefused) {
  rt_gstack gs = Make("segment");
  Starve(RT_STACK_FIXED);
  EXPECT_LT(Call(&gs, 100 * K), 0);
  inject::Disarm();
  EXPECT_EQ(gs.segment, nullptr);
  EXPECT_EQ(made(), 0u);
  End(&gs);
}

TEST_F(Segment, AFirstStackGivesNothing) {
  rt_gstack gs = Make("segment");
  memset(reinterpret_cast<void *>(gs.stack.lo), 1, Size(gs));
  EXPECT_FALSE(gs.growth->shrink(&gs, cache()));
  EXPECT_EQ(stats().shrinks, 0u);
  EXPECT_EQ(Byte(gs.stack.lo), 1);
  ASSERT_EQ(Call(&gs, 100), 0);
  const rt_stack *stack;
  rt_segment_top(&gs, &stack);
  const uint32_t slot = stack->slot;
  EXPECT_TRUE(gs.growth->shrink(&gs, cache()));
  EXPECT_EQ(stats().shrinks, 1u);
  EXPECT_FALSE(Warm(RT_STACK_FIXED, 16 * K, slot)) << "its memory is what it was dropped for";
  End(&gs);
}

}  // namespace
