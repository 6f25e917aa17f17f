// What Linux has after the general registers in a signal frame on RISC-V (lanes.h):
// arch/riscv/include/uapi/asm/sigcontext.h and ptrace.h.  f0-f31 and fcsr; at 520 the record of the
// vector extension, or the end; v0-v31 lie where that says, here behind it.
#include "fuzz/lanes.h"

#include <string.h>

enum {
  FLOATS = 32,
  RECORD = 520,
  V_MAGIC = 0x53465457,
  VLENB = RECORD + 8 + 32,
  DATAP = RECORD + 8 + 40,
  VECTORS = DATAP + 8,
  VECTOR_BYTES = 16,
  END = VECTORS + 32 * VECTOR_BYTES,
};

size_t lanes_bytes(void) { return END + 8; }

static void put(unsigned char *area, size_t bytes, size_t at, const void *value, size_t size) {
  if (at + size <= bytes) memcpy(area + at, value, size);
}

void lanes_dress(unsigned char *area, size_t bytes, const uint8_t shape[LANES_SHAPE]) {
  const uint32_t end[2] = {0};
  // Too small, or larger than what there is: no record.
  const uint32_t header[2] = {V_MAGIC, shape[1] & 1   ? 8
                                       : shape[1] & 2 ? END - RECORD + 64
                                                      : END - RECORD};
  const uint64_t vlenb = VECTOR_BYTES;
  const unsigned char *const registers = area + VECTORS;
  put(area, bytes, RECORD, shape[0] & 1 ? header : end, sizeof header);
  put(area, bytes, VLENB, &vlenb, sizeof vlenb);
  put(area, bytes, DATAP, &registers, sizeof registers);
  put(area, bytes, END, end, sizeof end);
}

size_t lanes_find(const unsigned char *area, size_t bytes, size_t offsets[LANES_MAX]) {
  size_t n = 0;
  uint32_t header[2] = {0};
  for (size_t at = 0; n < FLOATS && at + 8 <= bytes; at += 8) offsets[n++] = at;
  if (bytes >= RECORD + 8) memcpy(header, area + RECORD, sizeof header);
  if (header[0] != V_MAGIC || header[1] < END - RECORD || header[1] > bytes - RECORD) return n;
  for (size_t at = VECTORS; at < END; at += 8) offsets[n++] = at;
  return n;
}
