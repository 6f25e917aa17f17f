// sanitize_test.cc: AddressSanitizer's shadow goes along when a stack moves
// (runtime/stack/sanitize.h).  In other builds there is none, and nothing happens.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "runtime/os/os.h"
#include "runtime/stack/copystack.h"
#include "runtime/stack/sanitize.h"
#include "runtime/stack/stack.h"

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>

namespace {

constexpr size_t K = 1 << 10, M = 1 << 20;

bool Poisoned(uintptr_t at) {
  return __asan_address_is_poisoned(reinterpret_cast<void *>(at)) != 0;
}
void Poison(uintptr_t lo, size_t bytes) {
  __asan_poison_memory_region(reinterpret_cast<void *>(lo), bytes);
}
void Clear(uintptr_t lo, size_t bytes) {
  __asan_unpoison_memory_region(reinterpret_cast<void *>(lo), bytes);
}

// Memory that is nobody's object.
class Sanitize : public testing::Test {
 protected:
  void SetUp() override {
    int error;
    base_ = reinterpret_cast<uintptr_t>(os_reserve(nullptr, M, OS_ACCESS_READWRITE, &error));
    ASSERT_NE(base_, 0u);
  }
  void TearDown() override {
    Clear(base_, M);
    os_release(reinterpret_cast<void *>(base_), M);
  }
  uintptr_t base_ = 0;
};

TEST_F(Sanitize, WhatIsPoisonedIsSoAtItsNewPlaceAndNoLongerAtTheOld) {
  const uintptr_t lo = base_ + 64 * K, hi = lo + 4 * K, new_hi = base_ + 512 * K;
  const uintptr_t delta = new_hi - hi;
  Poison(lo - 8, 8);  // outside
  Poison(hi, 8);
  Poison(new_hi, 8);
  Poison(lo + delta - 8, 8);
  Poison(lo, 8);  // the first bytes, the last, and some between
  Poison(hi - 8, 8);
  Poison(lo + 1000, 96);
  std::vector<bool> before;
  for (uintptr_t at = lo; at < hi; at += 8) before.push_back(Poisoned(at));
  rt_sanitize_moved(lo, hi, new_hi);
  for (size_t i = 0; i < before.size(); i++) {
    EXPECT_EQ(Poisoned(lo + delta + 8 * i), before[i]) << 8 * i;
    EXPECT_FALSE(Poisoned(lo + 8 * i)) << 8 * i;
  }
  for (uintptr_t at : {lo - 8, hi, new_hi, lo + delta - 8}) EXPECT_TRUE(Poisoned(at));
}

TEST_F(Sanitize, WhatIsForgottenIsPlainMemoryAndNothingElse) {
  const uintptr_t lo = base_ + 64 * K;
  Poison(lo - 64, 4 * K + 128);
  rt_sanitize_forget(lo, lo + 4 * K);
  for (uintptr_t at = lo; at < lo + 4 * K; at += 8) EXPECT_FALSE(Poisoned(at));
  EXPECT_TRUE(Poisoned(lo - 8));
  EXPECT_TRUE(Poisoned(lo + 4 * K));
}

// What becomes of one word by all the moves in their order.
uint64_t Adjusted(uint64_t word, const struct rt_wordmove *moves, size_t n, uint64_t *count) {
  for (size_t i = 0; i < n; i++) word = rt_adjustword(word, &moves[i], count);
  return word;
}

TEST(SanitizeShadow, EachWordThatNamesShadowMovesOnce) {
  size_t scale, offset;
  __asan_get_shadow_mapping(&scale, &offset);
  const uint64_t first = 0x600000000000, last = first + 64 * M;
  // The last two take words of one range to where the other lies.
  for (uint64_t delta : {uint64_t{1} << 30, 0 - (uint64_t{1} << 30), uint64_t{offset} << scale,
                         0 - (uint64_t{offset} << scale)}) {
    const struct rt_wordmove mv = {first, last, delta};
    struct rt_wordmove moves[RT_SHADOW_MOVES];
    ASSERT_EQ(rt_sanitize_shadow(&mv, moves), size_t{RT_SHADOW_MOVES});
    for (uint64_t at : {first, first + 8, first + M, last - 8, last})
      for (uint64_t with : {uint64_t{0}, uint64_t{offset}}) {
        uint64_t count = 0;
        EXPECT_EQ(Adjusted((at >> scale) + with, moves, RT_SHADOW_MOVES, &count),
                  ((at + delta) >> scale) + with)
            << std::hex << at << " " << delta;
        EXPECT_EQ(count, 1u);
      }
    for (uint64_t at : {first - 8, last + 8})
      for (uint64_t with : {uint64_t{0}, uint64_t{offset}}) {
        uint64_t count = 0;
        EXPECT_EQ(Adjusted((at >> scale) + with, moves, RT_SHADOW_MOVES, &count),
                  (at >> scale) + with);
        EXPECT_EQ(count, 0u);
      }
  }
}

// On a stack that moves, its reach below the guard included: the marks of frames, and the words
// that name them.
TEST(SanitizeCopy, MarksAndWordsThatNameThemMoveOnBothSidesOfTheGuard) {
  const rt_stack_config config = {};
  ASSERT_EQ(rt_stackinit(&config), 0);
  auto cache = std::make_unique<rt_stackcache>();
  rt_stack from = {}, to = {};
  ASSERT_EQ(rt_stackalloc(RT_STACK_WIDE, 8 * K, cache.get(), &from), 0);
  ASSERT_EQ(rt_stackalloc(RT_STACK_WIDE, 256 * K, cache.get(), &to), 0);
  size_t scale, offset;
  __asan_get_shadow_mapping(&scale, &offset);
  const uintptr_t delta = to.hi - from.hi, below = from.lo - from.guard_bytes;
  const bool reach = below > from.slot_lo;  // is it accessible
  const auto put = [&](uintptr_t at, uint64_t word) {
    memcpy(reinterpret_cast<void *>(at), &word, 8);
  };
  const auto get = [&](uintptr_t at) {
    uint64_t word;
    memcpy(&word, reinterpret_cast<void *>(at), 8);
    return word;
  };
  std::vector<uintptr_t> words = {from.lo, from.hi - 64};
  std::vector<uintptr_t> marks = {from.lo + 512, from.hi - 128};
  if (reach) words.push_back(below - 2048), marks.push_back(below - 1024);
  for (uintptr_t at : words) {
    put(at, (from.hi - 4096) >> scale);
    put(at + 8, ((from.hi - 4096) >> scale) + offset);
  }
  for (uintptr_t at : marks) Poison(at, 32);
  struct rt_copied copied;
  rt_copystack(&from, &to, reach ? below - 2048 : from.lo, RT_COPY_BYTES, &copied);
  for (uintptr_t at : marks) {
    EXPECT_FALSE(Poisoned(at));
    EXPECT_TRUE(Poisoned(at + delta));
    EXPECT_FALSE(Poisoned(at + delta - 8));
    EXPECT_FALSE(Poisoned(at + delta + 32));
    Clear(at + delta, 32);
  }
  for (uintptr_t at : words) {
    EXPECT_EQ(get(at + delta), (to.hi - 4096) >> scale);
    EXPECT_EQ(get(at + delta + 8), ((to.hi - 4096) >> scale) + offset);
  }
  rt_stackfree(cache.get(), &from);
  rt_stackfree(cache.get(), &to);
  rt_stackcache_flush(cache.get());
}

}  // namespace
#else
TEST(SanitizeShadow, IsNotThereInOtherBuilds) {
  const struct rt_wordmove mv = {4096, 8192, 4096};
  struct rt_wordmove moves[RT_SHADOW_MOVES] = {{1, 2, 3}, {4, 5, 6}};
  EXPECT_EQ(rt_sanitize_shadow(&mv, moves), 0u);
  EXPECT_EQ(moves[0].first, 1u);
}
#endif
