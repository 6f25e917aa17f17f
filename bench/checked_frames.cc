// Frames with checks (checked_frames.h).
#include "bench/checked_frames.h"

#include "bench/frames.h"

void checkedDescend(size_t frame, size_t bytes) { descendBy(frame, bytes); }

void checkedTouch() {
  volatile char frame[4096];
  benchmark::DoNotOptimize(&frame);
  frame[0] = 1;
}
