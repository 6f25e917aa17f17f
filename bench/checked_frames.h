// checked_frames.h: frames.h compiled with -fsplit-stack.
#ifndef STACKLAB_BENCH_CHECKED_FRAMES_H_
#define STACKLAB_BENCH_CHECKED_FRAMES_H_

#include <cstddef>

void checkedDescend(size_t frame, size_t bytes);  // frame: 128, 1024 or 16384 bytes
void checkedTouch();                              // one frame of 4 KiB

#endif
