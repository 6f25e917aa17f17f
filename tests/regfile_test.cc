// regfile_test.cc: every register that holds a pointer into the stack when an instruction faults
// holds it afterwards, moved; every register that holds something else holds that.
#include <gtest/gtest.h>
#include <signal.h>
#include <ucontext.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "tests/goroutine.h"
#include "tests/signal_cases.h"

namespace {

const char *const kNames[CASE_GENERAL] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8",
                                          "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

// The bounds before and after the fault of one case.
struct Moved {
  uintptr_t lo, hi, new_hi;
};

// Runs a case that stores below SP = lo, in words made by fill(bounds).
template <typename Fill>
Moved Fault(void (*run)(uintptr_t), const Fill &fill) {
  Moved m = {};
  const Swept swept = Sweep(0, 1, 1, [&](int) {
    m.lo = Bounds().lo;
    m.hi = Bounds().hi;
    fill(m);
    run(m.lo);
    m.new_hi = Bounds().hi;
  });
  EXPECT_EQ(swept.growths, 1u);
  return m;
}

TEST(GeneralRegisters, AllMoveWithTheStackTheyPointInto) {
  const Moved m = Fault(case_general, [](const Moved &b) {
    for (uintptr_t i = 0; i < CASE_GENERAL; i++) case_general_in[i] = b.lo + 8 + i * 100;
  });
  for (int i = 0; i < CASE_GENERAL; i++)
    EXPECT_EQ(case_general_out[i], case_general_in[i] + m.new_hi - m.hi) << kNames[i];
}

TEST(GeneralRegisters, MoveFromHiDownToFarBelowTheStack) {
  const Moved m = Fault(case_general, [](const Moved &b) {
    const uintptr_t slot_lo = b.hi + 4096 - (uintptr_t{64} << 20);
    for (uintptr_t i = 0; i < CASE_GENERAL; i++)
      case_general_in[i] = i % 3 == 0 ? b.hi : i % 3 == 1 ? b.lo - 1000000 : slot_lo;
  });
  for (int i = 0; i < CASE_GENERAL; i++)
    EXPECT_EQ(case_general_out[i], case_general_in[i] + m.new_hi - m.hi) << kNames[i];
}

TEST(GeneralRegisters, StayWhereTheyPointElsewhere) {
  Fault(case_general, [](const Moved &b) {
    const uintptr_t slot_lo = b.hi + 4096 - (uintptr_t{64} << 20);
    const uint64_t values[] = {b.hi + 1, slot_lo - 1, 0, ~uint64_t{0}, b.lo << 16, b.lo >> 1};
    for (size_t i = 0; i < CASE_GENERAL; i++) case_general_in[i] = values[i % 6];
  });
  for (int i = 0; i < CASE_GENERAL; i++)
    EXPECT_EQ(case_general_out[i], case_general_in[i]) << kNames[i];
}

class AStoreThrough : public testing::TestWithParam<int> {};

TEST_P(AStoreThrough, ArrivesOnTheNewStack) {
  uint64_t failed = 99;
  const Swept swept = Sweep(0, 72, 8, [&](int k) {
    failed = case_store_through(Bounds().lo + static_cast<uintptr_t>(k), GetParam());
    if (failed) abort();
  });
  EXPECT_EQ(failed, 0u);
  EXPECT_EQ(swept.growths, 8u);
}

INSTANTIATE_TEST_SUITE_P(EachRegister, AStoreThrough, testing::Range(0, int{CASE_GENERAL}),
                         [](const auto &info) { return std::string(kNames[info.param]); });

// ---- Vectors -----------------------------------------------------------------------------------

// Pointers in some lanes, other words in the rest, no two alike.
void FillVectors(const Moved &b) {
  for (uint64_t v = 0; v < CASE_VECTORS; v++)
    for (uint64_t lane = 0; lane < 8; lane++)
      case_vector_in[v][lane] =
          (v + lane) % 3 == 2 ? ~(v * 8 + lane) : b.lo + 16 + (v * 8 + lane) * 8;
}

void ExpectVectorsMoved(const Moved &m, int vectors, int lanes) {
  for (int v = 0; v < vectors; v++)
    for (int lane = 0; lane < lanes; lane++) {
      const uint64_t in = case_vector_in[v][lane];
      const uint64_t delta = (v + lane) % 3 == 2 ? 0 : m.new_hi - m.hi;
      EXPECT_EQ(case_vector_out[v][lane], in + delta) << "vector " << v << ", lane " << lane;
    }
}

TEST(VectorRegisters, MoveLaneByLaneXmm) {
  const Moved m = Fault(case_xmm, FillVectors);
  ExpectVectorsMoved(m, 16, 2);
}

TEST(VectorRegisters, MoveLaneByLaneYmm) {
  if (!__builtin_cpu_supports("avx")) GTEST_SKIP() << "this CPU has no AVX";
  const Moved m = Fault(case_ymm, FillVectors);
  ExpectVectorsMoved(m, 16, 4);
}

TEST(VectorRegisters, MoveLaneByLaneZmm) {
  if (!__builtin_cpu_supports("avx512f")) GTEST_SKIP() << "this CPU has no AVX-512";
  const Moved m = Fault(case_zmm, FillVectors);
  ExpectVectorsMoved(m, 32, 8);
}

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
