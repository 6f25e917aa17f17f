// The signal frame of Linux on x86-64 (arch/x86/include/uapi/asm/sigcontext.h): the general
// registers are gregs[REG_R8..REG_RSP], the first sixteen; the vector state hangs from fpregs.
#include <assert.h>
#include <string.h>
#include <ucontext.h>
#include "runtime/os/linux/stub.h"
#include "runtime/os/posix/context.h"

static_assert(REG_R8 == 0 && REG_RSP == 15 && REG_RIP == 16, "gregs[0..16) are the registers");
static_assert(sizeof(greg_t) == sizeof(uint64_t), "a general register is a word");

enum {
  FXSAVE_BYTES = 512,
  SW_MAGIC_OFFSET = 464,
  SW_SIZE_OFFSET = 480,
  SW_MAGIC = 0x46505853,  // FP_XSTATE_MAGIC1: the area goes on, for xstate_size bytes in all
};

void os_context_pc_sp(void *context, uintptr_t *pc, uintptr_t *sp) {
  const mcontext_t *mc = &((ucontext_t *)context)->uc_mcontext;
  *pc = (uintptr_t)mc->gregs[REG_RIP];
  *sp = (uintptr_t)mc->gregs[REG_RSP];
}

void os_context_call(void *context, uintptr_t fn, size_t redzone) {
  mcontext_t *mc = &((ucontext_t *)context)->uc_mcontext;
  const uintptr_t sp = (uintptr_t)mc->gregs[REG_RSP] - redzone - sizeof(uintptr_t);
  *(uintptr_t *)sp = (uintptr_t)mc->gregs[REG_RIP];
  mc->gregs[REG_RSP] = (greg_t)sp;
  mc->gregs[REG_RIP] = (greg_t)fn;
}

// A stub is [endbr64] [bnd] jmp *slot(%rip) (psABI 5.2.5), and nothing after that runs where all
// slots are bound at start.  A compiler makes such jumps too: it does not matter.
bool os_context_stub(uintptr_t pc, uintptr_t to) {
  static const unsigned char endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa}, jump[] = {0xff, 0x25};
  enum { BND = 0xf2, MOST = sizeof endbr64 + 1 + sizeof jump };
  if (to - pc < MOST) return false;  // a stub takes 16 bytes
  const unsigned char *at = (const unsigned char *)pc;
  if (memcmp(at, endbr64, sizeof endbr64) == 0) at += sizeof endbr64;
  if (*at == BND) at++;
  return memcmp(at, jump, sizeof jump) == 0;
}

void os_context_regs(void *context, struct rt_regfile *out) {
  mcontext_t *mc = &((ucontext_t *)context)->uc_mcontext;
  unsigned char *area = (unsigned char *)mc->fpregs;
  size_t bytes = 0;
  if (area) {
    const uint32_t magic = *(const uint32_t *)(area + SW_MAGIC_OFFSET);
    bytes = magic == SW_MAGIC ? *(const uint32_t *)(area + SW_SIZE_OFFSET) : FXSAVE_BYTES;
  }
  *out = (struct rt_regfile){
      .general = (uint64_t *)mc->gregs, .ngeneral = 16, .vector = area, .vector_bytes = bytes};
}

void os_context_undo(void *context, uintptr_t addr) {
  (void)context, (void)addr;
}
