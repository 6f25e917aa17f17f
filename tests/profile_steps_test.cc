// profile_steps_test.cc: the table of the growth profile (runtime/stack/profile.h) is written by
// whoever grows a stack, at any instruction of whoever else is writing it.
#include <gtest/gtest.h>

#include "runtime/stack/profile.h"
#include "tests/every_instruction.h"

namespace {

constexpr uint64_t kOurs = 5, kTheirs = 7;  // bytes, and what tells the sites apart

void Record(uint64_t who) {
  rt_growsite s = {};
  s.entry = 0x1000 + who;
  s.nframes = 1;
  s.frames[0] = 0x2000 + who;
  if (rt_profile_take()) rt_profile_add(&s, who);
}

// Both want the one entry that there is: one of them has it, whole, and the other is counted.
bool OneHasIt() {
  rt_profile_totals t;
  rt_profile_read(&t);
  uint64_t growths, bytes;
  const rt_growsite *s = rt_profile_at(0, &growths, &bytes);
  return t.growths == 2 && t.recorded == 1 && t.dropped == 1 && growths == 1 &&
         (bytes == kOurs || bytes == kTheirs) && s->entry == 0x1000 + bytes &&
         s->frames[0] == 0x2000 + bytes;
}

TEST(ProfileTable, AnEntryIsOfOneSiteWhoeverComesInAtAnyInstruction) {
  if (__has_feature(thread_sanitizer)) GTEST_SKIP() << "it takes no signal at its instructions";
  rt_profile_entries = 1;
  rt_profile_begin(1);
  AtEveryInstruction([] { Record(kOurs); }, [] { Record(kTheirs); }, OneHasIt);
  rt_profile_end();
  rt_profile_entries = RT_PROFILE_ENTRIES;
}

}  // namespace
