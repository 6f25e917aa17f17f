// prologue_signal_test.cc: checks in signal handlers and system calls, and checks that signals
// interrupt.
#include <gtest/gtest.h>

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <atomic>

#include "runtime/sched/sched.h"
#include "tests/goroutine.h"
#include "tests/prologue.h"
#include "tests/prologue_cases.h"
#include "tests/prologue_regs.h"

namespace {

// ---- System calls, signal handlers -------------------------------------------------------------

TEST(Elsewhere, GrowsBetweenEnterAndExitOfASystemCall) {
  int wrong = 0;
  struct go_stack_bounds b = {};
  ASSERT_EQ(RunFirst(SmallStacks("prologue"), [&] {
    go_entersyscall();
    wrong = prologue_O2.descend(12, 50);
    go_exitsyscall();
    go_yield();
    b = Bounds();
  }), GO_OK);
  EXPECT_EQ(wrong, 0);
  EXPECT_GE(b.hi - b.lo, 65536u);
}

// A handler on a stack of its own, below that of the goroutine, so that its SP is under the mark.
TEST(Elsewhere, AHandlerOnItsOwnStackIsLeftThere) {
  const size_t bytes = 1 << 20;
  void *low = mmap(reinterpret_cast<void *>(0x10000000), bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  ASSERT_NE(low, MAP_FAILED);
  static int wrong, handled;
  static bool below;
  struct sigaction action = {}, old;
  action.sa_handler = [](int) {
    below = rt_getsp() < Mark();
    wrong |= prologue_O0.descend(12, 20) | prologue_O2.by_value() | prologue_O2.allocas(20) |
             prologue_O2.sort(3);
    handled++;
  };
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGUSR1, &action, &old);
  wrong = handled = 0;
  uint64_t growths = 0;
  ASSERT_EQ(RunFirst(SmallStacks("prologue"), [&] {
    const stack_t ours = {low, 0, bytes};
    stack_t theirs;
    sigaltstack(&ours, &theirs);
    const uint64_t before = Stats().growths;
    raise(SIGUSR1);
    growths = Stats().growths - before;
    sigaltstack(&theirs, nullptr);
  }), GO_OK);
  sigaction(SIGUSR1, &old, nullptr);
  munmap(low, bytes);
  EXPECT_TRUE(below);
  EXPECT_EQ(handled, 1);
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(growths, 0u);
}

// Without SA_ONSTACK it runs on the goroutine's stack, which moves with the signal frame in it.
TEST(Elsewhere, AHandlerOnTheGoroutinesStackMovesWithIt) {
  static int wrong, handled;
  struct sigaction action = {}, old;
  action.sa_handler = [](int) {
    wrong |= prologue_O2.descend(12, 200);
    handled++;
  };
  sigaction(SIGUSR1, &action, &old);
  wrong = handled = 0;
  go_config config = SmallStacks("prologue");
  config.stack_initial = 32768;  // the kernel's frame takes up to 11 KiB of it
  int after = 0;
  ASSERT_EQ(RunFirst(config, [&] {
    volatile int local = 5;
    volatile int *volatile pointer = &local;
    raise(SIGUSR1);
    *pointer = 6;
    after = local;
  }), GO_OK);
  sigaction(SIGUSR1, &old, nullptr);
  EXPECT_EQ(after, 6);
  EXPECT_EQ(handled, 1);
  EXPECT_EQ(wrong, 0);
}

// ---- Interrupted -------------------------------------------------------------------------------

// SIGTRAP after each instruction, by the trap flag.  After `target` of them the handler of SIGURG
// is called, as if that had come there.
extern "C" uintptr_t stepper_return;
uintptr_t stepper_return;
extern "C" void stepper_back();
asm("stepper_back: pushfq; orl $0x100, (%rsp); popfq; jmpq *stepper_return(%rip)");

struct Stepper {
  static constexpr greg_t kTrap = 0x100;
  static inline int target, seen;
  static inline bool hit;
  static inline void (*urg)(int, siginfo_t *, void *);

  static void OnTrap(int, siginfo_t *si, void *context) {
    ucontext_t *uc = static_cast<ucontext_t *>(context);
    greg_t *r = uc->uc_mcontext.gregs;
    if (r[REG_RIP] == reinterpret_cast<greg_t>(&rt_morestack)) {  // on g0: of no interest, and long
      uintptr_t *back = reinterpret_cast<uintptr_t *>(r[REG_RSP]);
      stepper_return = *back;
      *back = reinterpret_cast<uintptr_t>(&stepper_back);
      r[REG_EFL] &= ~kTrap;
      return;
    }
    if (seen++ != target) return;
    r[REG_EFL] &= ~kTrap;
    rt_p *p = rt_getg()->m->p;
    if (p) std::atomic_store(reinterpret_cast<std::atomic<bool> *>(&p->preempt), true);
    urg(SIGURG, si, context);
    hit = true;
  }
  static void On() { asm volatile("pushfq; orl $0x100, (%rsp); popfq"); }
  static void Off() { asm volatile("pushfq; andl $~0x100, (%rsp); popfq"); }
};

TEST(Interrupted, AtEveryInstructionOfACheckAndOfMorestack) {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  GTEST_SKIP() << "no preemption in programs that sanitizers have changed";
#endif
  struct sigaction trap = {}, old;
  trap.sa_sigaction = Stepper::OnTrap;
  trap.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGTRAP, &trap, &old);
  static int wrong, finished;
  static uint64_t ran;
  go_config config = SmallStacks("reserve");
  config.stack_debug = "forcemove";
  for (const int frame : {200, 3000000}) {
    wrong = finished = 0;
    ran = 0;
    const uint64_t growths = Stats().growths, moves = Stats().moves_forced,
                   preemptions = Stats().preemptions;
    static int frame_now;
    frame_now = frame;
    int steps = 0;
    ASSERT_EQ(RunFirst(config, [&] {
      struct sigaction urg;
      sigaction(SIGURG, nullptr, &urg);
      Stepper::urg = urg.sa_sigaction;
      const go_spawn_options options = {"prologue", 8192, 0};
      do {
        Stepper::target = steps++;
        Stepper::seen = 0;
        Stepper::hit = false;
        go_spawn(&options, [](void *) {
          With(200, [] {
            static prologue_regs out;
            prologue_regs in = {};  // moves with the stack
            static uintptr_t hi;    // and this does not
            hi = Bounds().hi;
            for (int i = 0; i < PROLOGUE_GENERAL; i++) in.general[i] = hi - 8 * i;
            Stepper::On();
            ran += prologue_call(&in, &out, frame_now, 0);
            Stepper::Off();
            const uintptr_t now = Bounds().hi;
            // While the function stored them the stack moved perhaps once more.
            const uintptr_t first = out.general[0];
            for (int i = 0; i < PROLOGUE_GENERAL; i++)
              wrong += out.general[i] + 8 * i != first && out.general[i] + 8 * i != now;
            wrong += first == hi;
            wrong += Mark() != MarkOf(Bounds()) || rt_getsp() > now || now - rt_getsp() > 8192;
            finished++;
          });
        }, nullptr);
        for (const int n = finished; finished == n;) go_yield();
      } while (Stepper::hit);
    }), GO_OK);
    EXPECT_EQ(wrong, 0) << frame;
    EXPECT_EQ(finished, steps) << frame;
    EXPECT_EQ(ran, static_cast<uint64_t>(steps)) << frame;
    EXPECT_GT(steps, 100) << frame;
    EXPECT_GE(Stats().growths - growths, static_cast<uint64_t>(steps)) << frame;
    EXPECT_GT(Stats().preemptions - preemptions, 20u) << frame;
    EXPECT_GT(Stats().moves_forced - moves, 20u) << frame;
  }
  sigaction(SIGTRAP, &old, nullptr);
}

}  // namespace
