// regfile_riscv64.cc: the registers of regfile_cases_riscv64.S.
#include <gtest/gtest.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

extern "C" {
#include "runtime/os/posix/context.h"
}
#include "tests/regfile_cases.h"

const char *const case_general_names[] = {
    "ra", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
    "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11",
    "t3", "t4", "t5", "t6"};
const unsigned case_ngeneral = 28;
const case_vectors case_kinds_of_vectors[] = {{"F", case_f, 32, 1, nullptr}};
const int case_nkinds_of_vectors = 1;

namespace {

// What the kernel lays down for a thread that has used V (arch/riscv/kernel/signal.c,
// save_v_state): a header at the end of the floating registers' room, behind it
// struct __riscv_v_ext_state, then v0-v31.  qemu-user 7.2 does not.
struct Frame {
  ucontext_t uc;
  uint64_t vstart, vl, vtype, vcsr, vlenb, *datap;
  alignas(16) uint64_t v[32][2];
};
static_assert(offsetof(Frame, vstart) == sizeof(ucontext_t));

TEST(RegFile, VectorsThatLieBehindTheContextMoveAndAreNotSavable) {
  Frame frame = {};
  frame.vlenb = 16;
  frame.datap = frame.v[0];
  frame.v[0][0] = 0x20000 - 8;
  frame.v[31][1] = 0x20000;
  frame.uc.uc_mcontext.__gregs[31] = 0x20000 - 16;
  rt_wordmove move = {};
  move.first = 0x10000;
  move.last = 0x20000;
  move.delta = 0x5000;
  rt_regfile regs;
  os_context_regs(&frame.uc, &regs);
  EXPECT_TRUE(rt_regfile_savable(&regs)) << "V has not been used";
  const uint32_t header[2] = {0x53465457, 8 + 48 + sizeof frame.v};
  memcpy(reinterpret_cast<char *>(&frame.vstart) - sizeof header, header, sizeof header);
  os_context_regs(&frame.uc, &regs);
  EXPECT_FALSE(rt_regfile_savable(&regs));
  EXPECT_EQ(rt_regfile_adjust(&regs, &move), 3u);
  EXPECT_EQ(frame.v[0][0], 0x25000u - 8);
  EXPECT_EQ(frame.v[31][1], 0x25000u);
  EXPECT_EQ(frame.uc.uc_mcontext.__gregs[31], 0x25000u - 16);
}

}  // namespace
