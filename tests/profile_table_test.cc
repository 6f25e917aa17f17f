// profile_table_test.cc: the table of the growth profile, filled from threads: it loses and mixes
// up nothing, and counts what it has no room for.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "runtime/go.h"
#include "runtime/stack/profile.h"

// The linker sends the calls of os_usleep here.
static std::atomic<int> naps;
extern "C" {
void __real_os_usleep(uint32_t us);
void __wrap_os_usleep(uint32_t us) {
  naps++;
  __real_os_usleep(us);
}
}

namespace {

int Append(void *to, const char *text, size_t bytes) {
  static_cast<std::string *>(to)->append(text, bytes);
  return 0;
}

std::string Written(go_profile_format format) {
  std::string text;
  EXPECT_EQ(go_profile_write_to(Append, &text, format), GO_OK);
  return text;
}

std::vector<std::string> Lines(const std::string &text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

rt_growsite Synthetic(uintptr_t i) {
  rt_growsite s = {};
  s.entry = 0x1000;
  s.from_bytes = 8192;
  s.to_bytes = 16384;
  s.nframes = 1;
  s.frames[0] = 0x2000 + i;
  return s;
}

void RecordSynthetic(uintptr_t i, uint64_t bytes) {
  const rt_growsite s = Synthetic(i);
  if (rt_profile_take()) rt_profile_add(&s, bytes);
}

uint64_t SumOfEntries(uint64_t *bytes) {
  uint64_t sum = 0, growths = 0, copied = 0;
  *bytes = 0;
  for (uint32_t i = 0; rt_profile_at(i, &growths, &copied); i++) {
    sum += growths;
    *bytes += copied;
  }
  return sum;
}

TEST(ProfileTable, AFullTableCountsWhatItDrops) {
  rt_profile_entries = 4;
  go_profile_start(1);
  for (int round = 0; round < 2; round++)
    for (uintptr_t i = 0; i < 1000; i++) RecordSynthetic(i, 7);
  go_profile_stop();
  struct rt_profile_totals t;
  rt_profile_read(&t);
  uint64_t bytes;
  EXPECT_EQ(SumOfEntries(&bytes), 8u);
  EXPECT_EQ(bytes, 56u);
  EXPECT_EQ(t.growths, 2000u);
  EXPECT_EQ(t.recorded, 8u);
  EXPECT_EQ(t.dropped, 1992u);
  EXPECT_NE(Written(GO_PROFILE_TABLE).find("dropped, because the table was full: 1992\n"),
            std::string::npos);
  EXPECT_EQ(Lines(Written(GO_PROFILE_FOLDED)).size(), 4u);
  rt_profile_entries = RT_PROFILE_ENTRIES;
}

TEST(ProfileTable, OfOneEntryIsUsedToTheLast) {
  rt_profile_entries = 1;
  go_profile_start(1);
  RecordSynthetic(1, 1);
  RecordSynthetic(1, 1);
  RecordSynthetic(2, 1);
  go_profile_stop();
  struct rt_profile_totals t;
  rt_profile_read(&t);
  EXPECT_EQ(t.recorded, 2u);
  EXPECT_EQ(t.dropped, 1u);
  rt_profile_entries = RT_PROFILE_ENTRIES;
}

// The hash of profile.c up to the last frame, and what that must be for the whole to be `hash`.
uint64_t Mix(uint64_t h, uint64_t w) {
  h ^= w;
  h = (h ^ h >> 33) * 0xff51afd7ed558ccd;
  h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53;
  return h ^ h >> 33;
}

uint64_t HashOfHead(const rt_growsite &s) {
  uint64_t h = Mix(s.entry, static_cast<uint64_t>(s.from_bytes) << 32 | s.to_bytes);
  h = Mix(h, static_cast<uint64_t>(s.cause) << 16 | static_cast<uint64_t>(s.nframes) << 8 | s.cut);
  for (int i = 0; i + 1 < s.nframes; i++) h = Mix(h, s.frames[i]);
  return h;
}

// Sites that differ in one thing, and in their last frames so that all have one hash: what tells
// them apart is the sites themselves.  Were the hash another one, they would only be easier.
std::vector<rt_growsite> OfOneHash() {
  rt_growsite base = Synthetic(0);
  base.nframes = 3;
  for (uintptr_t i = 0; i < 3; i++) base.frames[i] = 0x3000 + i;
  base.cause = 2;
  std::vector<rt_growsite> all(14, base);
  all[1].entry++, all[2].entry--;
  all[3].from_bytes++, all[4].from_bytes--;
  all[5].to_bytes++, all[6].to_bytes--;
  all[7].cause++, all[8].cause--;
  all[9].cut = true;
  all[10].frames[0]++, all[11].frames[0]--;
  all[12].frames[1]++, all[13].frames[1]--;
  const uint64_t hash = HashOfHead(base) ^ base.frames[2];
  for (rt_growsite &s : all) s.frames[2] = HashOfHead(s) ^ hash;
  // And one whose chain begins as the whole of the first.
  rt_growsite longer = base;
  longer.nframes = 4;
  longer.frames[3] = HashOfHead(longer) ^ hash;
  all.push_back(longer);
  return all;
}

uint64_t GrowthsOf(const rt_growsite &site) {
  uint64_t n = 0, bytes = 0, sum = 0;
  for (uint32_t i = 0; const rt_growsite *s = rt_profile_at(i, &n, &bytes); i++)
    if (n > 0 && s->entry == site.entry && s->from_bytes == site.from_bytes &&
        s->to_bytes == site.to_bytes && s->cause == site.cause && s->nframes == site.nframes &&
        s->cut == site.cut && std::equal(s->frames, s->frames + s->nframes, site.frames))
      sum += n;
  return sum;
}

TEST(ProfileTable, SitesOfOneHashAreToldApartByEveryPart) {
  std::vector<rt_growsite> all = OfOneHash();
  for (int order = 0; order < 2; order++) {
    go_profile_start(1);
    for (uint64_t times = 0; times < 2; times++)
      for (uint64_t k = 0; k < all.size(); k++)
        for (uint64_t n = 0; n <= k; n++) {
          ASSERT_TRUE(rt_profile_take());
          rt_profile_add(&all[k], 1);
        }
    go_profile_stop();
    for (uint64_t k = 0; k < all.size(); k++) EXPECT_EQ(GrowthsOf(all[k]), 2 * (k + 1)) << k;
    std::reverse(all.begin(), all.end());
  }
}

TEST(ProfileTable, WhatLiesBeyondAChainDoesNotCount) {
  go_profile_start(1);
  for (uintptr_t i = 0; i < 5; i++) {
    rt_growsite s = Synthetic(0);
    s.frames[1] = i;
    ASSERT_TRUE(rt_profile_take());
    rt_profile_add(&s, 1);
  }
  go_profile_stop();
  uint64_t n, bytes;
  int entries = 0;
  for (uint32_t i = 0; rt_profile_at(i, &n, &bytes); i++) entries += n > 0;
  EXPECT_EQ(entries, 1);
}

TEST(ProfileTable, BeginningForgetsAllOfIt) {
  go_profile_start(1);
  for (uintptr_t i = 0; i < 3 * RT_PROFILE_ENTRIES; i++) RecordSynthetic(i << 8, 3);
  go_profile_stop();
  EXPECT_FALSE(rt_profile_take()) << "it has ended";
  struct rt_profile_totals t;
  rt_profile_read(&t);
  EXPECT_GT(t.dropped, 0u);
  go_profile_start(2);
  uint64_t bytes;
  EXPECT_EQ(SumOfEntries(&bytes), 0u);
  EXPECT_EQ(bytes, 0u);
  rt_profile_read(&t);
  EXPECT_EQ(t.growths + t.recorded + t.dropped, 0u);
  EXPECT_EQ(t.rate, 2u);
  for (uintptr_t i = 0; i < 2000; i++) RecordSynthetic(i << 8 | 7, 5);  // none of those before
  go_profile_stop();
  EXPECT_EQ(SumOfEntries(&bytes), 1000u) << "there is room again";
  EXPECT_EQ(bytes, 5000u);
  rt_profile_read(&t);
  EXPECT_EQ(t.recorded, 1000u);
  EXPECT_EQ(t.dropped, 0u);
  EXPECT_EQ(t.growths, 2000u);
}

TEST(ProfileTable, HasNoEntryPastItsLast) {
  uint64_t growths, bytes;
  for (uint32_t i : {0u, 1u, RT_PROFILE_ENTRIES - 1u})
    EXPECT_NE(rt_profile_at(i, &growths, &bytes), nullptr);
  for (uint32_t i : {RT_PROFILE_ENTRIES + 0u, RT_PROFILE_ENTRIES + 1u, UINT32_MAX})
    EXPECT_EQ(rt_profile_at(i, &growths, &bytes), nullptr);
}

// Who ends or begins waits for who is in; meanwhile it naps.
TEST(ProfileTable, EndingWaitsForWhoRecords) {
  for (void (*step)() : {+[] { rt_profile_end(); }, +[] { rt_profile_begin(1); }}) {
    go_profile_start(1);
    ASSERT_TRUE(rt_profile_take());
    std::atomic<bool> added{false}, right{false}, returned{false};
    naps = 0;
    std::thread other([&] {
      step();
      right = added.load();
      returned = true;
    });
    while (naps == 0 && !returned) std::this_thread::yield();
    added = true;
    const rt_growsite s = Synthetic(0);
    rt_profile_add(&s, 1);
    other.join();
    EXPECT_TRUE(right);
    go_profile_stop();
  }
}

TEST(ProfileTable, EveryEntryOfTheTableCanBeWritten) {
  go_profile_start(1);
  for (uintptr_t i = 0; i < 3 * RT_PROFILE_ENTRIES; i++) RecordSynthetic(i << 8, 1);
  go_profile_stop();
  uint64_t bytes;
  const uint64_t kept = SumOfEntries(&bytes);
  EXPECT_GT(kept, RT_PROFILE_ENTRIES * 9u / 10);
  EXPECT_EQ(Lines(Written(GO_PROFILE_FOLDED)).size(), kept);
}

TEST(ProfileTable, LosesNothingOfManyThreads) {
  enum { THREADS = 4, EACH = 50000, SITES = 50 };
  go_profile_start(1);
  std::vector<std::thread> threads;
  for (uintptr_t k = 0; k < THREADS; k++)
    threads.emplace_back([] {
      for (uintptr_t i = 0; i < EACH; i++) RecordSynthetic(i % SITES, i % 3);
    });
  for (std::thread &t : threads) t.join();
  go_profile_stop();
  uint64_t bytes, expected_bytes = 0;
  for (uint64_t i = 0; i < EACH; i++) expected_bytes += THREADS * (i % 3);
  EXPECT_EQ(SumOfEntries(&bytes), uint64_t{THREADS} * EACH);
  EXPECT_EQ(bytes, expected_bytes);
  EXPECT_EQ(Lines(Written(GO_PROFILE_FOLDED)).size(), size_t{SITES});
}

// They meet at entries that are free yet.
TEST(ProfileTable, GivesEachChainItsOwnEntryWhoeverComesFirst) {
  enum { THREADS = 4, ROUNDS = 300, SITES = 40 };
  std::atomic<int> arrived{0};
  std::atomic<int> round{-1};
  std::vector<std::thread> threads;
  for (int k = 0; k < THREADS; k++)
    threads.emplace_back([&, k] {
      for (int r = 0; r < ROUNDS; r++) {
        while (round < r) std::this_thread::yield();
        for (uintptr_t i = 0; i < SITES; i++) {
          const uintptr_t site = k % 2 ? i : SITES - 1 - i;
          RecordSynthetic(site, site);
        }
        arrived++;
      }
    });
  int wrong = 0;
  for (int r = 0; r < ROUNDS; r++) {
    go_profile_start(1);
    arrived = 0;
    round = r;
    while (arrived < THREADS) std::this_thread::yield();
    go_profile_stop();
    std::map<uintptr_t, uint64_t> growths, bytes;
    uint64_t n, copied;
    for (uint32_t i = 0; const rt_growsite *s = rt_profile_at(i, &n, &copied); i++) {
      if (n == 0) continue;
      growths[s->frames[0] - 0x2000] += n;
      bytes[s->frames[0] - 0x2000] += copied;
    }
    for (uintptr_t i = 0; i < SITES; i++)
      wrong += growths[i] != THREADS || bytes[i] != THREADS * i;
  }
  for (std::thread &t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

TEST(ProfileTable, MayBeStartedStoppedAndWrittenWhileThreadsRecord) {
  std::atomic<bool> stop{false}, wrong{false};
  std::vector<std::thread> threads;
  for (uintptr_t k = 0; k < 3; k++)
    threads.emplace_back([&] {
      for (uintptr_t i = 0; !stop; i++) RecordSynthetic(i % 7, 5);
    });
  for (int round = 0; round < 200; round++) {
    go_profile_start(round % 2 ? 1 : 3);
    for (const std::string &line : Lines(Written(GO_PROFILE_FOLDED)))
      if (line.rfind("0x1000;0x20", 0) != 0) wrong = true;
    go_profile_reset();
    go_profile_stop();
    // Now nobody is in: what there is agrees.
    struct rt_profile_totals t;
    uint64_t bytes;
    rt_profile_read(&t);
    const uint64_t sum = SumOfEntries(&bytes);
    if (sum != t.recorded || bytes != 5 * sum || t.dropped != 0) wrong = true;
    if (t.recorded != (t.growths + t.rate - 1) / t.rate) wrong = true;
  }
  stop = true;
  for (std::thread &t : threads) t.join();
  EXPECT_FALSE(wrong);
}

}  // namespace
