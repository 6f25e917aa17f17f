// The memory of stacks (runtime/stack/stack.h): sizes, slots, guards, pools.  Built once for each
// kind of guard: GUARD_KIND is an enum rt_guard_kind.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "runtime/os/os.h"
#include "runtime/stack/poison.h"
#include "runtime/stack/stack.h"
#include "tests/emulator.h"
#include "tests/inject.h"
#include "tests/memory.h"

namespace {

constexpr size_t kKiB = 1 << 10, kMiB = 1 << 20;

size_t RoundUp(size_t n, size_t to) { return (n + to - 1) / to * to; }

void Configure(size_t guard_bytes = 0, bool poison = false) {
  const rt_stack_config config = {guard_bytes, GUARD_KIND, poison};
  ASSERT_EQ(rt_stackinit(&config), 0);
}

bool Marked() { return GUARD_KIND != RT_GUARD_MPROTECT && os_guard_supported(); }

class Stack : public ::testing::Test {
 protected:
  void SetUp() override { Configure(); }
  void TearDown() override {
    rt_stackcache_flush(cache());
    rt_stackdrain(cache());
  }
  rt_stackcache *cache() { return cache_.get(); }
  rt_stack Alloc(size_t size, rt_stack_kind kind = RT_STACK_COMPACT) {
    rt_stack s = {};
    EXPECT_EQ(rt_stackalloc(kind, size, cache(), &s), 0) << size;
    return s;
  }
  void Free(const rt_stack &s) { rt_stackfree(cache(), &s); }
  uint64_t InUse(size_t size) { return cache_->stats.in_use[rt_stack_class(size)]; }

 private:
  std::unique_ptr<rt_stackcache> cache_ = std::make_unique<rt_stackcache>();
};

volatile uint64_t &Word(uintptr_t at) { return *reinterpret_cast<volatile uint64_t *>(at); }

size_t Resident(const rt_stack &s) {
  return ::Resident(s.lo, s.lo + WholePages(rt_stack_size(&s)));
}

void Touch(const rt_stack &s) { FillPages(s.lo, s.hi, 1); }

// ---- The original's tests --------------------------------------------------------------------

TEST_F(Stack, alloc_write_free) {
  const rt_stack s = Alloc(RT_STACK_INITIAL);
  EXPECT_EQ(rt_stack_size(&s), size_t{RT_STACK_INITIAL});
  EXPECT_EQ(s.lo % os_pagesize(), 0u);
  EXPECT_GT(s.hi, s.lo);
  Word(s.hi - 8) = 0xdeadbeefcafebabe;
  EXPECT_EQ(Word(s.hi - 8), 0xdeadbeefcafebabe);
  Free(s);
}

TEST_F(Stack, page_size_sanity) {
  const size_t page = os_pagesize();
  EXPECT_GE(page, 4096u);
  EXPECT_EQ(page & (page - 1), 0u);
  const char *asked = getenv("GO_PAGESIZE");
  EXPECT_EQ(page, asked ? strtoul(asked, nullptr, 10)
                        : static_cast<size_t>(sysconf(_SC_PAGESIZE)));
}

TEST_F(Stack, page_size_concurrent) {
  std::vector<size_t> seen(8);
  std::vector<std::thread> threads;
  for (size_t &page : seen) threads.emplace_back([&page] { page = os_pagesize(); });
  for (std::thread &t : threads) t.join();
  for (size_t page : seen) EXPECT_EQ(page, seen[0]);
}

TEST_F(Stack, variable_size_alloc) {
  for (size_t size : {8 * kKiB, 16 * kKiB, 32 * kKiB, 64 * kKiB}) {
    const rt_stack s = Alloc(size);
    EXPECT_EQ(rt_stack_size(&s), size);
    Word(s.lo) = size;
    Word(s.hi - 8) = ~size;
    EXPECT_EQ(Word(s.lo), size);
    EXPECT_EQ(Word(s.hi - 8), ~size);
    Free(s);
  }
}

// ---- Sizes and slots -------------------------------------------------------------------------

TEST_F(Stack, SizeIsExactAndBothEndsAreWritable) {
  std::vector<size_t> sizes = {4096 + 16, 5000, 9000, 12 * kKiB, 3 * kMiB, 100 * kKiB + 16};
  for (size_t size = RT_STACK_MIN; size <= RT_STACK_MAX; size *= 2) sizes.push_back(size);
  for (rt_stack_kind kind : {RT_STACK_COMPACT, RT_STACK_WIDE}) {
    for (size_t size : sizes) {
      const rt_stack s = Alloc(size, kind);
      EXPECT_EQ(rt_stack_size(&s), RoundUp(size, 16)) << "rounded up to whole words";
      EXPECT_EQ(s.lo % os_pagesize(), 0u) << size;
      Word(s.lo) = size;
      Word(s.hi - 8) = size;
      EXPECT_EQ(InUse(size), 1u) << size;
      Free(s);
      EXPECT_EQ(InUse(size), 0u) << size;
    }
  }
}

TEST_F(Stack, ASizeOutsideTheLimitsIsRefusedAndNothingIsWritten) {
  const rt_stack before = {1, 2, 3, 4, 0, 0, 5};
  rt_stack s = before;
  for (size_t size : {size_t{0}, size_t{1}, size_t{RT_STACK_MIN - 1}})
    EXPECT_EQ(rt_stackalloc(RT_STACK_COMPACT, size, cache(), &s), GO_EINVAL) << size;
  for (size_t size : {size_t{RT_STACK_MAX} + 1, size_t{RT_STACK_MAX} * 2, SIZE_MAX})
    EXPECT_EQ(rt_stackalloc(RT_STACK_WIDE, size, cache(), &s), GO_ELIMIT) << size;
  EXPECT_EQ(memcmp(&s, &before, sizeof s), 0);
}

TEST_F(Stack, AClassHoldsTheSizesUpToItsOwn) {
  for (int i = 0; i < GO_STACK_CLASSES; i++) {
    EXPECT_EQ(rt_stack_class(size_t{4096} << i), i);
    EXPECT_EQ(rt_stack_class((size_t{4096} << i) - 1), i);
    EXPECT_EQ(rt_stack_class((size_t{4096} << i) + 1), i + 1);
  }
}

// Slots of one class: aligned to their size, in the upper half of 4 GiB, not overlapping, with the
// stack, its guard below and a pad above inside.
TEST_F(Stack, SlotsAreAlignedHighAndApart) {
  const size_t page = os_pagesize();
  for (rt_stack_kind kind : {RT_STACK_COMPACT, RT_STACK_WIDE}) {
    for (size_t size : {4 * kKiB, 8 * kKiB, 64 * kKiB, 1 * kMiB, 64 * kMiB}) {
      size_t slot = kind == RT_STACK_WIDE ? size_t{RT_STACK_REACH} : 4096;
      while (slot < size + RT_STACK_GUARD_BYTES + page) slot *= 2;
      std::vector<rt_stack> stacks;
      for (int i = 0; i < 70; i++) stacks.push_back(Alloc(size, kind));
      std::sort(stacks.begin(), stacks.end(),
                [](const rt_stack &a, const rt_stack &b) { return a.slot_lo < b.slot_lo; });
      for (size_t i = 0; i < stacks.size(); i++) {
        const rt_stack &s = stacks[i];
        EXPECT_EQ(s.slot_lo % slot, 0u);
        EXPECT_GE(s.slot_lo & 0xffffffff, 0x80000000u);
        EXPECT_GE((s.hi + page - 1) & 0xffffffff, 0x80000000u);
        EXPECT_LE(s.slot_lo, s.lo - RT_STACK_GUARD_BYTES);
        EXPECT_GE(s.guard_bytes, unsigned{RT_STACK_GUARD_BYTES});
        if (i > 0) {
          EXPECT_GE(s.slot_lo, stacks[i - 1].slot_lo + slot);
          EXPECT_GE(s.slot_lo, stacks[i - 1].hi + page);
        }
      }
      for (const rt_stack &s : stacks) Free(s);
    }
  }
}

// ---- Guards ----------------------------------------------------------------------------------

uintptr_t expected_fault;

void OnFault(int, siginfo_t *si, void *) {
  _exit(reinterpret_cast<uintptr_t>(si->si_addr) == expected_fault ? 42 : 43);
}

void Access(uintptr_t at, bool write) {
  struct sigaction action = {};
  action.sa_sigaction = OnFault;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, nullptr);
  sigaction(SIGBUS, &action, nullptr);
  expected_fault = at;
  const char read = write ? 0 : Byte(at);
  Byte(at) = read;
  _exit(44);
}

class StackDeathTest : public Stack {
 protected:
  void ExpectFault(uintptr_t at) {
    EXPECT_EXIT(Access(at, false), ::testing::ExitedWithCode(42), "") << "read";
    EXPECT_EXIT(Access(at, true), ::testing::ExitedWithCode(42), "") << "write";
  }
  void ExpectGuarded(const rt_stack &s) {
    Byte(s.lo) = 1;
    ExpectFault(s.lo - 1);
    ExpectFault(s.lo - s.guard_bytes);
  }
};

TEST_F(StackDeathTest, TheGuardCatchesItsFirstAndItsLastByte) {
  for (rt_stack_kind kind : {RT_STACK_COMPACT, RT_STACK_WIDE})
    for (size_t size : {4 * kKiB, 8 * kKiB, 12 * kKiB + 16, 1 * kMiB}) {
      SCOPED_TRACE(size);
      const rt_stack s = Alloc(size, kind);
      ExpectGuarded(s);
      Free(s);
    }
}

TEST_F(StackDeathTest, AReusedSlotHasItsGuardWhereTheNewSizeWantsIt) {
  // Sizes of one class, that is, of the same slots.
  for (size_t size : {12 * kKiB, 16 * kKiB, 8 * kKiB + 16, 16 * kKiB, 13 * kKiB, 9 * kKiB}) {
    SCOPED_TRACE(size);
    const rt_stack s = Alloc(size);
    Touch(s);
    ExpectGuarded(s);
    Free(s);
    rt_stackcache_flush(cache());
  }
}

TEST_F(StackDeathTest, AGuardOfOneByteIsAPage) {
  Configure(1);
  const rt_stack s = Alloc(32 * kKiB);
  EXPECT_GE(s.guard_bytes, os_pagesize());
  ExpectFault(s.lo - 1);
  ExpectFault(s.lo - os_pagesize());
}

TEST_F(StackDeathTest, WhereMarksAreRefusedTheGuardIsOfMprotect) {
  os_guard_supported();  // asked before, as by a rt_stackinit before memory was locked
  inject::Arm(1u << inject::kMadvise, 1, true);
  const rt_stack odd = Alloc(24 * kKiB);
  const rt_stack s = Alloc(32 * kKiB);
  inject::Disarm();
  ExpectGuarded(s);
  ExpectGuarded(odd);
  Free(odd);
  const rt_stack again = Alloc(28 * kKiB);
  EXPECT_EQ(again.slot, odd.slot);
  Touch(again);
  ExpectGuarded(again);
}

TEST_F(StackDeathTest, AReservedStackHasItsGuardOnceItIsCommitted) {
  constexpr size_t kOdd = 24 * kKiB;  // never pooled: no earlier user's guard
  rt_stack s = {}, unused = {};
  ASSERT_EQ(rt_stackreserve(RT_STACK_COMPACT, kOdd, cache(), &s), 0);
  ASSERT_EQ(rt_stackreserve(RT_STACK_COMPACT, kOdd, cache(), &unused), 0);
  inject::Arm(1u << inject::kMadvise, 0, false);
  ASSERT_EQ(rt_stackcommit(&s), 0);
  EXPECT_EQ(inject::Disarm(), Marked() ? 1u : 0u);
  ExpectGuarded(s);
  Free(unused);  // as it was reserved: the next one to have it gives it its guard
  ExpectGuarded(Alloc(28 * kKiB));
}

TEST_F(Stack, OnceMarksAreRefusedReservingFailsWhereCommittingWould) {
  constexpr size_t kOdd = 24 * kKiB;
  os_guard_supported();
  inject::Arm(1u << inject::kMadvise | 1u << inject::kMprotect, 1, true);
  rt_stack s = {}, other = {};
  const int first = rt_stackreserve(RT_STACK_COMPACT, kOdd, cache(), &s);
  if (first == 0) EXPECT_LT(rt_stackcommit(&s), 0);
  EXPECT_LT(rt_stackreserve(RT_STACK_COMPACT, kOdd, cache(), &other), 0);
  inject::Disarm();
  if (first == 0) Free(s);
}

TEST_F(StackDeathTest, ASlotWhoseGuardCannotBeRemovedIsNotUsedAgain) {
  for (int n = 1; n <= 2; n++) {
    const rt_stack old = Alloc(24 * kKiB);
    Touch(old);
    inject::Arm(inject::kAll, static_cast<uint64_t>(n), true);
    Free(old);
    inject::Disarm();
    for (size_t size : {32 * kKiB, 20 * kKiB}) {
      const rt_stack s = Alloc(size);
      Touch(s);
      ExpectGuarded(s);
      Free(s);
    }
  }
}

// Runs out of addresses at once, asks again and again, and looks at what that has cost.
[[noreturn]] void AskWithoutAddresses(rt_stackcache *cache) {
  const size_t before = AddressSpace();
  const struct rlimit limit = {before + 64 * kMiB, before + 64 * kMiB};
  if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
  rt_stack s = {};
  for (int i = 0; i < 1000; i++)
    if (rt_stackalloc(RT_STACK_COMPACT, 256 * kKiB, cache, &s) != GO_EMAP) _exit(3);
  _exit(AddressSpace() <= before + 4 * kMiB ? 0 : 4);
}

TEST_F(StackDeathTest, AnArenaThatCannotBeMappedCostsNothing) {
  SKIP_IN_EMULATOR("ignores RLIMIT_AS");
  EXPECT_EXIT(AskWithoutAddresses(cache()), ::testing::ExitedWithCode(0), "");
}

TEST_F(Stack, AGuardAboveOneMiBIsRefused) {
  const rt_stack_config config = {kMiB + 1, GUARD_KIND, false};
  EXPECT_EQ(rt_stackinit(&config), GO_EINVAL);
}

// ---- Pools -----------------------------------------------------------------------------------

TEST_F(Stack, AFreedStackIsReusedWithoutASystemCall) {
  for (rt_stack_kind kind : {RT_STACK_COMPACT, RT_STACK_WIDE}) {
    const rt_stack first = Alloc(8 * kKiB, kind);
    Free(first);
    const uint64_t hits = cache()->stats.pool_hits;
    inject::Arm(inject::kAll, 0, false);
    const rt_stack second = Alloc(8 * kKiB, kind);
    Free(second);
    EXPECT_EQ(inject::Disarm(), 0u);
    EXPECT_EQ(second.slot, first.slot);
    EXPECT_EQ(cache()->stats.pool_hits, hits + 1);
  }
}

TEST_F(Stack, MoreStacksThanACacheHoldsPassThroughTheSharedPoolWithoutASystemCall) {
  std::vector<rt_stack> stacks;
  for (int i = 0; i < 100; i++) stacks.push_back(Alloc(8 * kKiB));
  inject::Arm(inject::kAll, 0, false);
  for (const rt_stack &s : stacks) Free(s);
  for (rt_stack &s : stacks) s = Alloc(8 * kKiB);
  EXPECT_EQ(inject::Disarm(), 0u);
  for (const rt_stack &s : stacks) Free(s);
}

TEST_F(Stack, AFlushedStackServesAnotherCache) {
  const rt_stack first = Alloc(128 * kKiB);
  Free(first);
  rt_stackcache_flush(cache());
  auto other = std::make_unique<rt_stackcache>();
  rt_stack second = {};
  inject::Arm(inject::kAll, 0, false);
  ASSERT_EQ(rt_stackalloc(RT_STACK_COMPACT, 128 * kKiB, other.get(), &second), 0);
  EXPECT_EQ(inject::Disarm(), 0u);
  EXPECT_EQ(second.slot, first.slot);
  EXPECT_EQ(other->stats.pool_hits, 1u);
  rt_stackfree(other.get(), &second);
  rt_stackcache_flush(other.get());
}

TEST_F(Stack, AnOddSizeIsNotPooled) {
  const rt_stack first = Alloc(20 * kKiB);
  Touch(first);
  Free(first);
  const uint64_t hits = cache()->stats.pool_hits;
  const rt_stack second = Alloc(20 * kKiB);
  EXPECT_EQ(cache()->stats.pool_hits, hits);
  EXPECT_EQ(second.slot, first.slot);
  EXPECT_EQ(Resident(second), 0u) << "its memory went back to the system";
  Free(second);
}

TEST_F(Stack, DrainGivesMemoryBackAndKeepsTheSlots) {
  std::vector<rt_stack> stacks;
  for (int i = 0; i < 20; i++) {
    stacks.push_back(Alloc(64 * kKiB, RT_STACK_WIDE));
    Touch(stacks.back());
  }
  for (const rt_stack &s : stacks) Free(s);
  EXPECT_EQ(Resident(stacks[0]), 64 * kKiB) << "a pooled stack is warm";
  rt_stackdrain(cache());
  for (const rt_stack &s : stacks) EXPECT_EQ(Resident(s), 0u);
  inject::Arm(inject::kAll, 0, false);
  std::vector<uint32_t> before, after;
  for (rt_stack &s : stacks) {
    before.push_back(s.slot);
    s = Alloc(64 * kKiB, RT_STACK_WIDE);
    after.push_back(s.slot);
  }
  EXPECT_EQ(inject::Disarm(), 0u);
  std::sort(before.begin(), before.end());
  std::sort(after.begin(), after.end());
  EXPECT_EQ(before, after);
  for (const rt_stack &s : stacks) Free(s);
}

TEST_F(Stack, ThePoolKeepsABoundedAmountOfMemory) {
  std::vector<rt_stack> stacks;
  for (int i = 0; i < 40; i++) {
    stacks.push_back(Alloc(16 * kMiB));
    for (uintptr_t at = stacks.back().lo; at < stacks.back().hi; at += 64 * kKiB) Byte(at) = 1;
  }
  for (const rt_stack &s : stacks) Free(s);
  rt_stackcache_flush(cache());
  size_t resident = 0;
  for (const rt_stack &s : stacks) resident += Resident(s);
  // 256 MiB warm are 16 of these, each with 256 pages; the others keep at most their top.
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  EXPECT_LE(resident, 16 * 256 * page + 24 * 64 * kKiB);
}

// 40,000 stacks of 8 KiB were used at once, fewer where each takes a larger page: the pool keeps at
// most its 256 MiB of them.
TEST_F(Stack, SmallStacksBeyondWhatThePoolMayKeepGiveTheirMemoryBackToo) {
  if (!Marked()) GTEST_SKIP() << "so many guards reach vm.max_map_count";
  const size_t size = 8 * kKiB, takes = WholePages(size);
  std::vector<rt_stack> stacks;
  for (size_t i = 0; i < 40000 * size / takes; i++) {
    stacks.push_back(Alloc(size, RT_STACK_COMPACT));
    Touch(stacks.back());
  }
  for (const rt_stack &s : stacks) Free(s);
  size_t resident = 0;
  for (const rt_stack &s : stacks) resident += Resident(s);
  EXPECT_LE(resident, 256 * kMiB + RT_STACK_CACHED * takes) << "the pool's and the cache's";
  rt_stackdrain(cache());
}

TEST_F(Stack, AWantedStackIsStockedResidentAndTakenWithoutASystemCall) {
  SKIP_IN_EMULATOR("ignores MADV_POPULATE_WRITE");
  // Once from a new slot, and once from the pool, where the stack is cold.
  const size_t size = 512 * kKiB;
  for (uint64_t round = 1; round <= 2; round++) {
    rt_stackcache_want(cache(), RT_STACK_WIDE, size);
    rt_stackcache_stock(cache());
    EXPECT_EQ(cache()->n[RT_STACK_WIDE][rt_stack_class(size)], 1u);
    EXPECT_EQ(cache()->wanted[RT_STACK_WIDE], 0u);
    EXPECT_EQ(InUse(size), 0u);
    inject::Arm(inject::kAll, 0, false);
    const rt_stack s = Alloc(size, RT_STACK_WIDE);
    rt_stackcache_stock(cache());  // nothing is wanted any more
    EXPECT_EQ(inject::Disarm(), 0u);
    EXPECT_EQ(cache()->stats.pool_hits, round);
    EXPECT_EQ(Resident(s), size);
    Free(s);
    rt_stackdrain(cache());
  }
}

TEST_F(Stack, PoisonMarksFreshAndFreedStacks) {
  Configure(0, true);
  const rt_stack s = Alloc(8 * kKiB);
  for (uintptr_t at = s.lo; at < s.hi; at++)
    ASSERT_EQ(static_cast<unsigned char>(Byte(at)), RT_POISON_FRESH);
  Free(s);
  for (uintptr_t at = s.lo; at < s.hi; at++)
    ASSERT_EQ(static_cast<unsigned char>(Byte(at)), RT_POISON_FREED);
}

// ---- Threads ---------------------------------------------------------------------------------

class Owners {
 public:
  bool Take(uint32_t slot) { return !At(slot).exchange(true); }
  bool Leave(uint32_t slot) { return At(slot).exchange(false); }

 private:
  std::atomic<bool> &At(uint32_t slot) { return owned_[slot]; }
  // 2^14 slots of one arena, the first 2^8 arenas.
  std::vector<std::atomic<bool>> owned_ = std::vector<std::atomic<bool>>(1 << 22);
};

// Allocates and frees at random, each stack marked at both ends; returns what went wrong.
int Churn(unsigned seed, int steps, Owners *owners) {
  auto cache = std::make_unique<rt_stackcache>();
  std::mt19937 random(seed);
  std::vector<rt_stack> held;
  int wrong = 0;
  const auto give_back = [&](size_t i) {
    const rt_stack s = held[i];
    wrong += Word(s.lo) != seed || Word(s.hi - 8) != ~uint64_t{seed};
    wrong += !owners->Leave(s.slot);
    rt_stackfree(cache.get(), &s);
    held[i] = held.back();
    held.pop_back();
  };
  for (int i = 0; i < steps; i++) {
    if (held.size() > random() % 24) {
      give_back(random() % held.size());
      continue;
    }
    const rt_stack_kind kind = random() % 2 ? RT_STACK_WIDE : RT_STACK_COMPACT;
    const size_t size = random() % 4 ? size_t{4096} << random() % 4 : 4096 + random() % 30000;
    rt_stack s = {};
    if (rt_stackalloc(kind, size, cache.get(), &s) != 0) return -1;
    wrong += !owners->Take(s.slot);
    Word(s.lo) = seed;
    Word(s.hi - 8) = ~uint64_t{seed};
    held.push_back(s);
    if (random() % 64 == 0) rt_stackcache_flush(cache.get());
    if (random() % 64 == 0) {
      rt_stackcache_want(cache.get(), kind, size);
      rt_stackcache_stock(cache.get());
    }
  }
  while (!held.empty()) give_back(0);
  rt_stackcache_flush(cache.get());
  return wrong;
}

TEST_F(Stack, NoSlotIsEverInTwoHands) {
  auto owners = std::make_unique<Owners>();
  std::vector<int> wrong(8, -2);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < wrong.size(); i++)
    threads.emplace_back([&, i] { wrong[i] = Churn(i + 1, 20000, owners.get()); });
  for (std::thread &t : threads) t.join();
  for (int n : wrong) EXPECT_EQ(n, 0);
}

// A few stacks at a time, always through the shared pool, freed in any order: the lists change
// heads all the time, and the same few slots come back as heads over others (ABA).
int Hammer(unsigned seed, int steps, Owners *owners) {
  auto cache = std::make_unique<rt_stackcache>();
  std::minstd_rand random(seed);
  rt_stack held[4];
  unsigned n = 0;
  int wrong = 0;
  for (int i = 0; i < steps || n > 0; i++) {
    if (i < steps && n < 1 + random() % 4) {
      if (rt_stackalloc(RT_STACK_COMPACT, 4 * kKiB, cache.get(), &held[n]) != 0) return -1;
      wrong += !owners->Take(held[n++].slot);
    } else if (n > 0) {
      const unsigned k = random() % n;
      const rt_stack s = held[k];
      held[k] = held[--n];
      wrong += !owners->Leave(s.slot);
      rt_stackfree(cache.get(), &s);
      rt_stackcache_flush(cache.get());
    }
  }
  return wrong;
}

TEST_F(Stack, ASlotThatComesBackAsHeadOfItsListIsNotMistaken) {
  auto owners = std::make_unique<Owners>();
  std::vector<int> wrong(4, -2);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < wrong.size(); i++)
    threads.emplace_back([&, i] { wrong[i] = Hammer(i + 1, 400000, owners.get()); });
  for (std::thread &t : threads) t.join();
  for (int n : wrong) EXPECT_EQ(n, 0);
}

TEST_F(Stack, ThreadsThatCarveOneArenaNeverGetTheSameSlot) {
  constexpr unsigned kThreads = 4, kEach = 4000;
  std::vector<rt_stack> stacks(kThreads * kEach);
  std::vector<std::thread> threads;
  std::atomic<unsigned> waiting{kThreads};
  for (unsigned i = 0; i < kThreads; i++)
    threads.emplace_back([&stacks, &waiting, i] {
      auto own = std::make_unique<rt_stackcache>();
      waiting--;
      while (waiting > 0) std::this_thread::yield();
      for (unsigned k = 0; k < kEach; k++)
        rt_stackalloc(RT_STACK_COMPACT, 40 * kKiB, own.get(), &stacks[i * kEach + k]);
    });
  for (std::thread &t : threads) t.join();
  std::vector<bool> taken(1 << 22);
  for (const rt_stack &s : stacks) {
    ASSERT_EQ(rt_stack_size(&s), 40 * kKiB);
    EXPECT_FALSE(taken[s.slot]) << s.slot;
    taken[s.slot] = true;
    Free(s);
  }
}

TEST_F(Stack, ThreadsThatMakeTheFirstArenaOfAClassAgree) {
  // Both kinds of a class that nothing else here uses.
  std::vector<rt_stack> stacks(16);
  std::vector<std::thread> threads;
  std::atomic<int> waiting{8};
  for (unsigned i = 0; i < 8; i++)
    threads.emplace_back([&, i] {
      auto own = std::make_unique<rt_stackcache>();
      waiting--;
      while (waiting > 0) std::this_thread::yield();
      rt_stackalloc(RT_STACK_COMPACT, 2 * kMiB, own.get(), &stacks[i]);
      rt_stackalloc(RT_STACK_WIDE, 2 * kMiB, own.get(), &stacks[8 + i]);
    });
  for (std::thread &t : threads) t.join();
  std::sort(stacks.begin(), stacks.end(),
            [](const rt_stack &a, const rt_stack &b) { return a.slot_lo < b.slot_lo; });
  for (size_t i = 0; i < stacks.size(); i++) {
    EXPECT_EQ(rt_stack_size(&stacks[i]), 2 * kMiB);
    Word(stacks[i].lo) = i;
    if (i > 0) EXPECT_GT(stacks[i].lo, stacks[i - 1].hi);
  }
  for (const rt_stack &s : stacks) Free(s);
}

}  // namespace
