// regfile_x86_64.cc: the registers of regfile_cases_x86_64.S, and what of them is counted.
#include <gtest/gtest.h>
#include <signal.h>
#include <ucontext.h>

#include <cstdint>
#include <cstring>
#include <memory>

#include "tests/goroutine.h"
#include "tests/regfile_cases.h"

static const char *NoAvx() {
  return __builtin_cpu_supports("avx") ? nullptr : "this CPU has no AVX";
}
static const char *NoAvx512() {
  return __builtin_cpu_supports("avx512f") ? nullptr : "this CPU has no AVX-512";
}

const char *const case_general_names[] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8",
                                          "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
const unsigned case_ngeneral = 15;
const case_vectors case_kinds_of_vectors[] = {{"Xmm", case_xmm, 16, 2, nullptr},
                                              {"Ymm", case_ymm, 16, 4, NoAvx},
                                              {"Zmm", case_zmm, 32, 8, NoAvx512}};
const int case_nkinds_of_vectors = 3;

namespace {

// ---- What is counted ---------------------------------------------------------------------------

rt_gstack *interrupted;
rt_stackcache *of_thread;
int grown;
greg_t registers[3];

// As if an instruction with pointers into a goroutine's stack in three registers had faulted.
void OnSignal(int, siginfo_t *, void *context) {
  auto *uc = static_cast<ucontext_t *>(context);
  greg_t(&regs)[NGREG] = uc->uc_mcontext.gregs;
  greg_t saved[NGREG];
  struct _libc_fpstate vectors = *uc->uc_mcontext.fpregs;
  memcpy(saved, regs, sizeof saved);
  memset(regs, 0, sizeof saved);
  memset(uc->uc_mcontext.fpregs->_xmm, 0, sizeof vectors._xmm);
  regs[REG_R12] = static_cast<greg_t>(interrupted->stack.hi);
  regs[REG_RBP] = static_cast<greg_t>(interrupted->stack.hi - 16);
  regs[REG_RDI] = static_cast<greg_t>(interrupted->stack.lo - 8);
  os_fault fault = {};
  fault.context = uc;
  grown = rt_growatfault(interrupted, of_thread, &fault, 16384, interrupted->sp);
  registers[0] = regs[REG_R12], registers[1] = regs[REG_RBP], registers[2] = regs[REG_RDI];
  memcpy(regs, saved, sizeof saved);
  *uc->uc_mcontext.fpregs = vectors;
}

TEST(RegFile, WhatMovesWithAFaultIsCountedBesideTheWords) {
  const rt_stack_config config = {};
  ASSERT_EQ(rt_stackinit(&config), 0);
  auto cache = std::make_unique<rt_stackcache>();
  rt_gstack gs = {};
  gs.growth = rt_growth_find("signal");
  gs.initial = 8192;
  gs.max = 1 << 20;
  ASSERT_EQ(gs.growth->alloc(&gs, cache.get()), 0);
  ASSERT_EQ(rt_stackcommit(&gs.stack), 0);
  gs.sp = gs.stack.hi - 64;
  memset(reinterpret_cast<void *>(gs.sp), 0, 64);
  memcpy(reinterpret_cast<void *>(gs.sp), &gs.stack.hi, 8);
  const uintptr_t old_hi = gs.stack.hi, old_lo = gs.stack.lo;
  interrupted = &gs;
  of_thread = cache.get();
  grown = -1;
  struct sigaction action = {}, before;
  action.sa_sigaction = OnSignal;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGUSR1, &action, &before);
  raise(SIGUSR1);
  sigaction(SIGUSR1, &before, nullptr);
  ASSERT_EQ(grown, 0);
  const uintptr_t delta = gs.stack.hi - old_hi;
  EXPECT_EQ(registers[0], static_cast<greg_t>(old_hi + delta));
  EXPECT_EQ(registers[1], static_cast<greg_t>(old_hi - 16 + delta));
  EXPECT_EQ(registers[2], static_cast<greg_t>(old_lo - 8 + delta));
  EXPECT_EQ(cache->last.words_adjusted, 4u);
  EXPECT_EQ(cache->stats.words_adjusted, 4u);
  EXPECT_EQ(cache->stats.growths_by_fault, 1u);
  rt_stackfree(cache.get(), &gs.stack);
  rt_stackcache_flush(cache.get());
}

}  // namespace
