// arch.h: everything the runtime asks of the CPU.  One folder per CPU implements it.
#ifndef STACKLAB_RUNTIME_ARCH_ARCH_H_
#define STACKLAB_RUNTIME_ARCH_ARCH_H_

#if __SIZEOF_POINTER__ != 8 || !(__x86_64__ || __aarch64__ || __riscv)
#error "stacklab is for 64-bit processors: x86-64, AArch64 and RISC-V. i386 is out of scope"
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "runtime/stack/adjustwords.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rt_g;
struct rt_regfile;

// The bytes below SP that a leaf function may use without moving SP: 128 on x86-64 System V
// (psABI 3.2.2), 0 where the ABI has no red zone.
extern const size_t rt_arch_redzone_bytes;

// Whether frames go on where they have been moved to.  Not where return addresses are signed: SP is
// part of the signature (Arm ARM, "Pointer authentication"; -mbranch-protection=pac-ret).
#ifdef __ARM_FEATURE_PAC_DEFAULT
enum { RT_ARCH_FRAMES_MOVE = false };
#else
enum { RT_ARCH_FRAMES_MOVE = true };
#endif

// Whether compiled code can check for room (see below): x86-64 System V.
extern const bool rt_arch_has_marks;

// ---- The current goroutine -------------------------------------------------------------------
// A thread's current g is in a thread-local word that the switches below keep right: it names g
// exactly while SP is on g's stack.  It is read afresh at each call, never cached by the
// compiler, since a goroutine may wake on another thread.
static inline struct rt_g *rt_getg(void);  // NULL on a thread that is not the runtime's
struct rt_g *rt_getg_call(void);           // macOS: as a function, which keeps nothing

// ---- Switching stacks ------------------------------------------------------------------------
// The saved state of a goroutine that does not run is its SP, the first word of its struct rt_g;
// the callee-saved registers and the resume address lie above it, on the stack itself, and so
// move with it.

// rt_gloop runs goroutines from g0: calls next(arg) on the g0 stack and resumes the g it returns,
// over and over, until it returns NULL; then returns.  *g0_sp is set, once, to the SP that
// rt_mcall_to and rt_onstack are to use while a goroutine runs.
void rt_gloop(struct rt_g *(*next)(void *), void *arg, uintptr_t *g0_sp);

// rt_gogo leaves the current stack for g's saved state, and forgets it: the tail of rt_gloop.
__attribute__((noreturn)) void rt_gogo(struct rt_g *g);

// rt_mcall_to leaves g for g0: saves the caller's state in g, makes g0 current, calls fn(g) in
// the rt_gloop that g0_sp belongs to, and when fn returns, goes on with that loop.  From the
// caller's side it returns when somebody resumes g.
void rt_mcall_to(struct rt_g *g, void (*fn)(struct rt_g *), uintptr_t g0_sp, struct rt_g *g0);

// Where a stack lies, for a system that keeps that with the thread (os_stack_limit).
struct rt_extent {
  uintptr_t lo, hi, limit;
};

// rt_onstack calls fn(arg) on the stack whose top is sp (16-byte aligned), and which lies as `on`
// says, with `current` as the current g, and returns on the caller's stack with the caller's g
// current again.
void rt_onstack(void (*fn)(void *), void *arg, uintptr_t sp, struct rt_g *current,
                const struct rt_extent *on);

// rt_gostack prepares a fresh stack that ends at hi: resumed at the SP it returns, it calls
// entry(), which must not return.  Unwinding ends there.  Writes within the top 256 bytes, and
// takes some more.
uintptr_t rt_gostack(uintptr_t hi, void (*entry)(void));

// rt_onframe calls fn(arg) such that unwinders find, above it, the frames of a goroutine that does
// not run and whose saved SP is `sp`; rt_savedpc is the pc of the first of them.
void rt_onframe(void (*fn)(void *), void *arg, uintptr_t sp);
uintptr_t rt_savedpc(uintptr_t sp);
void rt_gostart(void);  // the first of its frames; not to be called

// rt_getsp returns SP itself.  Not __builtin_frame_address: where the caller is inlined into a
// function that has called alloca, the frame address lies above all of that.
static inline uintptr_t rt_getsp(void);

#if defined(__APPLE__)
static inline struct rt_g *rt_getg(void) { return rt_getg_call(); }
#elif defined(_WIN64)
static inline struct rt_g *rt_getg(void) {
  struct rt_g *g;
  uintptr_t module;
  __asm__ volatile("movl _tls_index(%%rip), %k1\n\tmovq %%gs:0x58, %0\n\tmovq (%0,%1,8), %0\n\t"
                   "movq rt_tls_g@SECREL32(%0), %0"
                   : "=&r"(g), "=&r"(module));
  return g;
}
#elif defined(__x86_64__)
static inline struct rt_g *rt_getg(void) {
  struct rt_g *g;
  __asm__ volatile("movq rt_tls_g@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(g));
  return g;
}
#elif defined(__aarch64__)
static inline struct rt_g *rt_getg(void) {
  struct rt_g *g;
  uintptr_t thread;
  __asm__ volatile("adrp %0, :gottprel:rt_tls_g\n\tldr %0, [%0, :gottprel_lo12:rt_tls_g]\n\t"
                   "mrs %1, tpidr_el0\n\tldr %0, [%1, %0]"
                   : "=&r"(g), "=&r"(thread));
  return g;
}
#elif defined(__riscv)
static inline struct rt_g *rt_getg(void) {
  struct rt_g *g;
  __asm__ volatile("la.tls.ie %0, rt_tls_g\n\tadd %0, %0, tp\n\tld %0, 0(%0)" : "=r"(g));
  return g;
}
#endif

static inline uintptr_t rt_getsp(void) {
  uintptr_t sp;
#if defined(__x86_64__)
  __asm__ volatile("movq %%rsp, %0" : "=r"(sp));
#elif defined(__aarch64__)
  __asm__ volatile("mov %0, sp" : "=r"(sp));
#elif defined(__riscv)
  __asm__ volatile("mv %0, sp" : "=r"(sp));
#endif
  return sp;
}

// ---- Checks in compiled code ------------------------------------------------------------------
// A function that was compiled with -fsplit-stack begins with a comparison of SP, less its frame if
// that is large, with a low-water mark, and calls for more stack unless SP is above.  The mark is a
// word of the thread: the switches above set it to that of the goroutine they go to, and to 0 on
// the way to every other stack, where the comparison never fails.  x86-64 System V only.

// rt_morestack is what such a function gets, on g0 with all of g's registers saved on its stack: it
// makes room for `bytes` below sp, and returns where sp is now.  pc: in the function.  Of the
// scheduler.
uintptr_t rt_morestack(struct rt_g *g, uintptr_t sp, size_t bytes, uintptr_t pc);

// rt_morestack_moved is called next if SP is elsewhere now, on g0 still, and from where an unwinder
// finds the frames of g on its new stack.
void rt_morestack_moved(struct rt_g *g, uintptr_t pc);

// ---- Asynchronous preemption -----------------------------------------------------------------
// rt_asyncpreempt is what an interrupted goroutine finds itself at, below the red zone of the
// interrupted SP.  It calls rt_asyncpreempt2, and goes on where it was with every register that the
// program can see.  x86-64: it finds the interrupted pc as its return address, and saves the rest
// itself (flags, general, x87, SSE, AVX, AVX-512; not AMX tiles).  Elsewhere no register is free to
// jump with: it finds the signal frame at SP, and has the system return to that.
void rt_asyncpreempt(void);
void rt_asyncpreempt2(void);  // of the scheduler

// rt_asyncpreempt_bytes returns how much stack that takes below the interrupted SP, with some room
// for rt_asyncpreempt2.  After rt_regfile_init.
size_t rt_asyncpreempt_bytes(void);

// rt_regfile_savable tells whether rt_asyncpreempt saves all that is in use.  [signal-safe]
bool rt_regfile_savable(const struct rt_regfile *regs);

// rt_cpu_relax tells the CPU that this is a spin loop.
void rt_cpu_relax(void);

// ---- The interrupted register file -----------------------------------------------------------
// The parts of a signal frame that may hold pointers.
struct rt_lanes {
  unsigned char *at;
  size_t bytes;
};
struct rt_regfile {
  uint64_t *general;       // the general registers, SP among them
  size_t ngeneral;
  unsigned char *vector;   // the CPU's vector state as the system saved it, 8-byte aligned; or NULL
  size_t vector_bytes;
  struct rt_lanes lanes[3];  // 64-bit lanes of vector registers without any of that, at any address
};

// rt_regfile_init asks the CPU for the layout of its vector state.  Call it once, before faults.
void rt_regfile_init(void);

// rt_regfile_adjust applies mv to every general register and to every 64-bit lane of every
// vector register, and returns how many words moved.  A vector state that is too short for what
// it says it holds is adjusted as far as it goes.  [signal-safe]
uint64_t rt_regfile_adjust(const struct rt_regfile *regs, const struct rt_wordmove *mv);

// rt_lanes_adjust does that for the lanes alone.  [signal-safe]
static inline uint64_t rt_lanes_adjust(const struct rt_regfile *regs,
                                       const struct rt_wordmove *mv) {
  uint64_t adjusted = 0;
  for (size_t i = 0; i < sizeof regs->lanes / sizeof *regs->lanes; i++) {
    for (size_t at = 0; at + 8 <= regs->lanes[i].bytes; at += 8) {
      uint64_t w;
      __builtin_memcpy(&w, regs->lanes[i].at + at, 8);
      w = rt_adjustword(w, mv, &adjusted);
      __builtin_memcpy(regs->lanes[i].at + at, &w, 8);
    }
  }
  return adjusted;
}

#ifdef __cplusplus
}
#endif
#endif
