// preempt_regs_risc.cc: whoever is interrupted does not notice, by any register (preempt_test.cc).
#include <gtest/gtest.h>

#include <cstring>

#include "tests/goroutine.h"
#include "tests/preempt_cases_risc.h"
#include "tests/storm.h"

namespace {

go_waitgroup done;

void FillPattern(preempt_regs *r) {
  unsigned char *bytes = reinterpret_cast<unsigned char *>(r);
  for (size_t i = 0; i < sizeof *r; i++) bytes[i] = static_cast<unsigned char>(0x80 | (i * 37));
  r->flags = preempt_flags;
  r->control = preempt_control;
}

TEST(Preempt, EveryRegisterSurvivesThousandsOfTimes) {
  SKIP_IF_SANITIZED();
  static preempt_regs in, out;
  for (int i = 0; go_growth_name(i); i++) {
    for (const char *debug : {"", "forcemove"}) {
      FillPattern(&in);
      out = in;
      go_config config = Procs(1, go_growth_name(i));
      config.stack_debug = debug;
      enum { kTimes = 10000 };
      const uint64_t before = Stats().preemptions;
      ASSERT_EQ(RunFirst(config, [] {
        const Storm storm(kTimes);
        go_waitgroup_add(&done, 1);
        Go([](void *) {
          preempt_spin(&in, &out);
          go_waitgroup_done(&done);
        });
        while (!preempt_stop) {
          preempt_clobber();
          go_yield();
        }
        go_waitgroup_wait(&done);
      }), GO_OK);
      EXPECT_GE(Stats().preemptions - before, Storm::Times(kTimes));
      for (int r = 0; r < 32; r++)
        EXPECT_EQ(out.general[r], in.general[r]) << "general register " << r;
      for (int v = 0; v < 32; v++)
        for (int w = 0; w < 2; w++)
          EXPECT_EQ(out.vector[v][w], in.vector[v][w]) << "vector register " << v << ", word " << w;
      EXPECT_EQ(out.flags, in.flags);
      EXPECT_EQ(out.control, in.control);
      EXPECT_EQ(out.pointer, -64) << "a pointer into the stack";
    }
  }
}

}  // namespace
