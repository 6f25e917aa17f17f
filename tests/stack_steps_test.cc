// stack_steps_test.cc: the shared pool of stacks (runtime/stack/stack.c) is a list without locks.
// Whoever takes a slot from it, or gives one back, may find it changed at any instruction.
#include <gtest/gtest.h>

#include <set>

#include "runtime/stack/stack.h"
#include "tests/every_instruction.h"

namespace {

constexpr size_t kSize = 8 << 10;
constexpr int kSlots = 4;

rt_stackcache our_cache, their_cache;  // always empty: each slot comes from the pool
rt_stack our_stack, their_stacks[2];

rt_stack Take(rt_stackcache *cache) {
  rt_stack s = {};
  if (rt_stackreserve(RT_STACK_COMPACT, kSize, cache, &s) != 0) abort();
  return s;
}

// The cache has no room for it.
void Give(rt_stackcache *cache, const rt_stack &s) {
  uint32_t &n = cache->n[RT_STACK_COMPACT][rt_stack_class(kSize)];
  n = RT_STACK_CACHED;
  rt_stackfree(cache, &s);
  n = 0;
}

// The first slot of the pool goes and comes: what its head looks like in the end, but for what
// tells one time from another, is no matter of what was before.
void GoAndCome(rt_stack *s) {
  for (int i = 0; i < 40; i++) {
    Give(&their_cache, *s);
    *s = Take(&their_cache);
  }
}

class Pool : public testing::Test {
 protected:
  // They have one of the pool's slots, and have given it back and taken it all the time.
  void SetUp() override {
    if (__has_feature(thread_sanitizer)) GTEST_SKIP() << "it takes no signal at its instructions";
    const rt_stack_config config = {};
    ASSERT_EQ(rt_stackinit(&config), 0);
    rt_stack all[kSlots];
    for (rt_stack &s : all)
      ASSERT_EQ(rt_stackalloc(RT_STACK_COMPACT, kSize, &our_cache, &s), 0);
    for (const rt_stack &s : all) Give(&our_cache, s);
    their_stacks[0] = Take(&their_cache);
    GoAndCome(&their_stacks[0]);
  }
  void TearDown() override {
    if (IsSkipped()) return;
    for (const rt_stack &s : all_) Give(&our_cache, s);
  }
  static void TheyTakeTheSecond();
  static bool NoneIsLostOrTwice();
  static rt_stack all_[kSlots];
};

rt_stack Pool::all_[kSlots];

// The slot that is first comes back as the first, and the second is taken: a slot that was read as
// its next is not that any more (ABA).
void Pool::TheyTakeTheSecond() {
  const rt_stack first = Take(&their_cache);
  their_stacks[1] = Take(&their_cache);
  Give(&their_cache, first);
  GoAndCome(&their_stacks[0]);
}

// All slots can be had, each once.
bool Pool::NoneIsLostOrTwice() {
  std::set<uint32_t> slots;
  int n = 0;
  for (const rt_stack &s : {their_stacks[0], their_stacks[1], our_stack})
    if (s.hi) all_[n++] = s;
  while (n < kSlots) all_[n++] = Take(&our_cache);
  for (const rt_stack &s : all_) slots.insert(s.slot);
  return slots.size() == kSlots && our_cache.stats.pool_misses == kSlots;
}

TEST_F(Pool, WhoTakesASlotFindsTheListChangedAtAnyInstruction) {
  AtEveryInstruction([] { our_stack = Take(&our_cache); }, TheyTakeTheSecond, NoneIsLostOrTwice);
}

TEST_F(Pool, WhoGivesASlotFindsTheListChangedAtAnyInstruction) {
  our_stack = Take(&our_cache);
  AtEveryInstruction([] {
    const rt_stack s = our_stack;
    our_stack = {};
    Give(&our_cache, s);
  }, TheyTakeTheSecond, NoneIsLostOrTwice);
}

}  // namespace
