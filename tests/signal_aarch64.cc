// signal_aarch64.cc: AArch64 instructions that fault half-way (signal_test.cc).
//
// What lies in memory between two of them decides nothing: a base that is written back counts from
// the word where the instruction ends.  The disassembly of the most common one, the prologue of a
// function, and what the handler sees of it on a guard that begins at SP:
//
//     a9be7bfd  stp x29, x30, [sp, #-32]!     pc here, si_addr = sp - 32, sp as before
//
// An emulator that works in steps would have written SP back already.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/auxv.h>
#include <ucontext.h>

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/arch/aarch64/preindexed.h"
#include "tests/at_every_byte.h"
#include "tests/goroutine.h"

extern "C" {
typedef uint64_t case_fn(uintptr_t sp);
case_fn case_str_preindexed, case_stp_preindexed, case_stp_vectors_preindexed,
    case_str_postindexed, case_ldr_preindexed, case_str, case_strh, case_stp, case_ldr, case_st4,
    case_exclusive, case_ldadd, case_casp, case_fill_below, case_biased_base, case_large_frame,
    case_probe_loop;
}

namespace {

const char *NoLse() {
  return getauxval(AT_HWCAP) & HWCAP_ATOMICS ? nullptr : "this CPU has no LSE";
}

struct Instruction {
  const char *name;
  case_fn *run;
  int reach;  // bytes below SP that it touches
  int step = 1;
  const char *(*missing)() = nullptr;
};

class AnInstructionThatFaults : public testing::TestWithParam<Instruction> {};

TEST_P(AnInstructionThatFaults, IsRetriedWithTheSameResultAtEveryByte) {
  if (GetParam().missing && GetParam().missing()) GTEST_SKIP() << GetParam().missing();
  ExpectRightAtEveryByte(GetParam().run, GetParam().reach, GetParam().step);
}

const Instruction kInstructions[] = {
    {"StrPreIndexed", case_str_preindexed, 16, 16},
    {"StpPreIndexed", case_stp_preindexed, 512, 16},
    {"StpOfVectorsPreIndexed", case_stp_vectors_preindexed, 64, 16},
    {"StrPostIndexed", case_str_postindexed, 8},
    {"LdrPreIndexed", case_ldr_preindexed, 40},
    {"Str", case_str, 8},
    {"Strh", case_strh, 2},
    {"Stp", case_stp, 16},
    {"Ldr", case_ldr, 8},
    {"St4", case_st4, 64},
    {"Casp", case_casp, 16, 16, NoLse},
    {"BiasedBase", case_biased_base, 64, 8},
};

INSTANTIATE_TEST_SUITE_P(Signal, AnInstructionThatFaults, testing::ValuesIn(kInstructions),
                         [](const auto &info) { return std::string(info.param.name); });

// The word that is read lies below the live bytes of the old stack: poison says what it holds.
TEST(AReadModifyWriteThatFaults, HappensOnce) {
  go_config config = SmallStacks();
  config.stack_debug = "poison";
  for (case_fn *run : {case_exclusive, case_ldadd}) {
    if (run == case_ldadd && NoLse()) GTEST_SKIP() << NoLse();
    uint64_t failed = 99;
    const Swept swept = Sweep(0, 1, 1, [&](int) { failed = run(Bounds().lo); }, config);
    EXPECT_EQ(failed, 0u);
    EXPECT_EQ(swept.growths, 1u);
  }
}

// ---- A CPU that is less careful ----------------------------------------------------------------

struct sigaction of_runtime;
int undone;

// Shows the runtime's handler what an emulator would that writes the base back before it stores.
void WriteBackFirst(int sig, siginfo_t *info, void *context) {
  mcontext_t *mc = &static_cast<ucontext_t *>(context)->uc_mcontext;
  rt_preindexed in = {};
  if (rt_preindexed_decode(*reinterpret_cast<const uint32_t *>(mc->pc), &in)) {
    uint64_t *base = in.base == RT_PREINDEXED_SP ? reinterpret_cast<uint64_t *>(&mc->sp)
                                                 : reinterpret_cast<uint64_t *>(&mc->regs[in.base]);
    *base += static_cast<uint64_t>(int64_t{in.offset});
    undone++;
  }
  of_runtime.sa_sigaction(sig, info, context);
}

TEST(AnInstructionThatHasWrittenItsBaseBack, IsUndoneBeforeItRunsAgain) {
  for (case_fn *run : {case_str_preindexed, case_stp_preindexed, case_stp_vectors_preindexed,
                       case_str_postindexed, case_ldr_preindexed}) {
    uint64_t failed = 99;
    undone = 0;
    const Swept swept = Sweep(0, 1, 1, [&](int) {
      struct sigaction first = {};
      sigaction(SIGSEGV, nullptr, &of_runtime);
      first = of_runtime;
      first.sa_sigaction = WriteBackFirst;
      sigaction(SIGSEGV, &first, nullptr);
      failed = run(Bounds().lo);
      sigaction(SIGSEGV, &of_runtime, nullptr);
    });
    EXPECT_EQ(failed, 0u);
    EXPECT_EQ(swept.growths, 1u);
    EXPECT_EQ(undone, 1);
  }
}

// ---- Pointers that leave the stack before SP does ----------------------------------------------

TEST(APointerBelowTheStack, MovesThoughSpIsStillAboveIt) {
  const Swept swept = Sweep(0, 512, 16, [](int k) {
    if (case_fill_below(Bounds().lo + static_cast<uintptr_t>(k))) abort();
  });
  // One growth for the push or the first byte that is filled; none twice.
  EXPECT_EQ(swept.growths, 32u);
}

TEST(AProbeLoop, EndsAtTheEndThatMovedWithIt) {
  std::vector<uint64_t> failed(64, 99);
  const Swept swept = Sweep(0, 64, 16, [&](int k) {
    failed[static_cast<size_t>(k)] = case_probe_loop(Bounds().lo + static_cast<uintptr_t>(k));
  });
  for (size_t k = 0; k < 64; k += 16) EXPECT_EQ(failed[k], 0u) << "at lo + " << k;
  // 8 KiB to 2 MiB by doubling, a page at a time.
  EXPECT_LE(swept.growths, 4u * 8);
}

TEST(AFrameOf64KiB, GrowsAStackOf8KiBOnceAtEveryOffset) {
  std::vector<uint64_t> failed(512, 99);
  const Swept swept = Sweep(0, 512, 16, [&](int k) {
    failed[static_cast<size_t>(k)] = case_large_frame(Bounds().lo + static_cast<uintptr_t>(k));
  });
  for (size_t k = 0; k < 512; k += 16) EXPECT_EQ(failed[k], 0u) << "at lo + " << k;
  EXPECT_EQ(swept.growths, 32u);
}

}  // namespace
