// preempt_regs_x86_64.cc: whoever is interrupted does not notice, by any register: a part of
// preempt_test.cc.
#include <gtest/gtest.h>

#include <cstring>

#include "tests/goroutine.h"
#include "tests/preempt_cases_x86_64.h"
#include "tests/storm.h"

namespace {

go_waitgroup done;

int Vectors() {
  if (__builtin_cpu_supports("avx512f")) return 2;
  return __builtin_cpu_supports("avx") ? 1 : 0;
}

void FillPattern(preempt_regs *r) {
  unsigned char *bytes = reinterpret_cast<unsigned char *>(r);
  for (size_t i = 0; i < sizeof *r; i++) bytes[i] = static_cast<unsigned char>(0x80 | (i * 37));
  r->flags = 0xcd5 | 0x2;  // carry, parity, adjust, zero, sign, direction and overflow
  r->mxcsr = 0xbf80;       // round up, flush to zero, everything masked
  r->fpucw = 0x0b7f;       // round up
  r->st0 = 3.14159;
  for (auto &k : r->kmask) k &= 0xffff;
}

TEST(Preempt, EveryRegisterSurvivesAHundredThousandTimes) {
  SKIP_IF_SANITIZED();
  static preempt_regs in, out;
  for (int i = 0; go_growth_name(i); i++) {
    for (int vectors = 0; vectors <= Vectors(); vectors++) {
      FillPattern(&in);
      memset(&out, 0, sizeof out);
      go_config config = Procs(1, go_growth_name(i));
      config.stack_debug = vectors == 1 ? "forcemove" : "";
      const uint64_t times = vectors == Vectors() ? 100000 : 5000;
      const uint64_t before = Stats().preemptions;
      static int level;
      level = vectors;
      ASSERT_EQ(RunFirst(config, [times] {
        const Storm storm(times);
        go_waitgroup_add(&done, 1);
        Go([](void *) {
          preempt_spin(&in, &out, level);
          go_waitgroup_done(&done);
        });
        while (!preempt_stop) {
          preempt_clobber(level);
          go_yield();
        }
        go_waitgroup_wait(&done);
      }), GO_OK);
      EXPECT_GE(Stats().preemptions - before, times);
      for (int r = 0; r < 15; r++) {
        if (r == 1 || r == 2 || r == 0) continue;
        EXPECT_EQ(out.general[r], in.general[r]) << "general register " << r;
      }
      EXPECT_EQ(out.general[0], in.general[0]);
      EXPECT_EQ(static_cast<int64_t>(out.general[1]), -72) << "a pointer into the stack";
      EXPECT_EQ(out.flags & 0xcd5, in.flags & 0xcd5);
      EXPECT_EQ(out.mxcsr & 0xffc0, in.mxcsr & 0xffc0);
      EXPECT_EQ(out.fpucw, in.fpucw);
      EXPECT_EQ(out.st0, in.st0);
      for (int k = 0; k < 12; k++) EXPECT_EQ(out.redzone[k], in.redzone[k]) << k;
      const size_t bytes = vectors == 0 ? 16 : vectors == 1 ? 32 : 64;
      for (int v = 0; v < (vectors == 2 ? 32 : 16); v++)
        EXPECT_EQ(memcmp(out.vector[v], in.vector[v], bytes), 0) << "vector register " << v;
      for (int k = 0; vectors == 2 && k < 7; k++) EXPECT_EQ(out.kmask[k], in.kmask[k]) << k;
    }
  }
}

}  // namespace
