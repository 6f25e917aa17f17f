// emulator.h: what an emulator cannot do.  The configurations of .bazelrc whose tests run in one
// name it in the variable EMULATOR.
#ifndef STACKLAB_TESTS_EMULATOR_H_
#define STACKLAB_TESTS_EMULATOR_H_

#include <gtest/gtest.h>

#include <cstdlib>

// Why: what it does otherwise than the system, after its name: "ignores RLIMIT_AS".
#define SKIP_IN_EMULATOR(why) \
  if (getenv("EMULATOR")) GTEST_SKIP() << getenv("EMULATOR") << " " << why

#endif
