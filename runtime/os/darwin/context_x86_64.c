// The signal frame of macOS on x86-64: mach/i386/_structs.h of the SDK names its parts.  Of the
// floating-point state this file knows three sizes, by uc_mcsize: SSE, AVX and AVX-512.
#include <assert.h>
#include <stddef.h>
#include <ucontext.h>
#include "runtime/os/posix/context.h"

static_assert(offsetof(struct __darwin_mcontext64, __ss) == 16 &&
                  offsetof(struct __darwin_mcontext64, __ss.__rsp) == 72 &&
                  offsetof(struct __darwin_mcontext64, __ss.__r15) == 136 &&
                  offsetof(struct __darwin_mcontext64, __ss.__rip) == 144 &&
                  offsetof(struct __darwin_mcontext64, __fs) == 184 &&
                  sizeof(struct __darwin_mcontext64) == 712,
              "rax to r15 are one array");

// In bytes from __fs: XMM0-15 as FXSAVE leaves them; the upper halves of YMM0-15 after what AVX
// reserves; the opmasks; the upper halves of ZMM0-15, and ZMM16-31 whole.
enum {
  XMM = 8 + 160, XMM_BYTES = 16 * 16,
  YMM_UPPER = 524 + 64, YMM_UPPER_BYTES = 16 * 16,
  ZMM = YMM_UPPER + YMM_UPPER_BYTES + 8 * 8, ZMM_BYTES = 16 * 32 + 16 * 64,
  AVX_SIZE = 1028, AVX512_SIZE = 2628,  // of the whole, before it is rounded up
};

void os_context_pc_sp(void *context, uintptr_t *pc, uintptr_t *sp) {
  const mcontext_t mc = ((ucontext_t *)context)->uc_mcontext;
  *pc = mc->__ss.__rip;
  *sp = mc->__ss.__rsp;
}

void os_context_call(void *context, uintptr_t fn, size_t redzone) {
  const mcontext_t mc = ((ucontext_t *)context)->uc_mcontext;
  const uintptr_t sp = mc->__ss.__rsp - redzone - sizeof(uintptr_t);
  *(uintptr_t *)sp = mc->__ss.__rip;
  mc->__ss.__rsp = sp;
  mc->__ss.__rip = fn;
}

void os_context_regs(void *context, struct rt_regfile *out) {
  const ucontext_t *uc = context;
  const mcontext_t mc = uc->uc_mcontext;
  unsigned char *fs = (unsigned char *)&mc->__fs;
  *out = (struct rt_regfile){.general = &mc->__ss.__rax, .ngeneral = 16};
  out->lanes[0] = (struct rt_lanes){fs + XMM, XMM_BYTES};
  if (uc->uc_mcsize >= AVX_SIZE) out->lanes[1] = (struct rt_lanes){fs + YMM_UPPER, YMM_UPPER_BYTES};
  if (uc->uc_mcsize >= AVX512_SIZE) out->lanes[2] = (struct rt_lanes){fs + ZMM, ZMM_BYTES};
}

int os_context_init(void) { return 0; }

void os_context_undo(void *context, uintptr_t addr) { (void)context, (void)addr; }
