// frames.h: using stack: frames of a given size, in recursion.  Each source that includes this has
// functions of its own, compiled as it is: with checks for room, or without.
#ifndef STACKLAB_BENCH_FRAMES_H_
#define STACKLAB_BENCH_FRAMES_H_

#include <benchmark/benchmark.h>

#include <cstddef>

namespace {

// Calls itself until about `bytes` of stack are used, in frames that hold Frame bytes and what a
// call takes beside, at most kCallBytes.
constexpr size_t kCallBytes = 48;

template <size_t Frame>
__attribute__((noinline)) void descend(size_t bytes) {
  volatile char frame[Frame];
  frame[0] = 1;
  benchmark::DoNotOptimize(&frame);
  if (bytes > 2 * (Frame + kCallBytes)) descend<Frame>(bytes - Frame - kCallBytes);
  frame[Frame - 1] = 1;  // not a tail call
}

inline void descendBy(size_t frame, size_t bytes) {
  if (frame == 128) descend<128>(bytes);
  if (frame == 1024) descend<1024>(bytes);
  if (frame == 16384) descend<16384>(bytes);
}

}  // namespace

#endif
