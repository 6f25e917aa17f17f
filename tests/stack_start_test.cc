// stack_start_test.cc: the first arenas of a process (runtime/stack/stack.h), and a kernel without
// marks: each case begins a process of its own.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "runtime/os/os.h"
#include "runtime/stack/stack.h"
#include "tests/emulator.h"
#include "tests/inject.h"
#include "tests/memory.h"

namespace {

constexpr size_t K = 1 << 10, M = 1 << 20, G = 1 << 30;

class ArenaDeathTest : public testing::Test {
 protected:
  void SetUp() override { testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

void Begin(rt_guard_kind guard) {
  const rt_stack_config config = {0, guard, false};
  if (rt_stackinit(&config) != 0) _exit(1);
}

// An arena is 2 GiB of addresses, its record a chunk of 1 MiB now and then; nothing else stays.
void MakeArenas() {
  Begin(RT_GUARD_MPROTECT);
  auto cache = std::make_unique<rt_stackcache>();
  AddressSpace();
  rt_stack s;
  size_t before = AddressSpace();
  if (rt_stackalloc(RT_STACK_COMPACT, 1 * M, cache.get(), &s) != 0) _exit(2);
  if (AddressSpace() - before != 2 * G + 1 * M) _exit(3);
  before = AddressSpace();
  if (rt_stackalloc(RT_STACK_COMPACT, 2 * M, cache.get(), &s) != 0) _exit(4);
  if (AddressSpace() - before != 2 * G) _exit(5);
  // Where the next would lie, somebody else has a page.
  const uintptr_t next = (s.slot_lo & ~(4 * G - 1)) - 2 * G + 64 * K;
  if (mmap(reinterpret_cast<void *>(next), os_pagesize(), PROT_NONE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
    _exit(6);
  before = AddressSpace();
  for (size_t size : {4 * M, 8 * M}) {
    if (rt_stackalloc(RT_STACK_COMPACT, size, cache.get(), &s) != 0) _exit(7);
    if ((s.slot_lo & 0xffffffff) < 2 * G) _exit(8);
    Byte(s.lo) = 1;
  }
  _exit(AddressSpace() - before == 4 * G ? 0 : 9);
}

TEST_F(ArenaDeathTest, AnArenaTakesTwoGiBOfAddresses) {
  SKIP_IN_EMULATOR("takes addresses of its own");
  if (__has_feature(address_sanitizer)) GTEST_SKIP() << "a sanitizer maps memory of its own";
  EXPECT_EXIT(MakeArenas(), testing::ExitedWithCode(0), "");
}

// The addresses are had, and then there is no memory for the record.
void FailAtTheRecord() {
  Begin(RT_GUARD_MPROTECT);
  auto cache = std::make_unique<rt_stackcache>();
  AddressSpace();
  const size_t before = AddressSpace();
  inject::Arm(1u << inject::kMmap, 2, false);
  rt_stack s;
  if (rt_stackalloc(RT_STACK_COMPACT, 1 * M, cache.get(), &s) != GO_EMAP) _exit(2);
  inject::Disarm();
  if (AddressSpace() != before) _exit(3);
  if (rt_stackalloc(RT_STACK_COMPACT, 1 * M, cache.get(), &s) != 0) _exit(4);
  Byte(s.lo) = 1;
  _exit(0);
}

TEST_F(ArenaDeathTest, AnArenaWithoutARecordGivesItsAddressesBack) {
  SKIP_IN_EMULATOR("takes addresses of its own");
  EXPECT_EXIT(FailAtTheRecord(), testing::ExitedWithCode(0), "");
}

// The kernel has no marks.
void BeginWithoutMarks() {
  inject::Arm(1u << inject::kMadvise, 1, true);
  const rt_stack_config madvise = {0, RT_GUARD_MADVISE, false};
  if (rt_stackinit(&madvise) != GO_EINVAL) _exit(2);
  Begin(RT_GUARD_AUTO);
  auto cache = std::make_unique<rt_stackcache>();
  rt_stack s;
  if (rt_stackalloc(RT_STACK_COMPACT, 8 * K, cache.get(), &s) != 0) _exit(3);
  if (s.guard_bytes != s.lo - s.slot_lo) _exit(4);
  _exit(Accessible(s.lo) && !Accessible(s.lo - 1) && !Accessible(s.slot_lo) ? 0 : 5);
}

TEST_F(ArenaDeathTest, WithoutMarksTheyAreRefusedAndAutoIsMprotect) {
  EXPECT_EXIT(BeginWithoutMarks(), testing::ExitedWithCode(0), "");
}

TEST(ArenaInit, AGuardMayHaveUpToOneMiB) {
  const rt_stack_config most = {1 * M, RT_GUARD_AUTO, false}, mprotect = {0, RT_GUARD_MPROTECT,
                                                                          false};
  EXPECT_EQ(rt_stackinit(&most), 0);
  EXPECT_EQ(rt_stackinit(&mprotect), 0);
  const rt_stack_config madvise = {0, RT_GUARD_MADVISE, false};
  EXPECT_EQ(rt_stackinit(&madvise), os_guard_supported() ? 0 : GO_EINVAL);
}

}  // namespace
