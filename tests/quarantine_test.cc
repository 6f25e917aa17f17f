// quarantine_test.cc: the ring of old stacks without access (runtime/stack/quarantine.h).  What a
// program sees of it is in stack_debug_test.cc.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

extern "C" {
#include "runtime/os/os.h"
#include "runtime/stack/quarantine.h"
}
#include "tests/inject.h"
#include "tests/memory.h"

namespace {

constexpr size_t K = 1 << 10, kSize = 512 * K;  // a class of its own

class Quarantine : public testing::TestWithParam<rt_guard_kind> {
 protected:
  void SetUp() override {
    os_guard_supported();
    const rt_stack_config config = {0, GetParam(), false};
    ASSERT_EQ(rt_stackinit(&config), 0);
  }
  void TearDown() override {
    inject::Disarm();
    rt_quarantine_empty(cache());
    rt_stackcache_flush(cache());
    rt_stackdrain(cache());
  }
  rt_stackcache *cache() { return cache_.get(); }
  uint64_t InUse() { return cache_->stats.in_use[rt_stack_class(kSize)]; }
  rt_stack Alloc() {
    rt_stack s = {};
    EXPECT_EQ(rt_stackalloc(RT_STACK_WIDE, kSize, cache(), &s), 0);
    *reinterpret_cast<volatile char *>(s.lo) = 1;
    return s;
  }
  rt_stack Keep(uint64_t goid = 5, uint32_t move = 3) {
    const rt_stack s = Alloc();
    rt_quarantine(cache(), &s, goid, move);
    return s;
  }
  static void Check(uintptr_t addr, uint64_t goid = 9) {
    os_fault fault = {};
    fault.addr = addr;
    rt_quarantine_check(&fault, goid);
  }
  static void ExpectClosed(const rt_stack &s) {
    for (uintptr_t at : {s.lo, s.lo + kSize / 2, s.hi - 1}) EXPECT_FALSE(Accessible(at));
  }

 private:
  std::unique_ptr<rt_stackcache> cache_ = std::make_unique<rt_stackcache>();
};
INSTANTIATE_TEST_SUITE_P(Guards, Quarantine, testing::Values(RT_GUARD_AUTO, RT_GUARD_MPROTECT));
using QuarantineDeathTest = Quarantine;
INSTANTIATE_TEST_SUITE_P(Guards, QuarantineDeathTest, testing::Values(RT_GUARD_AUTO));

TEST_P(Quarantine, HoldsAStackWithoutAccessAndInUseUntilItIsEmptied) {
  const rt_stack s = Alloc();
  inject::Arm(1u << inject::kMprotect, 0, false);
  rt_quarantine(cache(), &s, 5, 3);
  EXPECT_EQ(inject::Disarm(), os_guard_supported() ? 0u : 1u) << "marks split no mapping";
  ExpectClosed(s);
  EXPECT_EQ(InUse(), 1u);
  rt_quarantine_empty(cache());
  EXPECT_EQ(InUse(), 0u);
  rt_quarantine_empty(cache());
  EXPECT_EQ(InUse(), 0u) << "once";
  const rt_stack again = Alloc();
  EXPECT_EQ(again.slot, s.slot);
  EXPECT_TRUE(Accessible(again.lo));
  EXPECT_TRUE(Accessible(again.hi - 1));
  rt_stackfree(cache(), &again);
}

TEST_P(Quarantine, TheOldestMakesRoom) {
  std::vector<rt_stack> kept;
  for (int i = 0; i < RT_QUARANTINED; i++) kept.push_back(Keep());
  EXPECT_EQ(InUse(), uint64_t{RT_QUARANTINED});
  for (const rt_stack &s : kept) ExpectClosed(s);
  for (int i = 0; i < 10; i++) {
    Keep();
    EXPECT_EQ(InUse(), uint64_t{RT_QUARANTINED});
    EXPECT_TRUE(Accessible(kept[static_cast<size_t>(i)].hi - 1) ||
                cache()->n[RT_STACK_WIDE][rt_stack_class(kSize)] == 0)
        << "the pool or its next user has it";
    ExpectClosed(kept[static_cast<size_t>(i) + 11]);
  }
  rt_quarantine_empty(cache());
  EXPECT_EQ(InUse(), 0u);
}

TEST_P(Quarantine, TheOldestOneIsTheOneThatGoes) {
  std::vector<rt_stack> kept;
  for (int i = 0; i < RT_QUARANTINED; i++) kept.push_back(Keep());
  rt_stackcache_flush(cache());
  // What a stack in hand is exchanged for is what has been there for longest.
  rt_stack in_hand = Alloc();
  for (int i = 0; i < RT_QUARANTINED; i++) {
    rt_quarantine(cache(), &in_hand, 5, 3);
    in_hand = Alloc();
    ASSERT_EQ(in_hand.slot, kept[static_cast<size_t>(i)].slot) << i;
  }
  rt_stackfree(cache(), &in_hand);
}

TEST_P(Quarantine, WhereTheSystemRefusesTheStackIsFreedAtOnce) {
  const rt_stack s = Alloc();
  inject::Arm(inject::kAll, 1, true);
  rt_quarantine(cache(), &s, 5, 3);
  inject::Disarm();
  EXPECT_EQ(InUse(), 0u);
  EXPECT_TRUE(Accessible(s.lo));
  Check(s.lo);  // says nothing
}

TEST_P(Quarantine, WithoutMarksAccessIsForbiddenAndGivenBackByMprotect) {
  const rt_stack s = Alloc();
  inject::Arm(1u << inject::kMadvise, 1, true);
  rt_quarantine(cache(), &s, 5, 3);
  EXPECT_EQ(InUse(), 1u);
  ExpectClosed(s);
  rt_quarantine_empty(cache());
  inject::Disarm();
  EXPECT_EQ(InUse(), 0u);
  EXPECT_TRUE(Accessible(s.lo));
  EXPECT_TRUE(Accessible(s.hi - 1));
}

TEST_P(Quarantine, WhatCannotBeOpenedAgainStaysAndSoDoesItsPlace) {
  const rt_stack s = Keep();
  inject::Arm(inject::kAll, 1, true);
  rt_quarantine_empty(cache());
  EXPECT_EQ(InUse(), 1u);
  inject::Disarm();
  ExpectClosed(s);
  for (int i = 1; i < RT_QUARANTINED; i++) Keep();
  const rt_stack next = Alloc();
  inject::Arm(inject::kAll, 1, false);
  rt_quarantine(cache(), &next, 5, 3);  // its place cannot be had: it is freed
  inject::Disarm();
  EXPECT_EQ(InUse(), uint64_t{RT_QUARANTINED});
  EXPECT_TRUE(Accessible(next.lo));
  ExpectClosed(s);
  rt_quarantine_empty(cache());
  EXPECT_EQ(InUse(), 0u);
  EXPECT_TRUE(Accessible(s.lo));
}

TEST_P(QuarantineDeathTest, OnlyAFaultOnAStackThatIsHeldIsTold) {
  const rt_stack first = Keep(5, 3), second = Keep(6, 4);
  for (uintptr_t addr : {uintptr_t{0}, first.lo - 1, first.hi, second.lo - 1, second.hi,
                         UINTPTR_MAX})
    Check(addr);
  struct {
    uintptr_t addr;
    std::string by;
    size_t below;
  } table[] = {{first.lo, "5 left it at growth 3", kSize},
               {first.hi - 1, "5 left it at growth 3", 1},
               {second.lo + 16, "6 left it at growth 4", kSize - 16}};
  for (const auto &t : table)
    EXPECT_EXIT(Check(t.addr), testing::KilledBySignal(SIGABRT),
                "^stacklab: goroutine 9 touched a stack that has moved: goroutine " + t.by +
                    "; the address 0x[0-9a-f]+ is " + std::to_string(t.below) +
                    " bytes below its hi\n");
  rt_quarantine_empty(cache());
  Check(first.lo);
  Check(second.hi - 1);
}

}  // namespace
