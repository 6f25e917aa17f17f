// Every call by which the runtime asks the system for something fails once, each in turn, and fails
// from then on.  Then the operation succeeds another way, or returns a documented error, or a
// goroutine that cannot go on ends the process with the one message for that.  Nothing crashes,
// hangs, is lost or leaks, and afterwards everything works again.
//
// The parent never runs the runtime: each attempt is a forked child, new to memory.
#include <gtest/gtest.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <regex>
#include <string>
#include <vector>

#include "runtime/go.h"
#include "runtime/os/os.h"
#include "tests/child.h"
#include "tests/emulator.h"
#include "tests/goroutine.h"
#include "tests/inject.h"
extern "C" {
#include "runtime/sched/sched.h"
}

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { kSanitized = true };
#else
enum { kSanitized = false };
#endif

namespace {

struct Case {
  const char *growth, *guard, *debug;
  bool faults;       // grows on a fault, where there is nobody to return an error to
  bool checkpoints;  // grows at checkpoints
};

std::string CaseName(const ::testing::TestParamInfo<Case> &info) {
  return Plain(info.param.growth) + (*info.param.debug ? "_debug_" : "_") + info.param.guard;
}

bool IsDocumented(int error) {
  return error == GO_ENOMEM || error == GO_EMAP || error == GO_EGUARD || error == GO_EMAPCOUNT ||
         error == GO_ETHREAD;
}

// Says what is wrong, and ends the child.  fprintf would need more stack than a goroutine may have.
[[noreturn]] void Wrong(const char *what, long detail) {
  const std::string text = what + std::string(": ") + std::to_string(detail);
  _exit(write(STDERR_FILENO, text.data(), text.size()) < 0 ? 2 : 1);
}

// ---- The program -----------------------------------------------------------------------------

constexpr int kWorkers = 6;
const Case *current;
go_waitgroup workers;
int spawned;
std::atomic<int> finished;

// Frames of about 1 KiB, each with a pointer into the one above, and a check on the way back.
struct Step {
  int depth;
  const unsigned *above;
};

void Descend(void *p) {
  const auto [depth, above] = *static_cast<const Step *>(p);
  unsigned here[200];
  for (unsigned i = 0; i < 200; i++) here[i] = above[i] + static_cast<unsigned>(depth);
  Step next = {depth - 1, here};
  int error = GO_ENOMEM;
  if (depth > 0 && current->checkpoints) {
    error = go_call_on_stack(4096, Descend, &next);
    if (error != 0 && !IsDocumented(error)) Wrong("go_call_on_stack", error);
  }
  // What has not been called may go on only if a fault can still make room.
  if (depth > 0 && error != 0 && (current->faults || !current->checkpoints)) Descend(&next);
  for (unsigned i = 0; i < 200; i++)
    if (here[i] != above[i] + static_cast<unsigned>(depth)) Wrong("frame at depth", depth);
}

void Worker(void *arg) {
  unsigned top[200];
  for (unsigned i = 0; i < 200; i++) top[i] = i;
  go_yield();
  // With debugging every checkpoint moves the stack; the deep one is to have its pages moved.
  Step first = {*current->debug ? 12 : arg ? 600 : 40, top};
  Descend(&first);
  go_yield();
  finished++;
  go_waitgroup_done(&workers);
}

void First(void *) {
  // GOMAXPROCS goes down and up: work changes hands while threads may be refused.
  go_gomaxprocs(1);
  spawned = finished = 0;
  const go_spawn_options options = {nullptr, 8192, 4 << 20};
  for (int i = 0; i < kWorkers; i++) {
    go_waitgroup_add(&workers, 1);
    const int error = go_spawn(&options, Worker, i == 2 ? &spawned : nullptr);
    if (error != 0 && !IsDocumented(error)) Wrong("go_spawn", error);
    if (error != 0) go_waitgroup_done(&workers);
    spawned += error == 0;
    go_yield();
    if (i == 1) go_gomaxprocs(2);
  }
  go_waitgroup_wait(&workers);
}

int RunProgram() {
  go_config config = {};
  config.maxprocs = 3;
  config.growth = current->growth;
  config.guard_kind = current->guard;
  config.stack_debug = current->debug;
  config.stack_hybrid = 16 << 10;
  workers = {};
  spawned = -1;
  const int error = go_run(&config, First, nullptr);
  if (error == 0 && (spawned < 0 || finished != spawned)) Wrong("goroutines lost", finished);
  if (error != 0 && !IsDocumented(error)) Wrong("go_run", error);
  if (error != 0 && spawned >= 0) Wrong("go_run failed after it began", error);
  return error;
}

// ---- One attempt -----------------------------------------------------------------------------

uint64_t StacksInUse() {
  struct go_stats stats;
  go_stats(&stats);
  uint64_t n = 0;
  for (uint64_t in_class : stats.stacks_by_class) {
    if (in_class > 1000000) Wrong("more stacks freed than made", static_cast<long>(in_class));
    n += in_class;
  }
  return n;
}

void ExpectNothingLeft(const char *when, uint64_t stacks) {
  if (StacksInUse() > stacks) Wrong(when, static_cast<long>(StacksInUse()));
  struct go_stats stats;
  go_stats(&stats);
  if (stats.segments != 0) Wrong(when, static_cast<long>(stats.segments));
  if (inject::LiveBlocks() != 0) Wrong(when, static_cast<long>(inject::LiveBlocks()));
}

int Attempt(uint32_t mask, uint64_t n, bool persistent) {
  inject::Arm(mask, n, persistent);
  RunProgram();
  inject::Disarm();
  // The quarantine keeps a stack that it may not open again, until it may: the run after that.
  const uint64_t quarantined = *current->debug ? 256 : 0;
  ExpectNothingLeft("left behind by the run with failures", quarantined);
  if (RunProgram() != 0 || spawned != kWorkers) Wrong("does not work afterwards", spawned);
  ExpectNothingLeft("left behind by the run after it", 0);
  return 0;
}

// The message that a goroutine without memory for its stack ends the process with, and how its
// traceback begins.
bool IsTheMessage(const std::string &text) {
  static const std::regex wanted(
      "stacklab: goroutine [0-9]+: stack overflow: (the system refused to [a-z ]+ stack"
      "|out of memory for runtime structures|the process has as many mappings as [a-z_. ]+)"
      " \\(strategy [a-z+]+, size [0-9]+ bytes, limit [0-9]+, needed [0-9]+,"
      " fault address 0x[0-9a-f]+, pc 0x[0-9a-f]+\\)\n"
      "\ngoroutine [0-9]+ \\[stack being moved\\].*\n  #0 0x");
  return std::regex_search(text, wanted, std::regex_constants::match_continuous);
}

// That of one whose stack got its addresses from go_spawn, and later neither kind of guard.
bool CannotBegin(const std::string &text) {
  static const std::regex wanted(
      "stacklab: goroutine [0-9]+ cannot begin: (the system refused to [a-z ]+ stack"
      "|the process has as many mappings as [a-z_. ]+)\n\ngoroutine ");
  return std::regex_search(text, wanted, std::regex_constants::match_continuous);
}

class OutOfMemory : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override { current = &GetParam(); }

  // How many calls the program makes when nothing fails.
  uint64_t CountCalls(uint32_t mask) {
    auto *shared = static_cast<std::atomic<uint64_t> *>(
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    const Child child = RunChild([&] {
      inject::Arm(mask, 0, false);
      RunProgram();
      *shared = inject::Disarm();
      return 0;
    });
    EXPECT_TRUE(child.Exited(0)) << child.Describe();
    const uint64_t n = *shared;
    munmap(shared, 4096);
    return n;
  }

  void ExpectSound(uint32_t mask, uint64_t n, bool persistent) {
    const Child child = RunChild([&] { return Attempt(mask, n, persistent); });
    if (child.Exited(0)) return;
    if (GetParam().faults && child.Killed(SIGABRT) && IsTheMessage(child.err)) {
      ended_++;
      return;
    }
    const bool marks = std::string(GetParam().guard) == "auto";
    if (marks && persistent && child.Killed(SIGABRT) && CannotBegin(child.err)) return;
    ADD_FAILURE() << "call " << n << " of " << Mask(mask)
                  << (persistent ? " and all after it" : "") << ": " << child.Describe();
  }

  // Each call of mask in turn; where there are many, the first ones and some of the others.
  void FailEach(uint32_t mask, bool persistent) {
    const uint64_t calls = CountCalls(mask);
    const uint64_t step = calls > kMost && !EVERY_CALL ? calls / kMost : 1;
    // With several threads the number of calls varies: go a little further.
    for (uint64_t n = 1; n <= calls + 3 && !HasFailure(); n += n < kMost / 2 ? 1 : step)
      ExpectSound(mask, n, persistent);
  }

  static std::string Mask(uint32_t mask) {
    for (int i = 0; i < inject::kCalls; i++)
      if (mask == 1u << i) return inject::Name(i);
    return "all";
  }

  int ended_ = 0;

 private:
  static constexpr uint64_t kMost = 30;
};

TEST_P(OutOfMemory, OneCallFails) { FailEach(inject::kAll, false); }

TEST_P(OutOfMemory, ACallAndAllAfterItFail) {
  FailEach(inject::kAll, true);
  if (GetParam().faults) EXPECT_GT(ended_, 0) << "no growth was without memory";
}

TEST_P(OutOfMemory, OneKindOfCallFailsFromSomeTimeOn) {
  for (int call = 0; call < inject::kCalls; call++)
    for (uint64_t n : {1, 2, 3, 5, 8, 13, 21, 34}) ExpectSound(1u << call, n, true);
}

constexpr const char *kDebug = "quarantine,forcemove,poison";
// Each with both kinds of guard, one of them with debugging; and those that move in one way alone,
// which no other helps out, with all four.
std::vector<Case> Cases() {
  std::vector<Case> all;
  for (const char *growth : Growths()) {
    const bool faults = GrowsOnFault(growth), checkpoints = GrowsWhenAsked(growth);
    const bool alone = go_growth_moves(growth) && faults != checkpoints;
    for (const char *guard : {"auto", "mprotect"})
      for (const char *debug : {"", kDebug})
        if (alone || (strcmp(guard, "auto") == 0) == !*debug)
          all.push_back({growth, guard, debug, faults, checkpoints});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, OutOfMemory, ::testing::ValuesIn(Cases()), CaseName);

// ---- Threads ---------------------------------------------------------------------------------

// An interrupted goroutine can go on only on its M.  Another goroutine makes a call there, because
// there is no thread for that, and loses the P to one that returns from a call elsewhere: then the
// M has no P, and is not idle all the same.
TEST(OutOfThreads, AnInterruptedGoroutineIsNotForgotten) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer's runtime is in our own text";
  if (!os_runtime_text(reinterpret_cast<uintptr_t>(go_run)))
    GTEST_SKIP() << "gcc leaves the runtime's code where the program's is: no preemption";
  const Child child = RunChild([] {
    static std::atomic<bool> looping, calling, taken, end;
    static go_waitgroup done;
    go_config config = {};
    config.maxprocs = 1;
    return go_run(&config, [](void *) {
      go_waitgroup_add(&done, 2);
      go_spawn(nullptr, [](void *) {
        while (!looping) go_yield();
        inject::Arm(1u << inject::kPthreadCreate, 1, true);
        go_entersyscall();
        calling = true;
        while (!taken) sched_yield();
        go_exitsyscall();
        go_waitgroup_done(&done);
      }, nullptr);
      go_spawn(nullptr, [](void *) {
        looping = true;
        while (!end) __asm__ volatile("");
        go_waitgroup_done(&done);
      }, nullptr);
      go_entersyscall();  // its P goes to another thread, with both
      while (!calling) sched_yield();
      go_exitsyscall();
      taken = true;
      // Time for the other M to find that there is no P for it.
      for (const int64_t was = go_nanotime(); go_nanotime() - was < 20 * GO_MILLISECOND;) continue;
      end = true;
      go_waitgroup_wait(&done);
    }, nullptr);
  }, 20);
  EXPECT_TRUE(child.Exited(0)) << child.Describe();
}

// A P is given back because there is no thread for it.  Meanwhile the last M has become idle, with
// its goroutine in the global queue: that is no deadlock.
TEST(OutOfThreads, WhatIsReadiedMeanwhileIsRun) {
  const Child child = RunChild([] {
    static std::atomic<bool> refusing;
    static go_waitgroup done;
    go_config config = {};
    config.maxprocs = 1;
    return go_run(&config, [](void *) {
      go_waitgroup_add(&done, 1);
      go_spawn(nullptr, [](void *) { go_waitgroup_done(&done); }, nullptr);
      inject::Arm(1u << inject::kPthreadCreate, 1, true);
      inject::Meanwhile(inject::kPthreadCreate, 1, [] {
        refusing = true;
        for (bool idle = false; !idle;) {
          rt_lock(&rt_sched.lock);
          idle = rt_sched.nmidle > 0;
          rt_unlock(&rt_sched.lock);
        }
      });
      go_entersyscall();  // sysmon has another thread for its P in mind
      while (!refusing) sched_yield();
      go_exitsyscall();
      go_waitgroup_wait(&done);
    }, nullptr);
  }, 20);
  EXPECT_TRUE(child.Exited(0)) << child.Describe();
}

// There is nobody but a thread in a call: once there can be threads, a sleeper is woken.
TEST(OutOfThreads, IsTriedAgain) {
  const Child child = RunChild([] {
    static std::atomic<bool> woken;
    go_config config = {};
    config.maxprocs = 1;
    return go_run(&config, [](void *) {
      go_spawn(nullptr, [](void *) {
        go_sleep(30 * GO_MILLISECOND);
        woken = true;
      }, nullptr);
      go_yield();
      inject::Arm(1u << inject::kPthreadCreate, 1, false);
      go_entersyscall();
      while (!woken) sched_yield();
      go_exitsyscall();
      if (inject::Failed() != 1) abort();
    }, nullptr);
  }, 20);
  EXPECT_TRUE(child.Exited(0)) << child.Describe();
}

// ---- The real thing --------------------------------------------------------------------------

// Goroutines that stay until they are let go, as many as there can be.
struct Crowd {
  go_spawn_options options;
  bool faults;  // at the end one of them needs more stack
  go_waitgroup gate, done;
  int n, error, again;
};
Crowd crowd;

void Stay(void *) {
  go_waitgroup_wait(&crowd.gate);
  go_waitgroup_done(&crowd.done);
}

__attribute__((noinline)) void Touch() {
  volatile char frame[100 << 10];
  for (size_t i = sizeof frame; i > 0; i -= 512) frame[i - 1] = 1;
}

void FillUp(void *) {
  go_waitgroup_add(&crowd.gate, 1);
  for (crowd.n = 0; crowd.n < 1000000; crowd.n++) {
    go_waitgroup_add(&crowd.done, 1);
    crowd.error = go_spawn(&crowd.options, Stay, nullptr);
    if (crowd.error) break;
  }
  go_waitgroup_done(&crowd.done);
  if (crowd.faults) {
    // A goroutine that is there already runs on; this one needs a second stack, if its own cannot
    // be made larger.
    Touch();
    if (go_growth_moves(crowd.options.growth)) Wrong("it could grow after all", crowd.error);
  }
  go_waitgroup_done(&crowd.gate);
  go_waitgroup_wait(&crowd.done);
  for (int i = 0; i < 100; i++) {
    go_waitgroup_add(&crowd.done, 1);
    crowd.again = go_spawn(&crowd.options, Stay, nullptr);
    if (crowd.again) Wrong("no room after they have gone", i);
  }
  go_waitgroup_wait(&crowd.done);
}

int RunCrowd(const char *growth, const char *guard, size_t stack_initial, bool faults) {
  go_config config = {};
  config.maxprocs = 1;
  config.growth = faults ? growth : "reserve";
  config.guard_kind = guard;
  crowd = {};
  crowd.options.growth = growth;
  crowd.options.stack_initial = stack_initial;
  crowd.faults = faults;
  return go_run(&config, FillUp, nullptr);
}

long MaxMapCount() {
  long n = 0;
  FILE *f = fopen("/proc/sys/vm/max_map_count", "r");
  if (f && fscanf(f, "%ld", &n) != 1) n = 0;
  if (f) fclose(f);
  return n;
}

// ThreadSanitizer knows about 8,000 goroutines at a time; a larger limit takes too long to reach.
bool CannotReachTheMapCount() {
  return __has_feature(thread_sanitizer) || MaxMapCount() <= 0 || MaxMapCount() > 200000;
}

TEST(OutOfMappings, SpawnSaysSoAndGoesOnWhenOthersHaveGone) {
  SKIP_IN_EMULATOR("takes 23 GB for records of the pages that are reserved then");
  if (CannotReachTheMapCount()) GTEST_SKIP() << "vm.max_map_count is out of reach";
  for (const char *growth : Growths()) {
    // A range for each stack takes an arena for every four, and shadow of it at the limit.
    if (__has_feature(address_sanitizer) && rt_growth_find(growth)->limit) {
      fprintf(stderr, "SKIPPED: %s: AddressSanitizer itself dies at the limit\n", growth);
      continue;
    }
    const Child child = RunChild([&] {
      // The one that grows where it is can do that even now.
      const bool grows = GrowsOnFault(growth) && !go_growth_moves(growth);
      const int error = RunCrowd(growth, "mprotect", 8192, grows);
      if (error) Wrong("go_run", error);
      if (crowd.error != GO_EMAPCOUNT) Wrong("go_spawn", crowd.error);
      // Two mappings each: the stack, and what lies between it and the next; and one per arena,
      // which holds as few as four: 2 1/4.
      const long most = MaxMapCount() / 2, least = MaxMapCount() * 4 / 9 - 1000;
      if (crowd.n > most || crowd.n < least) Wrong("stacks", crowd.n);
      ExpectNothingLeft("left behind", 0);
      fputs(go_strerror(crowd.error), stderr);
      return 0;
    });
    EXPECT_TRUE(child.Exited(0)) << growth << ": " << child.Describe();
    EXPECT_EQ(child.err, "the process has as many mappings as vm.max_map_count allows");
  }
}

TEST(OutOfMappings, AGoroutineThatMustGrowEndsTheProcessWithTheMessage) {
  SKIP_IN_EMULATOR("takes 23 GB for records of the pages that are reserved then");
  if (CannotReachTheMapCount()) GTEST_SKIP() << "vm.max_map_count is out of reach";
  if (__has_feature(address_sanitizer)) GTEST_SKIP() << "the sanitizer needs mappings itself";
  const Child child = RunChild([] { return RunCrowd("signal", "mprotect", 8192, true); });
  EXPECT_TRUE(child.Killed(SIGABRT) && IsTheMessage(child.err)) << child.Describe();
  EXPECT_NE(child.err.find("as many mappings as vm.max_map_count"), std::string::npos);
}

void LimitAddresses(size_t more) {
  size_t pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (!f || fscanf(f, "%zu", &pages) != 1) Wrong("statm", 0);
  fclose(f);
  const struct rlimit limit = {pages * 4096 + more, RLIM_INFINITY};
  if (setrlimit(RLIMIT_AS, &limit) != 0) Wrong("setrlimit", errno);
}

TEST(OutOfAddresses, RunAndSpawnSaySoAndGoOnWhenThereAreMore) {
  SKIP_IN_EMULATOR("ignores RLIMIT_AS");
  const Child child = RunChild([] {
    LimitAddresses(size_t{1} << 30);
    int error = RunCrowd("checkpoint", "auto", 1 << 20, false);
    if (error != GO_EMAP || crowd.n != 0) Wrong("go_run", error);
    LimitAddresses(size_t{7} << 30);
    error = RunCrowd("checkpoint", "auto", 1 << 20, false);
    if (error) Wrong("go_run with more", error);
    if (crowd.error != GO_EMAP) Wrong("go_spawn", crowd.error);
    if (crowd.n < 1000) Wrong("stacks", crowd.n);
    ExpectNothingLeft("left behind", 0);
    return 0;
  });
  EXPECT_TRUE(child.Exited(0)) << child.Describe();
}

}  // namespace
