// growth_unit.h: a stack that no goroutine runs on, for tests of a strategy's functions.
#ifndef STACKLAB_TESTS_GROWTH_UNIT_H_
#define STACKLAB_TESTS_GROWTH_UNIT_H_

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

extern "C" {
#include "runtime/os/os.h"
#include "runtime/stack/growth/growth.h"
}
#include "tests/growths.h"
#include "tests/inject.h"
#include "tests/memory.h"

// Stacks are whole pages, so sizes are stated in quarters of one: KiB, where a page has four.
inline const size_t K = os_pagesize() / 4, M = 1024 * K;

constexpr size_t kSlack = 2 * RT_STACKGUARD;  // that a checkpoint adds, and the low-water mark

inline uint64_t &Word(uintptr_t at) { return *reinterpret_cast<uint64_t *>(at); }

inline int64_t Clock() { return 1234; }

class Growth : public testing::Test {
 protected:
  void SetUp() override {
    const rt_stack_config config = {64 * K, RT_GUARD_AUTO, false};
    ASSERT_EQ(rt_stackinit(&config), 0);
    before_ = rt_growth_options;
    rt_growth_options.reserve_bytes = 4 * M;
    rt_growth_options.hybrid_bytes = 256 * K;
    rt_growth_options.clock = Clock;
  }
  void TearDown() override {
    inject::Disarm();
    for (const rt_stack &s : taken_) rt_stackfree(cache(), &s);
    rt_growth_options = before_;
    rt_stackcache_flush(cache());
    rt_stackdrain(cache());
  }
  rt_stackcache *cache() { return cache_.get(); }
  const rt_stackstats &stats() { return cache_->stats; }
  rt_gstack Make(const char *growth, size_t initial = 8 * K, size_t max = M) {
    rt_gstack gs = {};
    gs.growth = rt_growth_find(growth);
    gs.initial = static_cast<uint32_t>(initial);
    gs.max = static_cast<uint32_t>(max);
    gs.goid = 7;
    EXPECT_EQ(gs.growth->alloc(&gs, cache()), 0);
    EXPECT_EQ(rt_stackcommit(&gs.stack), 0);
    gs.sp = gs.stack.hi - 64;
    return gs;
  }
  static size_t Size(const rt_gstack &gs) { return rt_stack_size(&gs.stack); }
  void Free(rt_gstack *gs) {
    rt_stackfree(cache(), &gs->stack);
    gs->stack = {};
  }
  // Nothing of gs is another than it was.
  static bool Same(const rt_gstack &a, const rt_gstack &b) { return memcmp(&a, &b, sizeof a) == 0; }
  // Whether the pool's stack of that size, the last to be given back, has memory.
  bool Warm(rt_stack_kind kind, size_t size, uint32_t slot) {
    rt_stack s = {};
    EXPECT_EQ(rt_stackreserve(kind, size, cache(), &s), 0);
    EXPECT_EQ(s.slot, slot);
    const bool warm = s.resident;
    rt_stackfree(cache(), &s);
    return warm;
  }
  // From now on the system refuses everything, and the pool has no stack of that kind left.
  void Starve(rt_stack_kind kind = RT_STACK_COMPACT) {
    rt_stackcache_flush(cache());
    inject::Arm(inject::kAll, 1, true);
    for (size_t size = 4 * K; size <= M; size *= 2)
      for (rt_stack s; rt_stackalloc(kind, size, cache(), &s) == 0;) taken_.push_back(s);
  }

 private:
  std::unique_ptr<rt_stackcache> cache_ = std::make_unique<rt_stackcache>();
  struct rt_growth_options before_ = {};
  std::vector<rt_stack> taken_;
};

#endif
