// at_every_byte.h: a case with the end of its stack at every byte of what it touches.
#ifndef STACKLAB_TESTS_AT_EVERY_BYTE_H_
#define STACKLAB_TESTS_AT_EVERY_BYTE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "tests/goroutine.h"

// Runs a case with SP 0, 1, 2, .. bytes above lo; it touches memory down to `reach` below SP, so
// that it grows the stack exactly where SP is closer to lo than that.
inline void ExpectRightAtEveryByte(uint64_t (*run)(uintptr_t), int reach, int step = 1,
                            const go_config &config = SmallStacks()) {
  const int end = reach + 64 / step * step;
  std::vector<uint64_t> failed(static_cast<size_t>(end), 99);
  const Swept swept = Sweep(
      0, end, step,
      [&](int k) {
        failed[static_cast<size_t>(k)] = run(Bounds().lo + static_cast<uintptr_t>(k));
      },
      config);
  for (int k = 0; k < end; k += step)
    EXPECT_EQ(failed[static_cast<size_t>(k)], 0u) << "check that failed, at lo + " << k;
  EXPECT_EQ(swept.growths, static_cast<uint64_t>((reach + step - 1) / step));
}

#endif
