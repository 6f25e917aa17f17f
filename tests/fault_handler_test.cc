// fault_handler_test.cc: the signal handler as the rest of the program sees it: what it leaves
// alone, and what becomes of faults that are not about a stack.
//
// Statements of death tests run in a process of their own ("threadsafe"), which has not called
// go_run yet: what they install is what was there before the runtime.
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <pthread.h>
#include <string>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/call_at.h"
#include "tests/goroutine.h"
#include "tests/signal_frames.h"

namespace {

// ---- What a growth leaves alone ----------------------------------------------------------------

TEST(AGrowth, KeepsErrno) {
  int kept = 0;
  const Swept swept = Sweep(0, 1, 1, [&](int) {
    errno = 1234;
    case_touch(Bounds().lo);
    kept = errno;
  });
  EXPECT_EQ(swept.growths, 1u);
  EXPECT_EQ(kept, 1234);
}

TEST(AGrowth, KeepsTheSignalMask) {
  bool usr1 = false, usr2 = true, segv = true;
  Sweep(0, 1, 1, [&](int) {
    static sigset_t set, old;  // on no stack
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, &old);
    case_touch(Bounds().lo);
    pthread_sigmask(SIG_SETMASK, &old, &set);
    usr1 = sigismember(&set, SIGUSR1);
    usr2 = sigismember(&set, SIGUSR2);
    segv = sigismember(&set, SIGSEGV);
  });
  EXPECT_TRUE(usr1);
  EXPECT_FALSE(usr2);
  EXPECT_FALSE(segv);
}

TEST(TheSignalStack, HoldsTheVectorStateOfThisCpuAndLeavesRoom) {
  stack_t during = {}, after = {};
  ASSERT_EQ(RunFirst(SmallStacks(), [&] { sigaltstack(nullptr, &during); }), GO_OK);
  sigaltstack(nullptr, &after);
  EXPECT_EQ(during.ss_flags & SS_DISABLE, 0);
  EXPECT_GE(during.ss_size, getauxval(AT_MINSIGSTKSZ) + (32 << 10));
  EXPECT_NE(after.ss_sp, during.ss_sp);
}

TEST(TheSignalStack, OfTheProgramIsThereAgainAfterwards) {
  static char mine[64 << 10];
  stack_t ours = {}, before = {}, after = {};
  ours.ss_sp = mine;
  ours.ss_size = sizeof mine;
  ASSERT_EQ(sigaltstack(&ours, &before), 0);
  ASSERT_EQ(RunFirst(SmallStacks(), [] { case_touch(Bounds().lo); }), GO_OK);
  sigaltstack(&before, &after);
  EXPECT_EQ(after.ss_sp, static_cast<void *>(mine));
  EXPECT_EQ(after.ss_size, sizeof mine);
}

// ---- Faults that are not about a stack ---------------------------------------------------------

void *const kNowhere = reinterpret_cast<void *>(0x123450);

void Touch(void *p) { *static_cast<volatile char *>(p) = 1; }

enum Handlers { kPlain = 40, kInfo = 41, kNested = 42, kMasked = 43 };
volatile int handled;
void *repair;

void Exit(int sig) { _exit(sig == SIGSEGV ? kPlain : 1); }

void ExitWithInfo(int sig, siginfo_t *si, void *context) {
  _exit(sig == SIGSEGV && si->si_addr == kNowhere && context ? kInfo : 1);
}

void ExitAtTheSecondFault(int) {
  if (handled++) _exit(kNested);
  Touch(kNowhere);
}

void Repair(int) {
  handled++;
  errno = EIO;
  if (mprotect(repair, 4096, PROT_READ | PROT_WRITE) != 0) _exit(1);
}

void RepairMasked(int sig) {
  sigset_t now;
  pthread_sigmask(SIG_BLOCK, nullptr, &now);
  const bool nodefer = handled > 0;
  if (!sigismember(&now, SIGUSR1) || sigismember(&now, SIGUSR2)) _exit(2);
  if (sigismember(&now, sig) == nodefer) _exit(3);
  Repair(sig);
}

void Install(int sig, void (*handler)(int), int flags = 0, int masked = 0) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  if (masked) sigaddset(&action.sa_mask, masked);
  if (sigaction(sig, &action, nullptr) != 0) abort();
}

void InstallInfo(int sig, void (*handler)(int, siginfo_t *, void *), int flags = 0) {
  struct sigaction action = {};
  action.sa_sigaction = handler;
  action.sa_flags = flags | SA_SIGINFO;
  if (sigaction(sig, &action, nullptr) != 0) abort();
}

// Runs fn on a goroutine whose stack has grown by a fault, so that our handler is known to work.
void OnAGrownStack(void (*fn)()) {
  const int error = RunFirst(SmallStacks(), [fn] {
    if (case_touch(Bounds().lo) != 0) abort();
    fn();
  });
  _exit(error ? 1 : 0);
}

void TouchNowhere() { Touch(kNowhere); }
void TouchNull() { Touch(nullptr); }
void SendToTheProcess() { kill(getpid(), SIGSEGV); }
void SendToTheThread() { raise(SIGSEGV); }

// A page without access; its faults can be repaired.
void TouchAPageTwice() {
  repair = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  Touch(repair);
  if (mprotect(repair, 4096, PROT_NONE) != 0) _exit(1);
  Touch(repair);
}

class AFaultElsewhere : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

// With the goroutine's last words where nobody else handles the signal.
#define EXPECT_KILLED_BY(signal, statement)                \
  EXPECT_EXIT(statement, testing::KilledBySignal(signal),  \
              "^(stacklab: goroutine [0-9]+: fault at [^\n]* a stale pointer\\?[^\n]*\n|qemu: |$)")
#define EXPECT_CODE(code, statement) EXPECT_EXIT(statement, testing::ExitedWithCode(code), "^$")

TEST_F(AFaultElsewhere, KillsByItsSignalWithoutAHandler) {
  EXPECT_KILLED_BY(SIGSEGV, (Install(SIGSEGV, SIG_DFL), OnAGrownStack(TouchNull)));
  EXPECT_KILLED_BY(SIGSEGV, (Install(SIGSEGV, SIG_DFL), OnAGrownStack(TouchNowhere)));
}

TEST_F(AFaultElsewhere, KillsThoughItsSignalIsIgnored) {
  EXPECT_KILLED_BY(SIGSEGV, (Install(SIGSEGV, SIG_IGN), OnAGrownStack(TouchNull)));
}

TEST_F(AFaultElsewhere, KillsWhenTheAddressIsNotCanonical) {
  // The kernel reports address 0 and SI_KERNEL.
  EXPECT_KILLED_BY(SIGSEGV, (Install(SIGSEGV, SIG_DFL), OnAGrownStack([] {
                     Touch(reinterpret_cast<void *>(uintptr_t{1} << 60));
                   })));
}

TEST_F(AFaultElsewhere, KillsInTheGuardOfAnotherGoroutine) {
  EXPECT_KILLED_BY(SIGSEGV, (Install(SIGSEGV, SIG_DFL), OnAGrownStack([] {
                     static uintptr_t other;
                     static go_waitgroup done;
                     go_waitgroup_add(&done, 1);
                     go_spawn(nullptr,
                              [](void *) {
                                other = Bounds().lo;
                                go_waitgroup_done(&done);
                                go_yield();
                              },
                              nullptr);
                     go_waitgroup_wait(&done);
                     Touch(reinterpret_cast<void *>(other - 8));
                   })));
}

// The goroutine's stack has not run out: it is not what runs.  Growing would move it under the feet
// of code that goes on elsewhere.
void TouchTheGuardFromTheSignalStack() {
  static uintptr_t guard;
  guard = Bounds().lo - 8;
  Install(SIGUSR1, [](int) { Touch(reinterpret_cast<void *>(guard)); }, SA_ONSTACK);
  raise(SIGUSR1);
}

TEST_F(AFaultElsewhere, KillsInTheGuardWhileAnotherStackIsInUse) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer blocks every signal in handlers";
  EXPECT_EXIT((Install(SIGSEGV, SIG_DFL), OnAGrownStack(TouchTheGuardFromTheSignalStack)),
              testing::KilledBySignal(SIGSEGV), "");
  EXPECT_CODE(kPlain, (Install(SIGSEGV, Exit), OnAGrownStack(TouchTheGuardFromTheSignalStack)));
}

TEST_F(AFaultElsewhere, KillsOnAThreadThatIsNotTheRuntimes) {
  EXPECT_KILLED_BY(SIGSEGV, (Install(SIGSEGV, SIG_DFL), OnAGrownStack([] {
                     pthread_t t;
                     pthread_create(
                         &t, nullptr, [](void *) -> void * { return Touch(kNowhere), nullptr; },
                         nullptr);
                     pthread_join(t, nullptr);
                   })));
}

TEST_F(AFaultElsewhere, KillsAfterTheRunToo) {
  EXPECT_KILLED_BY(SIGSEGV, (Install(SIGSEGV, SIG_DFL),
                             RunFirst(SmallStacks(), [] { case_touch(Bounds().lo); }),
                             TouchNull()));
}

TEST(ASignalThatWasSent, KillsWithoutAHandler) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_KILLED_BY(SIGSEGV, (Install(SIGSEGV, SIG_DFL), OnAGrownStack(SendToTheProcess)));
  EXPECT_KILLED_BY(SIGSEGV, (Install(SIGSEGV, SIG_DFL), OnAGrownStack(SendToTheThread)));
}

TEST(ASignalThatWasSent, IsIgnoredIfItWasBefore) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_CODE(0, (Install(SIGSEGV, SIG_IGN), OnAGrownStack(SendToTheProcess)));
  EXPECT_CODE(0, (Install(SIGSEGV, SIG_IGN), OnAGrownStack(SendToTheThread)));
}

// ---- The handler that was there before ---------------------------------------------------------

using ThePreviousHandler = AFaultElsewhere;

TEST_F(ThePreviousHandler, IsCalled) {
  EXPECT_CODE(kPlain, (Install(SIGSEGV, Exit), OnAGrownStack(TouchNowhere)));
  EXPECT_CODE(kPlain, (Install(SIGSEGV, Exit), OnAGrownStack(SendToTheThread)));
}

TEST_F(ThePreviousHandler, IsToldTheAddress) {
  EXPECT_CODE(kInfo, (InstallInfo(SIGSEGV, ExitWithInfo), OnAGrownStack(TouchNowhere)));
}

TEST_F(ThePreviousHandler, MayRepairAndReturn) {
  EXPECT_CODE(0, (Install(SIGSEGV, Repair), OnAGrownStack([] {
                errno = 77;
                TouchAPageTwice();
                if (handled != 2 || errno != 77) _exit(1);
              })));
}

// With a lock taken on the way to it, the second fault would wait for the first for ever.
TEST_F(ThePreviousHandler, MayFaultItselfIfItHasNodefer) {
  EXPECT_CODE(kNested, (Install(SIGSEGV, ExitAtTheSecondFault, SA_NODEFER),
                        OnAGrownStack(TouchNowhere)));
}

TEST_F(ThePreviousHandler, DiesIfItFaultsItselfWithoutNodefer) {
  EXPECT_KILLED_BY(SIGSEGV,
                   (Install(SIGSEGV, ExitAtTheSecondFault), OnAGrownStack(TouchNowhere)));
}

TEST_F(ThePreviousHandler, IsCalledOnceIfItHasResethand) {
  EXPECT_KILLED_BY(SIGSEGV, (Install(SIGSEGV, Repair, static_cast<int>(SA_RESETHAND)),
                             OnAGrownStack(TouchAPageTwice)));
}

TEST_F(ThePreviousHandler, RunsUnderTheMaskItAskedForAndNoLonger) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer blocks every signal in handlers";
  EXPECT_CODE(0, (Install(SIGSEGV, RepairMasked, 0, SIGUSR1), OnAGrownStack([] {
                sigset_t now;
                repair = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                Touch(repair);
                pthread_sigmask(SIG_BLOCK, nullptr, &now);
                if (handled != 1 || sigismember(&now, SIGUSR1) || sigismember(&now, SIGSEGV))
                  _exit(4);
              })));
}

TEST_F(ThePreviousHandler, GetsSigbusToo) {
  EXPECT_EXIT((Install(SIGBUS, [](int sig) { _exit(sig == SIGBUS ? kPlain : 1); }),
               OnAGrownStack([] {
                 struct sigaction now;
                 sigaction(SIGBUS, nullptr, &now);
                 if (!(now.sa_flags & SA_ONSTACK)) _exit(1);  // the test's own
                 const int fd = memfd_create("empty", 0);
                 Touch(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
               })),
              testing::ExitedWithCode(kPlain), "^$");
}

TEST_F(ThePreviousHandler, IsTheDefaultForSigbusToo) {
  EXPECT_KILLED_BY(SIGBUS, (Install(SIGBUS, SIG_DFL), OnAGrownStack([] {
                     const int fd = memfd_create("empty", 0);
                     Touch(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
                   })));
}

TEST_F(ThePreviousHandler, MayBeOneThatWasInstalledBetweenTwoRuns) {
  EXPECT_CODE(kPlain, (RunFirst(SmallStacks(), [] { case_touch(Bounds().lo); }),
                       Install(SIGSEGV, Exit), OnAGrownStack(TouchNowhere)));
}

TEST_F(ThePreviousHandler, MayBeResetBetweenAnyNumberOfRuns) {
  EXPECT_KILLED_BY(SIGSEGV, for (int i = 0; i < 100; i++) {
    Install(SIGSEGV, SIG_DFL);
    if (RunFirst(SmallStacks(), [] { case_touch(Bounds().lo); }) != GO_OK) _exit(1);
  } TouchNull());
}

// ---- A stack at its limit ----------------------------------------------------------------------

class AStackAtItsLimit : public testing::TestWithParam<const char *> {};

TEST_P(AStackAtItsLimit, EndsTheProcessWithALineThatNamesWhatHappened) {
  const std::string line = std::string("^stacklab: goroutine [0-9]+: stack overflow: [^\n]*") +
                           "strategy [^\n]*, size [0-9]+ bytes, limit 65536, needed [0-9]+, " +
                           "fault address 0x[0-9a-f]+, pc 0x[0-9a-f]+.\n"
                           "\ngoroutine [0-9]+ .*\n  #0 0x";
  const auto overflow = [](const char *growth) {
    go_config config = SmallStacks(growth);
    config.stack_max = 65536;
    RunFirst(config, [] { frame_accumulate(100000000); });
  };
  EXPECT_EXIT(overflow(GetParam()), testing::KilledBySignal(SIGABRT), line);
}

INSTANTIATE_TEST_SUITE_P(Each, AStackAtItsLimit, testing::ValuesIn(Growths()),
                         [](const auto &info) { return Plain(info.param); });

// Grown as far as it may, and no further.
TEST(AStackBelowItsLimit, GrowsToExactlyTheLimit) {
  go_config config = SmallStacks();
  config.stack_max = WholePages(40000);
  struct go_stack_bounds b = {};
  const Swept swept = Sweep(0, 1, 1, [&](int) {
    case_touch(Bounds().hi - 36000);
    b = Bounds();
  }, config);
  EXPECT_EQ(swept.growths, 1u);
  EXPECT_EQ(b.hi - b.lo, config.stack_max);
}

// ---- Last words --------------------------------------------------------------------------------

void FaultAfterMoves(int moves, const char *growth) {
  Install(SIGSEGV, SIG_DFL);  // sanitizers have handlers of their own
  RunFirst(SmallStacks(growth), [=] {
    for (int i = 0; i < moves; i++) case_touch(Bounds().lo);
    *reinterpret_cast<volatile int *>(16) = 1;
  });
}

TEST(LastWordsDeathTest, NameTheGoroutineWhoseStackHasMovedAndHowOften) {
  EXPECT_EXIT(FaultAfterMoves(2, "signal"), testing::KilledBySignal(SIGSEGV),
              "^stacklab: goroutine [0-9]+: fault at 0x10, pc 0x[0-9a-f]+, outside its "
              "stack, which strategy signal has moved 2 times: a stale pointer\\?");
}

TEST(LastWordsDeathTest, SuspectNoMoveWhereThereWasNone) {
  EXPECT_EXIT(FaultAfterMoves(0, "signal"), testing::KilledBySignal(SIGSEGV),
              "^stacklab: goroutine [0-9]+: fault at 0x10, pc 0x[0-9a-f]+\n");
}

}  // namespace
