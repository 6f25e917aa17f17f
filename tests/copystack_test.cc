// The contract of rt_copystack on real slots (runtime/stack/copystack.h): every version of the word
// loops, bytes copied and pages moved.  The word loops themselves are in adjustwords_test.cc.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "runtime/arch/adjusters.h"
#include "runtime/os/os.h"
#include "runtime/stack/copybounds.h"
#include "runtime/stack/copystack.h"
#include "runtime/stack/sanitize.h"
#include "tests/memory.h"

namespace {

constexpr size_t kKiB = 1 << 10;
constexpr unsigned char kFill = 0x5a;  // what the new stack holds before; no pointer reads so

using Bytes = std::vector<unsigned char>;

std::vector<const rt_adjuster *> Versions() {
  std::vector<const rt_adjuster *> v(RT_ADJUSTERS_MAX);
  v.resize(rt_arch_adjusters(v.data(), v.size()));
  return v;
}

unsigned char *At(uintptr_t a) { return reinterpret_cast<unsigned char *>(a); }
Bytes Read(uintptr_t lo, uintptr_t hi) { return Bytes(At(lo), At(hi)); }

// Whether pages stay where they are: in this build, or on this system.
bool PagesArePinned() {
  static const bool unmoved = [] {
    int error;
    const size_t page = os_pagesize();
    auto *two = static_cast<char *>(os_reserve(nullptr, 2 * page, OS_ACCESS_READWRITE, &error));
    const bool answer = os_movepages(two, two + page, page) != 0;
    os_release(two, 2 * page);
    return answer;
  }();
  return unmoved || rt_sanitize_pages_pinned();
}

// Each test runs for each version and each way to move bytes.
class CopyStack : public ::testing::TestWithParam<std::tuple<const rt_adjuster *, rt_copy_how>> {
 protected:
  void SetUp() override {
    const rt_stack_config config = {};
    ASSERT_EQ(rt_stackinit(&config), 0);
    rt_copystack_use(std::get<0>(GetParam()));
    if (how() == RT_COPY_PAGES && !PagesMove()) GTEST_SKIP() << "this system moves no pages";
  }
  void TearDown() override {
    for (const rt_stack &s : stacks_) rt_stackfree(cache_.get(), &s);
    rt_stackcache_flush(cache_.get());
    rt_copystack_init();
  }
  rt_copy_how how() const { return std::get<1>(GetParam()); }
  rt_stack Alloc(size_t size, rt_stack_kind kind = RT_STACK_WIDE) {
    rt_stack s = {};
    EXPECT_EQ(rt_stackalloc(kind, size, cache_.get(), &s), 0);
    memset(At(s.lo), kFill, rt_stack_size(&s));
    stacks_.push_back(s);
    return s;
  }
  rt_copied Copy(const rt_stack &from, const rt_stack &to, uintptr_t lowest) {
    rt_copied copied = {};
    rt_copystack(&from, &to, lowest, how(), &copied);
    const bool pages = how() == RT_COPY_PAGES && lowest < from.hi &&
                       from.hi % os_pagesize() == 0 && to.hi % os_pagesize() == 0 &&
                       !PagesArePinned();
    EXPECT_EQ(copied.moved_pages, pages);
    return copied;
  }

 private:
  std::unique_ptr<rt_stackcache> cache_ = std::make_unique<rt_stackcache>();
  std::vector<rt_stack> stacks_;
};

INSTANTIATE_TEST_SUITE_P(All, CopyStack,
                         ::testing::Combine(::testing::ValuesIn(Versions()),
                                            ::testing::Values(RT_COPY_BYTES, RT_COPY_PAGES)),
                         [](const auto &i) {
                           return std::string(std::get<0>(i.param)->name) +
                                  (std::get<1>(i.param) == RT_COPY_BYTES ? "Bytes" : "Pages");
                         });

// Fills [lo, hi) with words about the edges of `s`, and others.
void FillWithWords(const rt_stack &s, uintptr_t lo, uintptr_t hi, unsigned seed) {
  std::mt19937_64 random(seed);
  const uint64_t edges[] = {s.slot_lo - 8, s.slot_lo - 1, s.slot_lo, s.slot_lo + 1,
                            s.lo - 1,      s.lo,          s.hi - 8,  s.hi - 1,
                            s.hi,          s.hi + 1,      s.hi + 8,  0,
                            ~uint64_t{0},  s.lo << 32,    s.lo >> 8, s.hi ^ uint64_t{1} << 40};
  for (uintptr_t at = lo; at < hi; at++) *At(at) = static_cast<unsigned char>(random());
  for (uintptr_t at = (lo + 7) & ~uintptr_t{7}; at + 8 <= hi; at += 8) {
    const uint64_t w = random() % 3 ? edges[random() % 16] : s.slot_lo + random() % (128 << 20);
    if (random() % 8) memcpy(At(at), &w, 8);
  }
}

// What [lo, lo + image.size()) must hold after the move, and how many words of it changed.
uint64_t Model(Bytes *image, uintptr_t lo, const rt_stack &from, const rt_stack &to) {
  uint64_t moved = 0;
  for (size_t i = (8 - lo % 8) % 8; i + 8 <= image->size(); i += 8) {
    uint64_t w;
    memcpy(&w, image->data() + i, 8);
    if (w < from.slot_lo || w > from.hi) continue;
    w += to.hi - from.hi;
    memcpy(image->data() + i, &w, 8);
    moved++;
  }
  return moved;
}

// Moves, and checks every line of the contract.
void ExpectContract(const rt_stack &from, const rt_stack &to, uintptr_t lowest,
                    const rt_copied &copied, const Bytes &before) {
  Bytes want(before.begin() + static_cast<ptrdiff_t>(lowest - from.lo), before.end());
  const uint64_t moved = Model(&want, lowest, from, to);
  const uintptr_t delta = to.hi - from.hi, new_lowest = lowest + delta;
  EXPECT_EQ(copied.bytes, from.hi - lowest);
  EXPECT_EQ(copied.adjusted, moved);
  EXPECT_EQ(copied.words.first, from.slot_lo);
  EXPECT_EQ(copied.words.last, from.hi);
  EXPECT_EQ(copied.words.delta, delta);
  EXPECT_TRUE(Read(new_lowest, to.hi) == want) << "the live bytes";
  const uintptr_t page = os_pagesize();
  const uintptr_t written = copied.moved_pages ? new_lowest & ~(page - 1) : new_lowest;
  EXPECT_TRUE(Read(to.lo, written) == Bytes(written - to.lo, kFill)) << "outside the live region";
  if (copied.moved_pages) {
    const uintptr_t left = lowest & ~(page - 1);
    EXPECT_TRUE(Read(from.lo, left) == Bytes(before.begin(), before.begin() + (left - from.lo)));
    EXPECT_TRUE(Read(left, from.hi) == Bytes(from.hi - left, 0)) << "pages left behind";
  } else {
    EXPECT_TRUE(Read(from.lo, from.hi) == before) << "the old stack was written";
  }
}

TEST_P(CopyStack, TheLiveBytesMoveAndNothingElse) {
  const size_t sizes[] = {8 * kKiB, 20 * kKiB, 9 * kKiB + 16};
  unsigned seed = 0;
  for (size_t from_size : sizes) {
    for (size_t to_size : {from_size, from_size * 2}) {
      const rt_stack from = Alloc(from_size), to = Alloc(to_size, RT_STACK_COMPACT);
      for (uintptr_t lowest :
           {from.lo, from.lo + 1, from.lo + 4096, from.hi - 4096 - 3, from.hi - 801,
            from.hi - 800, from.hi - 9, from.hi - 8, from.hi - 7, from.hi - 1, from.hi}) {
        SCOPED_TRACE(std::to_string(from_size) + " to " + std::to_string(to_size) + ", " +
                     std::to_string(from.hi - lowest) + " bytes live");
        memset(At(to.lo), kFill, to_size);
        FillWithWords(from, from.lo, from.hi, ++seed);
        const Bytes before = Read(from.lo, from.hi);
        ExpectContract(from, to, lowest, Copy(from, to, lowest), before);
      }
    }
  }
}

// A stack of pointers to itself comes back as it was.
TEST_P(CopyStack, ThereAndBackIsTheIdentity) {
  const rt_stack a = Alloc(32 * kKiB), b = Alloc(64 * kKiB);
  for (uintptr_t at = a.lo; at < a.hi; at += 8) {
    const uint64_t w = at % 24 == 0 ? at : at % 24 == 8 ? a.hi : at * 0x9e3779b97f4a7c15;
    memcpy(At(at), &w, 8);
  }
  const Bytes before = Read(a.lo, a.hi);
  const rt_copied there = Copy(a, b, a.lo);
  const rt_copied back = Copy(b, a, b.hi - 32 * kKiB);
  EXPECT_EQ(there.adjusted, back.adjusted);
  EXPECT_EQ(there.words.delta + back.words.delta, 0u);
  EXPECT_TRUE(Read(a.lo, a.hi) == before);
}

// A frame skipped the guard: what lies below it moves too, the guard itself is left out.
TEST_P(CopyStack, LiveBytesBelowTheGuardMoveToo) {
  const rt_stack from = Alloc(8 * kKiB), to = Alloc(256 * kKiB);
  const uintptr_t guard_lo = from.lo - from.guard_bytes;
  if (guard_lo == from.slot_lo) GTEST_SKIP() << "nothing below the guard is accessible here";
  const uintptr_t delta = to.hi - from.hi;
  for (size_t below : {1, 7, 8, 4096, 20001}) {
    memset(At(to.lo), kFill, rt_stack_size(&to));
    const uintptr_t lowest = guard_lo - below;
    FillWithWords(from, from.lo, from.hi, static_cast<unsigned>(below));
    FillWithWords(from, lowest, guard_lo, static_cast<unsigned>(below));
    Bytes stack = Read(from.lo, from.hi), reach = Read(lowest, guard_lo);
    const uint64_t moved =
        Model(&stack, from.lo, from, to) + Model(&reach, lowest, from, to);
    const rt_copied copied = Copy(from, to, lowest);
    EXPECT_EQ(copied.adjusted, moved);
    EXPECT_EQ(copied.bytes, rt_stack_size(&from) + below);
    EXPECT_TRUE(Read(from.lo + delta, to.hi) == stack);
    EXPECT_TRUE(Read(lowest + delta, guard_lo + delta) == reach);
    EXPECT_TRUE(Read(guard_lo + delta, from.lo + delta) == Bytes(from.guard_bytes, kFill));
    EXPECT_TRUE(Read(to.lo, lowest + delta) == Bytes(lowest + delta - to.lo, kFill));
  }
}

size_t Mappings() {
  std::ifstream maps("/proc/self/maps");
  std::string line;
  size_t n = 0;
  while (std::getline(maps, line)) n++;
  return n;
}

// Live bytes over the low end of a dead pointer make a word that looks like one.  Between slots of
// one kind the move changes its high end only, however many slots lie between.
TEST_P(CopyStack, LiveBytesOverTheLowEndOfADeadPointerStay) {
  const size_t size = WholePages(8 * kKiB);
  for (const rt_stack_kind kind : {RT_STACK_COMPACT, RT_STACK_WIDE}) {
    const int live = kind == RT_STACK_WIDE ? 3 : 2;  // bytes: all below the slot's size
    for (int i = 0; i < 20; i++) {
      const rt_stack from = Alloc(size, kind), to = Alloc(2 * size << i % 3, kind);
      const uintptr_t at = from.hi - 64;
      const uint64_t dead = from.hi - 640;
      memcpy(At(at), &dead, 8);
      memset(At(at), 0x21 + i, static_cast<size_t>(live));
      const Bytes before = Read(at, at + static_cast<size_t>(live));
      const rt_copied copied = Copy(from, to, from.hi - 128);
      const uintptr_t now = at + copied.words.delta;
      EXPECT_EQ(Read(now, now + static_cast<size_t>(live)), before) << kind << " " << i;
    }
  }
}

// Moving pages splits mappings; between the same stacks it must not go on splitting them.
TEST_P(CopyStack, RepeatedMovesDoNotUseUpTheMappingsOfTheProcess) {
  const rt_stack a = Alloc(1024 * kKiB), b = Alloc(1024 * kKiB);
  std::mt19937 random(1);
  const size_t before = Mappings();
  for (int i = 0; i < 200; i++) {
    const uintptr_t below = random() % (1024 * kKiB);
    Copy(i % 2 ? b : a, i % 2 ? a : b, (i % 2 ? b : a).hi - below);
  }
  EXPECT_LE(Mappings(), before + 16);
}

// ---- Bounds ------------------------------------------------------------------------------------

TEST(CopyBounds, LeaveOutTheGuardAndAreEmptyWhereNothingIsBelowIt) {
  const rt_stack s = {0x30000, 0x32000, 0x10000, 0, 0, 1, 0x8000};  // guard: 0x28000 to 0x30000
  struct {
    uintptr_t lowest, lo, reach_lo;
  } table[] = {{0x31000, 0x31000, 0x28000}, {0x32000, 0x32000, 0x28000},
               {0x30000, 0x30000, 0x28000}, {0x2ffff, 0x30000, 0x28000},
               {0x28001, 0x30000, 0x28000}, {0x28000, 0x30000, 0x28000},
               {0x27fff, 0x30000, 0x27fff}, {0x10000, 0x30000, 0x10000}};
  for (const auto &t : table) {
    const struct rt_copybounds b = rt_copybounds(&s, t.lowest);
    EXPECT_EQ(b.lo, t.lo) << std::hex << t.lowest;
    EXPECT_EQ(b.hi, s.hi);
    EXPECT_EQ(b.reach_lo, t.reach_lo) << std::hex << t.lowest;
    EXPECT_EQ(b.reach_hi, 0x28000u);
  }
}

TEST(CopyBounds, PagesAreWholeBeforeAndAfter) {
  struct {
    uintptr_t lo, hi;
    uint64_t delta;
    bool whole;
    uintptr_t page_lo;
  } table[] = {{0x30000, 0x32000, 0x5000, true, 0x30000},
               {0x30001, 0x32000, 0 - uint64_t{0x5000}, true, 0x30000},
               {0x30fff, 0x32000, 0, true, 0x30000},
               {0x30000, 0x32010, 0x5000, false, 0x30000},
               {0x30000, 0x32000, 0x5010, false, 0x30000},
               {0x31000, 0x32ff0, 0x5010, false, 0x31000}};
  for (const auto &t : table) {
    uintptr_t page_lo = 1;
    EXPECT_EQ(rt_pagebounds(t.lo, t.hi, t.delta, 4096, &page_lo), t.whole) << std::hex << t.hi;
    EXPECT_EQ(page_lo, t.page_lo);
  }
}

// ---- The version in use ------------------------------------------------------------------------

int calls;

uint64_t CountingAdjust(uint64_t *image, size_t nwords, const rt_wordmove *mv) {
  calls++;
  return rt_adjuster_scalar.adjust(image, nwords, mv);
}

uint64_t CountingCopy(uint64_t *dst, const uint64_t *src, size_t nwords, const rt_wordmove *mv) {
  calls++;
  return rt_adjuster_scalar.copy(dst, src, nwords, mv);
}

TEST(CopyStackUse, IsInForceUntilTheBestIsChosenAgain) {
  const rt_stack_config config = {};
  ASSERT_EQ(rt_stackinit(&config), 0);
  auto cache = std::make_unique<rt_stackcache>();
  rt_stack from = {}, to = {};
  ASSERT_EQ(rt_stackalloc(RT_STACK_WIDE, 8 * kKiB, cache.get(), &from), 0);
  ASSERT_EQ(rt_stackalloc(RT_STACK_WIDE, 8 * kKiB, cache.get(), &to), 0);
  const rt_adjuster counting = {"counting", CountingAdjust, CountingCopy};
  rt_copied copied;
  calls = 0;
  rt_copystack_use(&counting);
  rt_copystack(&from, &to, from.lo, RT_COPY_BYTES, &copied);
  const int used = calls;
  EXPECT_GT(used, 0);
  rt_copystack_init();
  rt_copystack(&to, &from, to.lo, RT_COPY_BYTES, &copied);
  EXPECT_EQ(calls, used);
  rt_stackfree(cache.get(), &from);
  rt_stackfree(cache.get(), &to);
  rt_stackcache_flush(cache.get());
}

// ---- RT_COPY_AUTO ----------------------------------------------------------------------------

TEST(CopyStackAuto, MovesPagesFromItsThresholdOnToAStackWithoutMemory) {
  if (!PagesMove()) GTEST_SKIP() << "this system moves no pages";
  const rt_stack_config config = {};
  ASSERT_EQ(rt_stackinit(&config), 0);
  rt_copystack_init();
  auto cache = std::make_unique<rt_stackcache>();
  rt_stack from = {}, to = {};
  ASSERT_EQ(rt_stackalloc(RT_STACK_WIDE, 2 * RT_PAGEMOVE_BYTES, cache.get(), &from), 0);
  ASSERT_EQ(rt_stackalloc(RT_STACK_WIDE, 2 * RT_PAGEMOVE_BYTES, cache.get(), &to), 0);
  for (bool resident : {false, true}) {
    to.resident = resident;
    for (long more : {-8, -1, 0, 1, 4096, int{RT_PAGEMOVE_BYTES}}) {
      const uint64_t pointer = from.hi;
      memcpy(At(from.hi - 8), &pointer, 8);
      rt_copied copied = {};
      rt_copystack(&from, &to, from.hi - RT_PAGEMOVE_BYTES - more, RT_COPY_AUTO, &copied);
      EXPECT_EQ(copied.moved_pages, more >= 0 && !resident && !PagesArePinned());
      uint64_t moved;
      memcpy(&moved, At(to.hi - 8), 8);
      EXPECT_EQ(moved, to.hi);
    }
  }
  rt_stackfree(cache.get(), &from);
  rt_stackfree(cache.get(), &to);
  rt_stackcache_flush(cache.get());
}

}  // namespace
