// every_instruction.h: what another thread or a signal handler does in the middle of something:
// after its first instruction, after its second, and so on.  For x86-64, which lets a program trace
// its own instructions (the trap flag).
#ifndef STACKLAB_TESTS_EVERY_INSTRUCTION_H_
#define STACKLAB_TESTS_EVERY_INSTRUCTION_H_

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdlib>

// From here on, or no longer, each instruction of this thread raises SIGTRAP.
inline void Trap(bool on) {
  if (on)
    asm volatile("pushfq; orl $0x100, (%%rsp); popfq" : : : "memory", "cc");
  else
    asm volatile("pushfq; andl $~0x100, (%%rsp); popfq" : : : "memory", "cc");
}

namespace every_instruction {

inline void (*volatile between)();
inline volatile int steps, failed;  // which failed first; 0: none
inline volatile bool in_child;

// A child goes on with what was interrupted, and comes to its own end.
inline void OnStep(int, siginfo_t *, void *context) {
  steps = steps + 1;
  const pid_t child = fork();
  if (child < 0) abort();
  if (child == 0) {
    in_child = true;
    alarm(20);  // if it has lost its way
    between();
    static_cast<ucontext_t *>(context)->uc_mcontext.gregs[REG_EFL] &= ~0x100;
    return;
  }
  int status;
  if (waitpid(child, &status, 0) != child) abort();
  if (status != 0 && failed == 0) failed = steps;
}

}  // namespace every_instruction

// Runs `ours` with `theirs` after its first instruction, and with that after its second, and so on,
// and after all of it, each time from where things are now, in a child; good() tells then whether
// all is well.  ThreadSanitizer takes no signal at its own instructions: not under that.
inline void AtEveryInstruction(void (*ours)(), void (*theirs)(), bool (*good)()) {
  using namespace every_instruction;
  struct sigaction trace = {}, old;
  trace.sa_sigaction = OnStep;
  trace.sa_flags = SA_SIGINFO | SA_ONSTACK;
  if (sigaction(SIGTRAP, &trace, &old) != 0) abort();
  between = theirs;
  steps = failed = 0;
  Trap(true);
  ours();
  Trap(false);
  if (in_child) _exit(good() ? 0 : 1);
  theirs();
  EXPECT_TRUE(good());
  EXPECT_GT(steps, 20) << "so many instructions it has at least";
  EXPECT_EQ(failed, 0) << "of " << steps << " instructions";
  sigaction(SIGTRAP, &old, nullptr);
}

#endif
