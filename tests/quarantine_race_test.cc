// Two threads at one place of the ring of old stacks (runtime/stack/quarantine.h).
#include "runtime/stack/quarantine.h"

#include <gtest/gtest.h>
#include "runtime/os/os.h"
#include "runtime/stack/stack.h"
#include "tests/inject.h"
#include "tests/memory.h"

namespace {

constexpr size_t kSize = 8 << 10;

rt_stackcache here, there;  // of the two threads
rt_stack late;
bool late_is_accessible;

uint64_t InUse(const rt_stackcache &c) { return c.stats.in_use[rt_stack_class(kSize)]; }

rt_stack Alloc(rt_stackcache *cache) {
  rt_stack s = {};
  EXPECT_EQ(rt_stackalloc(RT_STACK_COMPACT, kSize, cache, &s), 0);
  return s;
}

bool IsAccessible(const rt_stack &s) {
  bool all = true;
  for (uintptr_t p = s.lo; p < s.hi; p += os_pagesize()) all &= Accessible(p);
  return all;
}

void TheRingComesRound() {
  for (int i = 0; i < RT_QUARANTINED - 1; i++) {
    const rt_stack s = Alloc(&there);
    rt_quarantine(&there, &s, 2, 0);
  }
  late = Alloc(&there);
  const uint64_t before = InUse(there);
  rt_quarantine(&there, &late, 2, 0);
  EXPECT_EQ(InUse(there), before - 1);
  late_is_accessible = IsAccessible(late);
}

// Whoever comes to a place where another thread is at work does not wait: its stack is free at
// once.
TEST(QuarantineRace, APlaceThatIsTakenIsPassedBy) {
  const rt_stack_config config = {};
  ASSERT_EQ(rt_stackinit(&config), 0);
  const rt_stack mine = Alloc(&here);
  inject::Meanwhile(os_guard_supported() ? inject::kMadvise : inject::kMprotect, 1,
                    TheRingComesRound);
  rt_quarantine(&here, &mine, 1, 0);
  EXPECT_TRUE(late_is_accessible);
  EXPECT_FALSE(IsAccessible(mine));
  EXPECT_EQ(InUse(here) + InUse(there), uint64_t{RT_QUARANTINED});
  rt_quarantine_empty(&here);
  EXPECT_TRUE(IsAccessible(mine));
  EXPECT_EQ(InUse(here) + InUse(there), 0u);
}

}  // namespace
