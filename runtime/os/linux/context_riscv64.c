// The signal frame of Linux on RISC-V (arch/riscv/include/uapi/asm/sigcontext.h): gregs[0] is the
// pc, x1-x31 follow; the floating registers and records of more are in fpregs.
#include <assert.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>
#include "runtime/os/linux/stub.h"
#include "runtime/os/posix/context.h"

static_assert(sizeof(((mcontext_t *)0)->__fpregs) == 528, "520 bytes, then the first header");
static_assert(REG_PC == 0 && REG_SP == 2 && sizeof(__riscv_mc_gp_state) == 32 * 8,
              "gregs[1..32) are the registers");

enum {
  SIGINFO_BYTES = 128,  // sizeof(siginfo_t)
  CALLED_BYTES = 1024,  // for rt_asyncpreempt2
};

// What rt_sigreturn(2) takes from SP (struct rt_sigframe, arch/riscv/kernel/signal.c).
struct sigframe {
  unsigned char info[SIGINFO_BYTES];
  ucontext_t uc;
};

void os_context_pc_sp(void *context, uintptr_t *pc, uintptr_t *sp) {
  const mcontext_t *mc = &((ucontext_t *)context)->uc_mcontext;
  *pc = mc->__gregs[REG_PC];
  *sp = mc->__gregs[REG_SP];
}

size_t rt_asyncpreempt_bytes(void) { return sizeof(struct sigframe) + 16 + CALLED_BYTES; }

// No register is free to jump to the interrupted pc with: all of the signal frame goes to the
// goroutine's stack, and rt_asyncpreempt has the kernel load it.
void os_context_call(void *context, uintptr_t fn, size_t redzone) {
  mcontext_t *mc = &((ucontext_t *)context)->uc_mcontext;
  const uintptr_t sp =
      (mc->__gregs[REG_SP] - redzone - sizeof(struct sigframe)) & ~(uintptr_t)15;
  memcpy(&((struct sigframe *)sp)->uc, context, sizeof(ucontext_t));
  mc->__gregs[REG_SP] = sp;
  mc->__gregs[REG_PC] = fn;
}

// A stub is auipc t3; ld t3, (t3); jalr t1, t3; nop (RISC-V psABI, "Procedure Linkage Table"): pc
// may be at any of the first three.
bool os_context_stub(uintptr_t pc, uintptr_t to) {
  enum { JALR_T1_T3 = 0x000e0367, AUIPC_T3 = 0xe17, AUIPC_MASK = 0xfff };
  for (uintptr_t jalr = pc; jalr <= pc + 8 && jalr + 4 <= to; jalr += 4) {
    uint32_t last, first;
    memcpy(&last, (const void *)jalr, 4);
    if (last != JALR_T1_T3) continue;
    memcpy(&first, (const void *)(jalr - 8), 4);
    return (first & AUIPC_MASK) == AUIPC_T3;
  }
  return false;
}

// The header of the first record is the end of the floating registers' room (struct
// __riscv_extra_ext_header, in the union with them); the record itself lies behind the ucontext_t.
// That of the vector extension is the first, if it is there; qemu-user's frames have no header.
static size_t record_bytes(const mcontext_t *mc) {
  enum { V_MAGIC = 0x53465457, HEADER = 8 };
  uint32_t header[2];  // magic, size
  memcpy(header, (const unsigned char *)(&mc->__fpregs + 1) - HEADER, sizeof header);
  return header[0] == V_MAGIC && header[1] > HEADER ? header[1] - HEADER : 0;
}

void os_context_regs(void *context, struct rt_regfile *out) {
  mcontext_t *mc = &((ucontext_t *)context)->uc_mcontext;
  *out = (struct rt_regfile){.general = (uint64_t *)mc->__gregs + 1,
                             .ngeneral = 31,
                             .vector = (unsigned char *)&mc->__fpregs,
                             .vector_bytes = sizeof mc->__fpregs + record_bytes(mc)};
}

void os_context_undo(void *context, uintptr_t addr) {
  (void)context, (void)addr;
}
