// threads_main.cc: main of tests that run many times on threads: with --gtest_repeat=N the rounds
// have GOMAXPROCS 1, 2 and 4 in turn.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "platform.h"

namespace {

class NextProcs : public testing::EmptyTestEventListener {
  void OnTestIterationStart(const testing::UnitTest &, int round) override {
    static const char *const procs[] = {"1", "2", "4"};
    SetEnv("TEST_GOMAXPROCS", procs[round % 3]);
  }
  void OnTestPartResult(const testing::TestPartResult &result) override {
    if (result.failed()) fprintf(stderr, "with GOMAXPROCS=%s:\n", getenv("TEST_GOMAXPROCS"));
  }
};

}  // namespace

int main(int argc, char **argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::UnitTest::GetInstance()->listeners().Append(new NextProcs);
  return RUN_ALL_TESTS();
}
