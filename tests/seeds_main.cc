// seeds_main.cc: main of tests that run once per seed: with --gtest_repeat=N each round has the
// next GO_SEED, from 1, which every go_run of the test takes; with one P, or TEST_GOMAXPROCS.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "platform.h"

namespace {

class NextSeed : public testing::EmptyTestEventListener {
  void OnTestIterationStart(const testing::UnitTest &, int round) override {
    SetEnv("GO_SEED", std::to_string(round + 1));
  }
  void OnTestPartResult(const testing::TestPartResult &result) override {
    if (result.failed()) fprintf(stderr, "with GO_SEED=%s:\n", getenv("GO_SEED"));
  }
};

}  // namespace

int main(int argc, char **argv) {
  testing::InitGoogleTest(&argc, argv);
  if (!getenv("TEST_GOMAXPROCS")) SetEnv("TEST_GOMAXPROCS", "1");
  testing::UnitTest::GetInstance()->listeners().Append(new NextSeed);
  return RUN_ALL_TESTS();
}
