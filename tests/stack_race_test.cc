// Two threads that make the first stacks of a process at the same moment.  One test: after it they
// are not the first.
#include <gtest/gtest.h>

#include <bitset>
#include <cstring>

#include "runtime/os/os.h"
#include "runtime/stack/stack.h"
#include "tests/emulator.h"
#include "tests/inject.h"
#include "tests/memory.h"

namespace {

constexpr size_t kSize = 8 << 10, kArena = size_t{1} << 31, kChunk = 1 << 20;

rt_stackcache here, there;
rt_stack mine, theirs;
int theirs_error = -1;

TEST(TheFirstArena, MayBeMadeByTwoThreadsAtOnce) {
  SKIP_IN_EMULATOR("takes addresses of its own");
  const rt_stack_config config = {};
  ASSERT_EQ(rt_stackinit(&config), 0);
  const size_t before = AddressSpace();
  // The first call is for the addresses of the arena, the second for the memory of its record.
  inject::Meanwhile(inject::kMmap, 2, [] {
    theirs_error = rt_stackalloc(RT_STACK_COMPACT, kSize, &there, &theirs);
  });
  ASSERT_EQ(rt_stackalloc(RT_STACK_COMPACT, kSize, &here, &mine), 0);
  ASSERT_EQ(theirs_error, 0);
  // Two arenas, and memory for the records of both: what was mapped for nothing is given back.
  const size_t taken = AddressSpace() - before;
  EXPECT_GE(taken, 2 * kArena + kChunk);
  EXPECT_LT(taken, 2 * kArena + 2 * kChunk);
  EXPECT_NE(mine.slot, theirs.slot);
  memset(reinterpret_cast<void *>(mine.lo), 1, kSize);
  memset(reinterpret_cast<void *>(theirs.lo), 2, kSize);
  EXPECT_EQ(*reinterpret_cast<char *>(mine.lo), 1);
  // The slots of both can be had, each once, and no more.
  size_t slot = 128 << 10;
  while (slot < WholePages(kSize) + RT_STACK_GUARD_BYTES + os_pagesize()) slot *= 2;
  static std::bitset<2 * kArena / (128 << 10)> had;
  had[mine.slot] = had[theirs.slot] = true;
  rt_stack s;
  for (size_t n = 2; n < 2 * kArena / slot; n++) {
    ASSERT_EQ(rt_stackreserve(RT_STACK_COMPACT, kSize, &there, &s), 0);
    ASSERT_LT(s.slot, had.size()) << "no number is left out";
    ASSERT_FALSE(had[s.slot]);
    had[s.slot] = true;
  }
  EXPECT_EQ(AddressSpace() - before, taken);
  ASSERT_EQ(rt_stackreserve(RT_STACK_COMPACT, kSize, &there, &s), 0);
  EXPECT_GE(AddressSpace() - before, taken + kArena);
}

}  // namespace
