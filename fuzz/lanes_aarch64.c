// What Linux has after the general registers in a signal frame on AArch64 (lanes.h):
// arch/arm64/include/uapi/asm/sigcontext.h.  Records of (magic, size, ...) up to one of magic 0.
#include "fuzz/lanes.h"

#include <string.h>

enum {
  FPSIMD_MAGIC = 0x46508001,
  FPSIMD = 16 + 32 * 16,  // bytes: fpsr and fpcr, then v0-v31
  SVE_MAGIC = 0x53564501,
  SVE_LENGTH = 32,  // of a vector
  SVE = 16 + 32 * SVE_LENGTH + 80,  // the length, z0-z31, then predicates
  REGISTERS = 16,
};

size_t lanes_bytes(void) { return FPSIMD + SVE + 16; }

static void put(unsigned char *area, size_t bytes, size_t at, uint32_t magic, uint32_t size) {
  const uint32_t header[2] = {magic, size};
  if (at + sizeof header <= bytes) memcpy(area + at, header, sizeof header);
}

void lanes_dress(unsigned char *area, size_t bytes, const uint8_t shape[LANES_SHAPE]) {
  size_t at = 0;
  if (shape[0] & 1) {
    put(area, bytes, at, FPSIMD_MAGIC, FPSIMD);
    at += FPSIMD;
  }
  if (shape[0] & 2) {
    const uint16_t length = SVE_LENGTH;
    put(area, bytes, at, SVE_MAGIC, shape[1] & 1 ? REGISTERS : SVE);  // or without registers
    if (at + 10 <= bytes) memcpy(area + at + 8, &length, sizeof length);
    at += shape[1] & 1 ? REGISTERS : SVE;
  }
  put(area, bytes, at, 0, 0);
}

size_t lanes_find(const unsigned char *area, size_t bytes, size_t offsets[LANES_MAX]) {
  size_t n = 0;
  for (size_t at = 0; at + 8 <= bytes;) {
    uint32_t header[2];
    memcpy(header, area + at, sizeof header);
    const size_t registers = header[0] == FPSIMD_MAGIC ? 32 * 16
                             : header[1] == SVE        ? 32 * SVE_LENGTH
                                                       : 0;
    if (header[0] == 0 || header[1] > bytes - at) break;
    for (size_t i = 0; i < registers; i += 8) offsets[n++] = at + REGISTERS + i;
    at += header[1];
  }
  return n;
}
