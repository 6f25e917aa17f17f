// traceback_test.cc: a process that fails, or is asked by SIGQUIT, tells where its goroutines are.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <regex>
#include <string>

#include "runtime/sched/sched.h"
#include "tests/child.h"
#include "tests/goroutine.h"

// Functions to be found by name.  Not static: clang would rename or inline them.
extern "C" {
go_chan *traceback_chan;
volatile int traceback_spinning;

__attribute__((noinline)) void traceback_waits(int depth) {
  if (depth > 0)
    traceback_waits(depth - 1);
  else
    go_chan_recv(traceback_chan, nullptr);
  asm volatile("");
}
void traceback_waiter(void *depth) {
  traceback_waits(*static_cast<int *>(depth));
  asm volatile("");  // or the call would be a jump
}

__attribute__((noinline)) void traceback_spins() {
  for (traceback_spinning = 1;;) asm volatile("");
}
void traceback_spinner(void *) {
  traceback_spins();
  asm volatile("");
}

__attribute__((noinline)) void traceback_reads() {
  int ends[2];
  char c;
  if (pipe(ends) == 0) go_read(ends[0], &c, 1);
  asm volatile("");
}
void traceback_reader(void *) {
  traceback_reads();
  asm volatile("");
}

__attribute__((noinline)) void traceback_panics() {
  go_panic("because");
  asm volatile("");
}

__attribute__((noinline)) void traceback_faults(volatile char *p) {
  *p = 1;
  asm volatile("");
}
}

namespace {

bool Has(const std::string &text, const std::string &regex) {
  return std::regex_search(text, std::regex(regex));
}

// The part of the report about goroutines whose first function is `fn`; "" if there is none.
std::string Section(const std::string &report, const std::string &fn) {
  const size_t named = report.find("] of " + fn + ",");
  if (named == std::string::npos) return "";
  const size_t begin = report.rfind("\ngoroutine ", named);
  return report.substr(begin, report.find("\n\n", named) - begin);
}

const size_t kFirst = WholePages(8192);  // bytes of a stack

go_config Config(int maxprocs = 1) {
  go_config c = SmallStacks("reserve");
  c.stack_initial = kFirst;
  c.maxprocs = maxprocs;
  return c;
}

void Spawn(const char *growth, void (*fn)(void *), void *arg) {
  go_spawn_options options = {};
  options.growth = growth;
  if (go_spawn(&options, fn, arg) != 0) abort();
}

int three = 3, deep = 2000 * static_cast<int>(kFirst / 8192);

// A goroutine of each kind; the caller ends the process.
void MakeSome() {
  go_chan_new(0, 0, &traceback_chan);
  Spawn("checkpoint", traceback_waiter, &three);
  go_yield();
  Spawn(nullptr, [](void *) { go_sleep(100 * int64_t{GO_SECOND}); }, nullptr);
  go_yield();
}

TEST(Traceback, OfAPanicTellsOfAllGoroutinesWithStateStackAndFrames) {
  const Child child = RunChild([] {
    return RunFirst(Config(), [] {
      MakeSome();
      Spawn(nullptr, traceback_waiter, &three);  // has yet to run
      traceback_panics();
    });
  });
  EXPECT_TRUE(child.Killed(SIGABRT)) << child.Describe();
  EXPECT_EQ(child.err.rfind("stacklab: panic: because\n", 0), 0u) << child.err;
  EXPECT_TRUE(Has(child.err, "goroutine 1 \\[running\\] of .*\n  #0 0x[0-9a-f]+ traceback_panics"
                             "\\+0x[0-9a-f]+")) << child.err;
  const std::string waiter = Section(child.err, "traceback_waiter");
  EXPECT_TRUE(Has(waiter, "goroutine [0-9]+ \\[chan receive, [0-9]+\\.[0-9] s\\] of "
                          "traceback_waiter, stack \\[0x[0-9a-f]+, 0x[0-9a-f]+\\) of checkpoint, "
                          + std::to_string(kFirst) + " bytes, grown 0 times")) << child.err;
  EXPECT_TRUE(Has(waiter, "#0 .* rt_.*\n(.*\n)*.* traceback_waits.*\n.* traceback_waits.*\n"
                          ".* traceback_waits.*\n.* traceback_waits.*\n.* traceback_waiter"))
      << waiter;
  EXPECT_TRUE(Has(child.err, "\\[sleep, ")) << child.err;
  EXPECT_TRUE(Has(child.err, "\\[runnable\\] of traceback_waiter.*\n  \\(it has yet to begin\\)"))
      << child.err;
}

TEST(Traceback, NamesFilesAndLinesWhereThereIsDebugInformation) {
  const Child child = RunChild([] { return RunFirst(Config(), traceback_panics); });
  if (!Has(child.err, "\\.(c|cc):[0-9]+")) GTEST_SKIP() << "this build has no debug information";
  EXPECT_TRUE(Has(child.err, "traceback_panics\\+0x[0-9a-f]+ traceback_test.cc:[0-9]+"))
      << child.err;
}

TEST(Traceback, FollowsStacksThatHaveMoved) {
  if (kThreadSanitizer) GTEST_SKIP() << "TSan blocks signals in handlers: a fault there is the end";
  const Child child = RunChild([] {
    return RunFirst(Config(), [] {
      go_chan_new(0, 0, &traceback_chan);
      Spawn("signal", traceback_waiter, &deep);
      go_yield();
      traceback_panics();
    });
  });
  const std::string waiter = Section(child.err, "traceback_waiter");
  EXPECT_TRUE(Has(waiter, "of signal, [0-9]+ bytes, grown [1-9]")) << child.err;
  EXPECT_TRUE(Has(waiter, "#0 .* rt_.*\n(.*\n)*.* traceback_waits")) << waiter;
  EXPECT_TRUE(Has(waiter, "#99 ")) << waiter;  // and no further
}

TEST(Traceback, TellsOfGoroutinesThatRunAndThatAreInSystemCalls) {
  if (kThreadSanitizer) GTEST_SKIP() << "TSan delays signals until the thread enters its runtime";
  const Child child = RunChild([] {
    return RunFirst(Config(4), [] {
      Spawn(nullptr, traceback_spinner, nullptr);
      Spawn(nullptr, traceback_reader, nullptr);
      while (!traceback_spinning) go_yield();
      go_sleep(20 * int64_t{GO_MILLISECOND});  // for the reader to get into its call
      traceback_panics();
    });
  });
  EXPECT_TRUE(child.Killed(SIGABRT)) << child.Describe();
  EXPECT_TRUE(Has(Section(child.err, "traceback_spinner"),
                  "\\[running\\](.*\n)+.* traceback_spins")) << child.err;
  EXPECT_TRUE(Has(Section(child.err, "traceback_reader"),
                  "\\[syscall\\](.*\n)+.* go_read(.*\n)+.* traceback_reads")) << child.err;
}

TEST(Traceback, OfADeadlockTellsWhatEachWaitsFor) {
  const Child child = RunChild([] {
    return RunFirst(Config(), [] {
      go_chan_new(0, 0, &traceback_chan);
      Spawn("signal", traceback_waiter, &three);
      static go_mutex m;
      go_mutex_lock(&m);
      go_mutex_lock(&m);
    });
  });
  EXPECT_TRUE(child.Killed(SIGABRT)) << child.Describe();
  EXPECT_EQ(child.err.rfind("stacklab: fatal: all goroutines are asleep: deadlock\n", 0), 0u);
  EXPECT_TRUE(Has(child.err, "goroutine 1 \\[mutex lock, [0-9]+\\.[0-9] s\\]")) << child.err;
  EXPECT_TRUE(Has(Section(child.err, "traceback_waiter"), "\\[chan receive")) << child.err;
}

TEST(Traceback, OfAFaultThatIsNotTheStacks) {
  const Child child = RunChild([] {
    signal(SIGSEGV, SIG_DFL);  // over a sanitizer's
    return RunFirst(Config(), [] {
      MakeSome();
      traceback_faults(reinterpret_cast<char *>(8));
    });
  });
  EXPECT_TRUE(child.Killed(SIGSEGV)) << child.Describe();
  EXPECT_TRUE(Has(child.err, "stacklab: goroutine 1: fault at 0x8, pc ")) << child.err;
  EXPECT_TRUE(Has(child.err, "\\[running\\](.*\n)  #0 0x[0-9a-f]+ traceback_faults")) << child.err;
  EXPECT_NE(Section(child.err, "traceback_waiter"), "") << child.err;
}

void Overflow(void *) {
  volatile char room[1000];
  room[0] = 1;
  if (room[0]) Overflow(nullptr);
  room[1] = 1;
}

TEST(Traceback, OfAStackOverflow) {
  if (kThreadSanitizer) GTEST_SKIP() << "TSan blocks signals in handlers: a fault there is the end";
  const Child child = RunChild([] {
    go_config c = Config();
    c.stack_max = 64 << 10;
    c.growth = "signal";
    return RunFirst(c, [] { Overflow(nullptr); });
  });
  EXPECT_TRUE(child.Killed(SIGABRT)) << child.Describe();
  EXPECT_TRUE(Has(child.err, "goroutine 1: stack overflow: .*\n\n"
                             "goroutine 1 \\[stack being moved\\].*\n  #0 .*Overflow"))
      << child.err;
}

// ---- SIGQUIT ----------------------------------------------------------------------------------

TEST(Traceback, OnSigquitTellsOfAllGoroutines) {
  if (kThreadSanitizer) GTEST_SKIP() << "TSan delays signals until the thread enters its runtime";
  const Child child = RunChild([] {
    return RunFirst(Config(2), [] {
      MakeSome();
      Spawn(nullptr, traceback_spinner, nullptr);
      while (!traceback_spinning) go_yield();
      kill(getpid(), SIGQUIT);
      go_sleep(100 * int64_t{GO_SECOND});
    });
  });
  EXPECT_TRUE(child.Killed(SIGQUIT)) << child.Describe();
  EXPECT_EQ(child.err.rfind("stacklab: SIGQUIT\n", 0), 0u) << child.err;
  EXPECT_NE(Section(child.err, "traceback_waiter"), "") << child.err;
  EXPECT_TRUE(Has(Section(child.err, "traceback_spinner"), "traceback_spins")) << child.err;
}

// Who tells is not to be stopped.
TEST(Traceback, CanBeToldBySysmon) {
  if (kThreadSanitizer) GTEST_SKIP() << "TSan has no shadow of that address, and dies of it first";
  const Child child = RunChild([] {
    signal(SIGSEGV, SIG_DFL);  // over a sanitizer's
    return RunFirst(Config(1), [] {
      MakeSome();
      rt_sched.allp[0] = reinterpret_cast<rt_p *>(4096);  // nobody but sysmon looks there now
      for (std::atomic<bool> ever = false; !ever;) continue;
    });
  });
  EXPECT_TRUE(child.Killed(SIGSEGV)) << child.Describe();
  EXPECT_NE(Section(child.err, "traceback_waiter"), "") << child.err;
}

TEST(Traceback, LeavesAProgramItsOwnSigquit) {
  const Child child = RunChild([] {
    static volatile sig_atomic_t got;
    signal(SIGQUIT, [](int) { got = 1; });
    const int error = RunFirst(Config(), [] { raise(SIGQUIT); });
    return error ? 2 : got ? 0 : 1;
  });
  EXPECT_TRUE(child.Exited(0)) << child.Describe();
}

// ---- How much ---------------------------------------------------------------------------------

TEST(Traceback, CanBeOfOneGoroutineOrOfNone) {
  for (const bool single : {true, false}) {
    const Child child = RunChild([single] {
      go_config c = Config();
      c.traceback = single ? "single" : "none";
      return RunFirst(c, [] {
        MakeSome();
        traceback_panics();
      });
    });
    EXPECT_TRUE(child.Killed(SIGABRT)) << child.Describe();
    EXPECT_EQ(Has(child.err, "traceback_panics"), single) << child.err;
    EXPECT_FALSE(Has(child.err, "traceback_waiter")) << child.err;
  }
}

TEST(Traceback, CountsThoseBeyondAThousand) {
  const Child child = RunChild([] {
    return RunFirst(Config(), [] {
      go_chan_new(0, 0, &traceback_chan);
      for (int i = 0; i < 1234; i++) Spawn("checkpoint", traceback_waiter, &three);
      go_yield();
      traceback_panics();
    });
  });
  EXPECT_TRUE(Has(child.err, "\nand 234 goroutines more\n"));
}

// Of a function with this frame and return address: has what the unwinder goes by lead to an
// address nobody has.  They are saved side by side at the frame's address, or on RISC-V below it.
void BreakFrame(void *frame, void *ret) {
  auto *saved = static_cast<volatile uintptr_t *>(frame) + 1;
  if (*saved != reinterpret_cast<uintptr_t>(ret)) saved -= 2;
  if (*saved != reinterpret_cast<uintptr_t>(ret)) abort();
  saved[-1] = saved[0] = 0x1000;
}

TEST(Traceback, SurvivesAStackThatCannotBeReadWhereItRuns) {
  if (kThreadSanitizer) GTEST_SKIP() << "TSan delays signals until the thread enters its runtime";
  const Child child = RunChild([] {
    go_config config = Config(2);
    config.asyncpreempt = "off";  // else it may not run when it is asked
    return RunFirst(config, [] {
      Spawn(nullptr, [](void *) {
        BreakFrame(__builtin_frame_address(0), __builtin_return_address(0));
        traceback_spinning = 1;
        for (;;) __asm__ volatile("");
      }, nullptr);
      while (!traceback_spinning) go_yield();
      traceback_panics();
    });
  });
  EXPECT_TRUE(child.Killed(SIGABRT)) << child.Describe();
  EXPECT_TRUE(Has(child.err, "\\[running\\].*\n(  #.*\n)+"
                             "  \\(its stack cannot be read further\\)\n")) << child.err;
}

TEST(Traceback, SurvivesAStackThatCannotBeRead) {
  const Child child = RunChild([] {
    return RunFirst(Config(), [] {
      go_chan_new(0, 0, &traceback_chan);
      Spawn("checkpoint", [](void *) {
        BreakFrame(__builtin_frame_address(0), __builtin_return_address(0));
        traceback_waits(3);
        for (;;) go_yield();
      }, nullptr);
      go_yield();
      Spawn(nullptr, traceback_waiter, &three);
      go_yield();
      traceback_panics();
    });
  });
  EXPECT_TRUE(child.Killed(SIGABRT)) << child.Describe();
  EXPECT_TRUE(Has(child.err, "traceback_waits.*\n(.*\n)*"
                             "  \\(its stack cannot be read further\\)\n")) << child.err;
  EXPECT_NE(Section(child.err, "traceback_waiter"), "") << child.err;
}

TEST(Traceback, IsToldOnceHoweverManyFail) {
  const Child child = RunChild([] {
    return RunFirst(Config(4), [] {
      static std::atomic<int> ready;
      for (int i = 0; i < 4; i++) {
        Spawn(nullptr, [](void *) {
          for (ready++; ready < 4;) continue;  // all at once
          traceback_panics();
        }, nullptr);
      }
      go_sleep(100 * int64_t{GO_SECOND});
    });
  });
  EXPECT_TRUE(child.Killed(SIGABRT)) << child.Describe();
  EXPECT_EQ(child.err.find("panic: because"), child.err.rfind("panic: because")) << child.err;
}

}  // namespace
