// The signal frame of macOS on arm64: mach/arm/_structs.h of the SDK names its parts.
//
// sigreturn(2) takes no frame but those that the kernel has made, and no register is free to jump
// to an interrupted pc with (x18 is the system's, x16 and x17 may be in use between any two
// instructions).  So a goroutine that was interrupted goes on by another signal: rt_asyncpreempt
// ends in a breakpoint, and the handler of that loads the registers.
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>
#include "runtime/arch/aarch64/preindexed.h"
#include "runtime/go.h"
#include "runtime/os/posix/context.h"

static_assert(offsetof(struct __darwin_mcontext64, __ss) == 16 &&
                  offsetof(struct __darwin_mcontext64, __ss.__sp) == 16 + 31 * 8 &&
                  offsetof(struct __darwin_mcontext64, __ss.__pc) == 16 + 32 * 8 &&
                  offsetof(struct __darwin_mcontext64, __ns) == 16 + 272 &&
                  sizeof(struct __darwin_mcontext64) == 16 + 272 + 528,
              "x0-x28, fp, lr and sp are one array");

enum { CALLED_BYTES = 1024 };  // for rt_asyncpreempt2

// The breakpoint of rt_asyncpreempt (preempt_arm64.S): SP is at what os_context_call put there.
extern const char rt_asyncpreempt_back[];

static struct sigaction previous;  // written before our handler is installed, then only read

void os_context_pc_sp(void *context, uintptr_t *pc, uintptr_t *sp) {
  const mcontext_t mc = ((ucontext_t *)context)->uc_mcontext;
  *pc = mc->__ss.__pc;
  *sp = mc->__ss.__sp;
}

size_t rt_asyncpreempt_bytes(void) {
  return rt_arch_redzone_bytes + sizeof(struct __darwin_mcontext64) + 16 + CALLED_BYTES;
}

void os_context_call(void *context, uintptr_t fn, size_t redzone) {
  const mcontext_t mc = ((ucontext_t *)context)->uc_mcontext;
  const uintptr_t sp = (mc->__ss.__sp - redzone - sizeof *mc) & ~(uintptr_t)15;
  memcpy((void *)sp, mc, sizeof *mc);
  mc->__ss.__sp = sp;
  mc->__ss.__pc = fn;
}

static void on_breakpoint(int sig, siginfo_t *si, void *context) {
  const mcontext_t mc = ((ucontext_t *)context)->uc_mcontext;
  if (mc->__ss.__pc == (uintptr_t)rt_asyncpreempt_back) {
    const mcontext_t kept = (mcontext_t)mc->__ss.__sp;
    mc->__ns = kept->__ns;
    mc->__ss = kept->__ss;
  } else if (previous.sa_flags & SA_SIGINFO) {
    previous.sa_sigaction(sig, si, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(sig);
  } else {  // the instruction runs again, without us
    const struct sigaction dfl = {.sa_handler = SIG_DFL};
    sigaction(sig, &dfl, NULL);
  }
}

int os_context_init(void) {
  struct sigaction found;
  if (sigaction(SIGTRAP, NULL, &found) != 0) return GO_ETHREAD;
  if ((found.sa_flags & SA_SIGINFO) && found.sa_sigaction == on_breakpoint) return 0;
  previous = found;
  struct sigaction ours = {.sa_sigaction = on_breakpoint,
                           .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
  sigemptyset(&ours.sa_mask);
  return sigaction(SIGTRAP, &ours, NULL) == 0 ? 0 : GO_ETHREAD;
}

void os_context_regs(void *context, struct rt_regfile *out) {
  const mcontext_t mc = ((ucontext_t *)context)->uc_mcontext;
  *out = (struct rt_regfile){.general = mc->__ss.__x, .ngeneral = 32};
  out->lanes[0] = (struct rt_lanes){(unsigned char *)mc->__ns.__v, sizeof mc->__ns.__v};
}

void os_context_undo(void *context, uintptr_t addr) {
  const mcontext_t mc = ((ucontext_t *)context)->uc_mcontext;
  if (addr - mc->__ss.__pc < 4) return;  // code that is not there cannot be read
  uint32_t instruction;
  memcpy(&instruction, (const void *)mc->__ss.__pc, sizeof instruction);
  rt_preindexed_undo(instruction, mc->__ss.__x, addr);
}
