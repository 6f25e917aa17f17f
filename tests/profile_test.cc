// profile_test.cc: the growth profile: each growth at its site with its callers, no other, however
// many threads grow, and whatever becomes of the file.
#include <alloca.h>
#include <gtest/gtest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "runtime/stack/profile.h"
#include "tests/call_at.h"
#include "tests/child.h"
#include "tests/goroutine.h"
#include "tests/prologue_cases.h"

// ---- Sites: their names are what is looked for, so they have C's -------------------------------

extern "C" {
void profile_astray(size_t bytes);

static go_waitgroup profile_done;

__attribute__((noinline)) void profile_touch(size_t bytes) {
  volatile char *p = static_cast<volatile char *>(alloca(bytes));
  p[0] = 1;
}

__attribute__((noinline)) void profile_middle(size_t bytes) {
  profile_touch(bytes);
  __asm__ volatile("");  // no tail call
}

// Frames are probed page by page: this many bytes make an 8 KiB stack grow once.
enum { kOnce = 10000 };

void profile_faults(void *bytes) {
  profile_middle(reinterpret_cast<size_t>(bytes));
  go_waitgroup_done(&profile_done);
}

__attribute__((noinline)) void profile_ask(size_t bytes) {
  if (go_checkpoint(bytes) != GO_OK) abort();
  __asm__ volatile("");
}

void profile_asks(void *bytes) {
  profile_ask(reinterpret_cast<size_t>(bytes));
  go_waitgroup_done(&profile_done);
}

__attribute__((noinline)) void profile_low() {
  struct go_stack_bounds b;
  if (go_stack_bounds(&b) != GO_OK) abort();
  volatile char here = 0;
  const size_t room = reinterpret_cast<uintptr_t>(&here) - b.lo;
  volatile char *p = static_cast<volatile char *>(alloca(room - 1800));
  p[0] = here;
  go_yield();
  __asm__ volatile("" ::"r"(p) : "memory");
}

void profile_resumes(void *) {
  profile_low();
  go_waitgroup_done(&profile_done);
}

__attribute__((noinline)) void profile_recurse(long levels) {
  volatile char frame[512];
  frame[0] = static_cast<char>(levels);
  if (levels > 0) profile_recurse(levels - 1);
  __asm__ volatile("" ::"r"(&frame) : "memory");
}

void profile_recurses(void *levels) {
  profile_recurse(reinterpret_cast<long>(levels));
  go_waitgroup_done(&profile_done);
}

int profile_compare(const void *a, const void *b) {
  profile_touch(kOnce);
  return *static_cast<const int *>(a) - *static_cast<const int *>(b);
}

void profile_sorts(void *) {
  static int numbers[] = {2, 1};
  qsort(numbers, 2, sizeof numbers[0], profile_compare);
  go_waitgroup_done(&profile_done);
}

void profile_descends(void *) {
  prologue_O2.descend(12, 10);  // frames of 1,000 bytes
  go_waitgroup_done(&profile_done);
}

__attribute__((noinline)) uint64_t profile_yield(uint64_t) {
  go_yield();
  return 0;
}

void profile_skips(void *bytes) {  // as a frame without probes does
  struct go_stack_bounds b;
  if (go_stack_bounds(&b) != GO_OK) abort();
  case_call_at(b.hi - reinterpret_cast<size_t>(bytes), profile_yield, 0);
  go_waitgroup_done(&profile_done);
}

void profile_goes_astray(void *) {
  profile_astray(kOnce);
  go_waitgroup_done(&profile_done);
}
}

namespace {

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(undefined_behavior_sanitizer)
constexpr bool kInstrumented = true;
#else
constexpr bool kInstrumented = false;
#endif

// Spawns n goroutines of fn(arg), one after the other, and waits for each.
void RunEach(int n, void (*fn)(void *), size_t arg, const char *growth = "signal+checkpoint",
             size_t initial = 8192) {
  const go_spawn_options options = {growth, initial, 0};
  for (int i = 0; i < n; i++) {
    go_waitgroup_add(&profile_done, 1);
    if (go_spawn(&options, fn, reinterpret_cast<void *>(arg)) != GO_OK) abort();
    go_waitgroup_wait(&profile_done);
  }
}

// The first goroutine does not grow.
int RunBody(const Body &fn, int maxprocs = 1) {
  go_config c = SmallStacks("reserve");
  c.maxprocs = maxprocs;
  return RunFirst(c, fn);
}

int Append(void *to, const char *text, size_t bytes) {
  static_cast<std::string *>(to)->append(text, bytes);
  return 0;
}

std::string Written(go_profile_format format) {
  std::string text;
  EXPECT_EQ(go_profile_write_to(Append, &text, format), GO_OK);
  return text;
}

std::string Contents(const std::string &path) {
  std::ifstream in(path);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

struct Row {
  uint64_t growths, bytes;
  std::string share, sizes, by, entry, site, line;
  std::string What() const { return sizes + " " + by + " " + entry + " " + site; }
};

std::vector<Row> ParseTable(const std::string &text) {
  static const std::regex row(
      R"( *(\d+) +(\d+\.\d%) +(\d+)  (\d+[KM]? -> \d+[KM]?) +(\w+) +(\w+) +(\w+)( \(\S+:\d+\))?)");
  std::istringstream in(text);
  std::string line;
  std::vector<Row> rows;
  EXPECT_TRUE(std::getline(in, line) && line.rfind("growth profile: ", 0) == 0) << line;
  if (!std::getline(in, line)) return rows;
  while (std::getline(in, line)) {
    std::smatch m;
    EXPECT_TRUE(std::regex_match(line, m, row)) << line;
    rows.push_back({std::stoull(m[1]), std::stoull(m[3]), m[2], m[4], m[5], m[6], m[7], m[8]});
  }
  return rows;
}

std::map<std::string, uint64_t> Growths(const std::vector<Row> &rows) {
  std::map<std::string, uint64_t> growths;
  for (const Row &r : rows) growths[r.What()] += r.growths;
  return growths;
}

std::map<std::string, uint64_t> ParseFolded(const std::string &text) {
  static const std::regex form(R"(([^; ]+(;[^; ]+)*) (\d+))");
  std::istringstream in(text);
  std::string line;
  std::map<std::string, uint64_t> stacks;
  while (std::getline(in, line)) {
    std::smatch m;
    EXPECT_TRUE(std::regex_match(line, m, form)) << line;
    EXPECT_EQ(stacks.count(m[1]), 0u) << line;
    stacks[m[1]] = std::stoull(m[3]);
  }
  return stacks;
}

void Everything() {
  RunEach(5, profile_faults, kOnce);
  RunEach(3, profile_asks, 40000);
  RunEach(2, profile_resumes, 0);
}

// ---- What is in it -----------------------------------------------------------------------------

TEST(Profile, TableHasEachGrowthAtItsSiteAndNoOther) {
  const struct go_stats before = Stats();
  go_profile_start(1);
  ASSERT_EQ(RunBody(Everything), GO_OK);
  go_profile_stop();
  const struct go_stats after = Stats();
  const std::string text = Written(GO_PROFILE_TABLE);
  const std::vector<Row> rows = ParseTable(text);
  const std::map<std::string, uint64_t> expected = {
      {"8K -> 16K fault profile_faults profile_touch", 5},
      {"8K -> 64K checkpoint profile_asks profile_ask", 3},
      {"8K -> 16K resume profile_resumes profile_low", 2},
  };
  EXPECT_EQ(Growths(rows), expected) << text;
  EXPECT_EQ(rows.size(), 3u) << text;  // one line each, too
  EXPECT_EQ(text.rfind("growth profile: 10 growths\n", 0), 0u) << text;
  uint64_t growths = 0, bytes = 0;
  for (const Row &r : rows) {
    growths += r.growths;
    bytes += r.bytes;
    EXPECT_EQ(r.line.rfind(" (profile_test.cc:", 0), 0u) << r.line;
  }
  EXPECT_EQ(growths, after.growths - before.growths);
  EXPECT_EQ(bytes, after.bytes_copied - before.bytes_copied);
  EXPECT_EQ(rows[0].share, "50.0%");  // most growths first
  EXPECT_EQ(rows[2].share, "20.0%");
}

TEST(Profile, FoldedStacksHaveTheCallersFromTheEntryOn) {
  const struct go_stats before = Stats();
  go_profile_start(1);
  ASSERT_EQ(RunBody(Everything), GO_OK);
  go_profile_stop();
  const struct go_stats after = Stats();
  const std::map<std::string, uint64_t> expected = {
      {"profile_faults;profile_middle;profile_touch", 5},
      {"profile_asks;profile_ask", 3},
      {"profile_resumes;profile_low", 2},
  };
  EXPECT_EQ(ParseFolded(Written(GO_PROFILE_FOLDED)), expected);
  uint64_t bytes = 0;
  for (const auto &[stack, copied] : ParseFolded(Written(GO_PROFILE_FOLDED_BYTES))) {
    EXPECT_EQ(expected.count(stack), 1u) << stack;
    bytes += copied;
  }
  EXPECT_EQ(bytes, after.bytes_copied - before.bytes_copied);
}

TEST(Profile, ALongChainIsCutAtItsOuterEnd) {
  go_profile_start(1);
  ASSERT_EQ(RunBody([] { RunEach(1, profile_recurses, 100); }), GO_OK);
  go_profile_stop();
  std::string cut = "profile_recurses;...";
  for (int i = 0; i < RT_PROFILE_FRAMES; i++) cut += ";profile_recurse";
  EXPECT_EQ(ParseFolded(Written(GO_PROFILE_FOLDED)).count(cut), 1u)
      << Written(GO_PROFILE_FOLDED);
}

TEST(Profile, ChainsLeadThroughTheCLibrary) {
  go_profile_start(1);
  ASSERT_EQ(RunBody([] { RunEach(1, profile_sorts, 0); }), GO_OK);
  go_profile_stop();
  const auto stacks = ParseFolded(Written(GO_PROFILE_FOLDED));
  ASSERT_EQ(stacks.size(), 1u);
  const std::regex through("profile_sorts;.+;profile_compare;profile_touch");
  EXPECT_TRUE(std::regex_match(stacks.begin()->first, through)) << stacks.begin()->first;
}

TEST(Profile, AStackThatGrowsInPlaceAtAResumeIsInIt) {
  for (const char *growth : Growths(IsElastic)) {
    const uint64_t before = Stats().growths_in_place;
    go_profile_start(1);
    ASSERT_EQ(RunBody([&] { RunEach(2, profile_skips, 200 << 10, growth); }), GO_OK);
    go_profile_stop();
    EXPECT_EQ(Stats().growths_in_place - before, 2u) << growth;
    const std::string text = Written(GO_PROFILE_TABLE);
    const std::map<std::string, uint64_t> expected = {
        {GuardIsSkipped() ? "8K -> 256K resume profile_skips profile_yield"
                          : "8K -> 256K fault profile_skips case_call_at", 2}};
    EXPECT_EQ(Growths(ParseTable(text)), expected) << growth << ": " << text;
  }
}

// The stack that was left is nobody's to read, whatever has become of it.
TEST(Profile, ChecksInCompiledCodeHaveTheCallersOnTheNewStack) {
  if (kInstrumented) GTEST_SKIP() << "the first check asks for all: it calls the sanitizer's code";
  for (const char *debug : {"", "poison", "quarantine"}) {
    go_config c = SmallStacks("reserve");
    c.stack_debug = *debug ? debug : nullptr;
    go_profile_start(1);
    ASSERT_EQ(RunFirst(c, [] { RunEach(3, profile_descends, 0, "prologue"); }), GO_OK);
    go_profile_stop();
    const auto stacks = ParseFolded(Written(GO_PROFILE_FOLDED));
    ASSERT_EQ(stacks.size(), 1u) << debug;
    EXPECT_EQ(stacks.begin()->second, 3u) << debug;
    const std::regex chain("profile_descends(;descend)?(;frame_1000){4,7}");
    EXPECT_TRUE(std::regex_match(stacks.begin()->first, chain)) << debug << stacks.begin()->first;
    const std::map<std::string, uint64_t> rows = {
        {"8K -> 16K prologue profile_descends frame_1000", 3}};
    EXPECT_EQ(Growths(ParseTable(Written(GO_PROFILE_TABLE))), rows) << debug;
  }
}

TEST(Profile, AnUnwinderThatGoesAstrayEndsTheChain) {
  go_profile_start(1);
  ASSERT_EQ(RunBody([] { RunEach(1, profile_goes_astray, 0, "signal"); }), GO_OK);
  go_profile_stop();
  const auto stacks = ParseFolded(Written(GO_PROFILE_FOLDED));
  ASSERT_EQ(stacks.size(), 1u);
  const std::string &chain = stacks.begin()->first;
  EXPECT_EQ(chain.rfind("profile_goes_astray;", 0), 0u) << chain;
  EXPECT_EQ(chain.substr(chain.rfind(';')), ";profile_astray") << chain;
}

TEST(Profile, MovesThatMakeNothingLargerAreNotInIt) {
  go_config c = SmallStacks("reserve");
  c.stack_debug = "forcemove";
  go_profile_start(1);
  ASSERT_EQ(RunFirst(c, [] { RunEach(3, profile_asks, 100); }), GO_OK);
  go_profile_stop();
  EXPECT_EQ(Written(GO_PROFILE_TABLE), "growth profile: 0 growths\n");
}

// ---- Starting, stopping, sampling ---------------------------------------------------------------

TEST(Profile, StopsStartsAnewAndResets) {
  const std::string touch = "8K -> 16K fault profile_faults profile_touch";
  const auto growths = [&] { return Growths(ParseTable(Written(GO_PROFILE_TABLE)))[touch]; };
  uint64_t on = 0, stopped = 0, anew = 0, reset = 0, after = 0;
  ASSERT_EQ(RunBody([&] {
              go_profile_start(1);
              RunEach(3, profile_faults, kOnce);
              on = growths();
              go_profile_stop();
              RunEach(4, profile_faults, kOnce);
              stopped = growths();
              go_profile_start(1);
              RunEach(2, profile_faults, kOnce);
              anew = growths();
              go_profile_reset();
              reset = growths();
              RunEach(1, profile_faults, kOnce);
              after = growths();
              go_profile_stop();
              go_profile_reset();
              RunEach(1, profile_faults, kOnce);  // off it stays
            }),
            GO_OK);
  EXPECT_EQ(on, 3u);
  EXPECT_EQ(stopped, 3u);
  EXPECT_EQ(anew, 2u);
  EXPECT_EQ(reset, 0u);
  EXPECT_EQ(after, 1u);
  EXPECT_EQ(growths(), 0u);
}

TEST(Profile, RecordsOneInSoManyByCount) {
  go_profile_start(10);
  ASSERT_EQ(RunBody([] { RunEach(95, profile_faults, kOnce); }), GO_OK);
  go_profile_stop();
  const std::string text = Written(GO_PROFILE_TABLE);
  EXPECT_EQ(text.rfind("growth profile: 95 growths, one in 10 recorded (10); what follows is times "
                       "10\n", 0), 0u) << text;
  const std::vector<Row> rows = ParseTable(text);
  ASSERT_EQ(rows.size(), 1u) << text;
  EXPECT_EQ(rows[0].growths, 100u);
  go_profile_start(10);
  ASSERT_EQ(RunBody([] { RunEach(1, profile_faults, kOnce); }), GO_OK);
  go_profile_stop();
  EXPECT_EQ(Written(GO_PROFILE_TABLE).rfind("growth profile: 1 growths, one in 10 recorded (1)", 0),
            0u) << "the first is";
  go_profile_reset();
  ASSERT_EQ(RunBody([] { RunEach(1, profile_faults, kOnce); }), GO_OK);  // reset did not start it
  EXPECT_EQ(Written(GO_PROFILE_TABLE).rfind("growth profile: 0 growths, one in 10", 0), 0u);
}

TEST(Profile, WritingReportsWhatTheSinkSays) {
  go_profile_start(0);
  ASSERT_EQ(RunBody([] { RunEach(1, profile_faults, kOnce); }), GO_OK);
  go_profile_stop();
  int calls = 0;
  const auto refuse = [](void *n, const char *, size_t) {
    ++*static_cast<int *>(n);
    return -77;
  };
  EXPECT_EQ(go_profile_write_to(refuse, &calls, GO_PROFILE_TABLE), -77);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(go_profile_write_to(nullptr, nullptr, GO_PROFILE_TABLE), GO_EINVAL);
  EXPECT_EQ(go_profile_write(1, static_cast<go_profile_format>(3)), GO_EINVAL);
  EXPECT_EQ(go_profile_write(-1, GO_PROFILE_FOLDED), GO_ESYSTEM - EBADF);
  EXPECT_EQ(ParseTable(Written(GO_PROFILE_TABLE)).size(), 1u);
}

// ---- Many growths -------------------------------------------------------------------------------

TEST(Profile, AFullTableDropsAndCountsWhatGrowsInTheHandler) {
  rt_profile_entries = 4;
  // Of each size to the next larger.
  const uint64_t before = Stats().growths;
  go_profile_start(1);
  ASSERT_EQ(RunBody([] {
              RunEach(2, profile_faults, 10000000);
            }),
            GO_OK);
  go_profile_stop();
  rt_profile_entries = RT_PROFILE_ENTRIES;
  struct rt_profile_totals t;
  rt_profile_read(&t);
  EXPECT_EQ(t.growths, Stats().growths - before);
  EXPECT_EQ(t.recorded, 8u);  // four entries, each twice
  EXPECT_EQ(t.dropped, t.growths - 8);
  EXPECT_GE(t.dropped, 8u);
}

TEST(Profile, CountsWhatManyThreadsGrowAtOnce) {
  // ThreadSanitizer holds signals back: no faults there.
  const char *growth = kThreadSanitizer ? "checkpoint" : "signal+checkpoint";
  const go_spawn_options options = {growth, 8192, 0};
  const struct go_stats before = Stats();
  go_profile_start(1);
  std::atomic<bool> over{false};
  std::string last;
  std::thread writer([&] {
    while (!over) last = Written(GO_PROFILE_TABLE);
  });
  ASSERT_EQ(RunBody([&] {
              go_waitgroup_add(&profile_done, 400);
              for (int i = 0; i < 400; i++) {
                void (*fn)(void *) = i % 2 || kThreadSanitizer ? profile_asks : profile_faults;
                const size_t bytes = fn == profile_faults ? kOnce : kOnce << i % 4;
                if (go_spawn(&options, fn, reinterpret_cast<void *>(bytes)) != GO_OK) abort();
              }
              go_waitgroup_wait(&profile_done);
            }, 4),
            GO_OK);
  over = true;
  writer.join();
  go_profile_stop();
  uint64_t growths = 0, bytes = 0;
  for (const Row &r : ParseTable(Written(GO_PROFILE_TABLE))) {
    growths += r.growths;
    bytes += r.bytes;
  }
  EXPECT_EQ(growths, 400u);
  EXPECT_EQ(growths, Stats().growths - before.growths);
  EXPECT_EQ(bytes, Stats().bytes_copied - before.bytes_copied);
}

// ---- The file ----------------------------------------------------------------------------------

std::string TempPath(const char *name) { return testing::TempDir() + "/" + name; }

int RunWithFile(const std::string &path, const Body &fn, uint32_t rate = 0) {
  go_config c = SmallStacks("reserve");
  c.stack_profile = path.c_str();
  c.stack_profile_rate = rate;
  return RunFirst(c, fn);
}

TEST(ProfileFile, IsWrittenWhenTheRunEndsInTheFormatOfItsName) {
  for (const char *name : {"p.txt", "p.folded", "p.bytes.folded"}) {
    const std::string path = TempPath(name);
    const struct go_stats before = Stats();
    ASSERT_EQ(RunWithFile(path, Everything), GO_OK);
    const std::string text = Contents(path);
    const uint64_t growths = Stats().growths - before.growths;
    const uint64_t bytes = Stats().bytes_copied - before.bytes_copied;
    uint64_t sum = 0;
    if (strcmp(name, "p.txt") == 0)
      for (const Row &r : ParseTable(text)) sum += r.growths;
    else
      for (const auto &[stack, n] : ParseFolded(text)) sum += n;
    EXPECT_EQ(sum, strcmp(name, "p.bytes.folded") == 0 ? bytes : growths) << text;
  }
  // The file of one run is not filled by the next.
  ASSERT_EQ(RunBody(Everything), GO_OK);
  EXPECT_EQ(Growths(ParseTable(Contents(TempPath("p.txt")))).size(), 3u);
}

TEST(ProfileFile, TakesARate) {
  ASSERT_EQ(RunWithFile(TempPath("rate"), [] { RunEach(5, profile_faults, kOnce); }, 5), GO_OK);
  const std::string text = Contents(TempPath("rate"));
  EXPECT_NE(text.find("5 growths, one in 5 recorded (1)"), std::string::npos) << text;
}

TEST(ProfileFile, ThatCannotBeMadeStopsTheRunBeforeItBegins) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(RunWithFile("/none/such", [] { abort(); }), GO_EINVAL);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "stacklab: GO_STACKPROFILE=/none/such: cannot be written: " +
                std::string(go_strerror(GO_ESYSTEM - ENOENT)) + "\n");
}

TEST(ProfileFile, ThatCannotBeFilledIsReported) {
  if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full";
  testing::internal::CaptureStderr();
  EXPECT_EQ(RunWithFile("/dev/full", Everything), GO_OK);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "stacklab: GO_STACKPROFILE: the profile is cut short: " +
                std::string(go_strerror(GO_ESYSTEM - ENOSPC)) + "\n");
}

TEST(ProfileFile, OfAProcessThatDiesIsWritten) {
  const std::string path = TempPath("dies");
  for (const char *traceback : {"none", "all"}) {
    const Child child = RunChild([&] {
      go_config c = SmallStacks("reserve");
      c.stack_profile = path.c_str();
      c.traceback = traceback;
      return RunFirst(c, [] {
        Everything();
        const go_spawn_options small = {"signal", 8192, 65536};
        go_waitgroup_add(&profile_done, 1);
        go_spawn(&small, profile_recurses, reinterpret_cast<void *>(10000));
        go_waitgroup_wait(&profile_done);
      });
    });
    ASSERT_TRUE(child.Killed(SIGABRT)) << child.Describe();
    EXPECT_NE(child.err.find("stack overflow"), std::string::npos) << child.err;
    const std::string text = Contents(path);
    const auto growths = Growths(ParseTable(text));
    EXPECT_EQ(growths.size(), 6u) << text;
    const auto last = growths.find("32K -> 64K fault profile_recurses profile_recurse");
    ASSERT_NE(last, growths.end()) << text;
    EXPECT_EQ(last->second, 1u);
    unlink(path.c_str());
  }
}

}  // namespace
