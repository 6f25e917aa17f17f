// ucontext.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_UCONTEXT_H_
#define STACKLAB_DECLARATIONS_UCONTEXT_H_

#include <signal.h>

// mach/i386/_structs.h and mach/arm/_structs.h name the parts of the registers.
#ifdef __x86_64__
struct __darwin_mcontext64 {
  struct {
    uint16_t __trapno, __cpu;
    uint32_t __err;
    uint64_t __faultvaddr;
  } __es;
  struct {
    uint64_t __rax, __rbx, __rcx, __rdx, __rdi, __rsi, __rbp, __rsp;
    uint64_t __r8, __r9, __r10, __r11, __r12, __r13, __r14, __r15;
    uint64_t __rip, __rflags, __cs, __fs, __gs;
  } __ss;
  struct {
    int __fpu_reserved[2];
    unsigned char __fxsave[512];  // as FXSAVE writes it; the system names its parts
    int __fpu_reserved1;
  } __fs;
};
#else
struct __darwin_mcontext64 {
  struct {
    uint64_t __far;
    uint32_t __esr, __exception;
  } __es;
  struct {
    uint64_t __x[29], __fp, __lr, __sp, __pc;
    uint32_t __cpsr, __pad;
  } __ss;
  struct {
    __uint128_t __v[32];
    uint32_t __fpsr, __fpcr;
  } __ns;
};
#endif
typedef struct __darwin_mcontext64 *mcontext_t;

typedef struct __darwin_ucontext {
  int uc_onstack;
  sigset_t uc_sigmask;
  stack_t uc_stack;
  struct __darwin_ucontext *uc_link;
  size_t uc_mcsize;
  mcontext_t uc_mcontext;
} ucontext_t;

#endif
