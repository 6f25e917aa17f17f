// A CPU whose vector state nobody has described yet (lanes.h): none of it may change.
#include "fuzz/lanes.h"

size_t lanes_bytes(void) { return 64; }

void lanes_dress(unsigned char *area, size_t bytes, const uint8_t shape[LANES_SHAPE]) {
  (void)area, (void)bytes, (void)shape;
}

size_t lanes_find(const unsigned char *area, size_t bytes, size_t offsets[LANES_MAX]) {
  (void)area, (void)bytes, (void)offsets;
  return 0;
}
