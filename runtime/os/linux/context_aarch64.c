// The signal frame of Linux on AArch64 (arch/arm64/include/uapi/asm/sigcontext.h): the general
// registers are regs[31] and sp, one after the other; records of vector state follow in __reserved.
#include <assert.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>
#include "runtime/arch/aarch64/preindexed.h"
#include "runtime/os/linux/stub.h"
#include "runtime/os/posix/context.h"

static_assert(offsetof(mcontext_t, sp) == offsetof(mcontext_t, regs) + 31 * sizeof(uint64_t),
              "x0-x30 and sp are one array");

enum {
  BTYPE = 3 << 10,       // of PSTATE: an indirect branch is on its way to a landing pad
  SIGINFO_BYTES = 128,   // sizeof(siginfo_t)
  CALLED_BYTES = 1024,   // for rt_asyncpreempt2
};

// What rt_sigreturn(2) takes from SP (struct rt_sigframe, arch/arm64/kernel/signal.c).
struct sigframe {
  unsigned char info[SIGINFO_BYTES];
  ucontext_t uc;
};

void os_context_pc_sp(void *context, uintptr_t *pc, uintptr_t *sp) {
  const mcontext_t *mc = &((ucontext_t *)context)->uc_mcontext;
  *pc = mc->pc;
  *sp = mc->sp;
}

size_t rt_asyncpreempt_bytes(void) { return sizeof(struct sigframe) + 16 + CALLED_BYTES; }

// No register is free to jump to the interrupted pc with: all of the signal frame goes to the
// goroutine's stack, and rt_asyncpreempt has the kernel load it.
void os_context_call(void *context, uintptr_t fn, size_t redzone) {
  mcontext_t *mc = &((ucontext_t *)context)->uc_mcontext;
  const uintptr_t sp = (mc->sp - redzone - sizeof(struct sigframe)) & ~(uintptr_t)15;
  memcpy(&((struct sigframe *)sp)->uc, context, sizeof(ucontext_t));
  mc->sp = sp;
  mc->pc = fn;
  mc->pstate &= ~(uint64_t)BTYPE;
}

// A stub is [bti c] adrp x16; ldr x17, [x16, #]; add x16, x16, #; br x17 (AAELF64, "PLT"): pc may
// be at any of them.
bool os_context_stub(uintptr_t pc, uintptr_t to) {
  enum { BR_X17 = 0xd61f0220, ADRP_X16 = 0x90000010, ADRP_MASK = 0x9f00001f, STUB = 4 };
  for (uintptr_t br = pc; br < pc + STUB * 4 + 4 && br + 4 <= to; br += 4) {
    uint32_t last, first;
    memcpy(&last, (const void *)br, 4);
    if (last != BR_X17) continue;
    memcpy(&first, (const void *)(br - (STUB - 1) * 4), 4);
    return (first & ADRP_MASK) == ADRP_X16;
  }
  return false;
}

void os_context_regs(void *context, struct rt_regfile *out) {
  mcontext_t *mc = &((ucontext_t *)context)->uc_mcontext;
  *out = (struct rt_regfile){.general = (uint64_t *)mc->regs,
                             .ngeneral = 32,
                             .vector = mc->__reserved,
                             .vector_bytes = sizeof mc->__reserved};
}

// Whoever faults by running code that is not there has pc = addr: nothing can be read at it.
void os_context_undo(void *context, uintptr_t addr) {
  mcontext_t *mc = &((ucontext_t *)context)->uc_mcontext;
  if (addr - mc->pc < 4) return;
  uint32_t instruction;
  memcpy(&instruction, (const void *)mc->pc, sizeof instruction);
  rt_preindexed_undo(instruction, (uint64_t *)mc->regs, addr);
}
