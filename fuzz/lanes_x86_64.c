// The XSAVE area of x86-64 (lanes.h), register by register: Intel SDM vol. 1, 13.4 and 13.5; what
// Linux writes into bytes 464..511: struct _fpx_sw_bytes in arch/x86/include/uapi/asm/sigcontext.h.
// A CPU without a component (CPUID leaf 0xD says 0 bytes) has no lanes there, whatever XSTATE_BV
// says: the parts of the model for AVX-512 are checked only on a CPU that has it.
#include "fuzz/lanes.h"

#include <string.h>

// A component: `registers` of them, `lanes` words of each saved there, one after the other.
struct component {
  unsigned bit, registers, lanes;
  size_t offset, bytes;  // asked of the CPU
};

static struct component components[] = {
    {2, 16, 2, 0, 0},  // upper halves of YMM0-15
    {6, 16, 4, 0, 0},  // upper halves of ZMM0-15
    {7, 16, 8, 0, 0},  // ZMM16-31
};
enum { NCOMPONENTS = sizeof components / sizeof *components };

static void cpuid(unsigned leaf, unsigned sub, unsigned out[4]) {
  __asm__ volatile("cpuid"
                   : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                   : "a"(leaf), "c"(sub));
}

static void ask(void) {
  static int asked;
  unsigned r[4];
  if (asked) return;
  asked = 1;
  cpuid(0, 0, r);
  if (r[0] < 0xd) return;
  for (int i = 0; i < NCOMPONENTS; i++) {
    cpuid(0xd, components[i].bit, r);
    components[i].bytes = r[0];
    components[i].offset = r[1];
  }
}

size_t lanes_bytes(void) {
  size_t most = 576;
  ask();
  for (int i = 0; i < NCOMPONENTS; i++) {
    const size_t end = components[i].offset + components[i].bytes;
    if (components[i].bytes && end > most) most = end;
  }
  return most;
}

static void put32(unsigned char *area, size_t bytes, size_t at, uint32_t v) {
  if (at + 4 <= bytes) memcpy(area + at, &v, 4);
}

static uint32_t get32(const unsigned char *area, size_t at) {
  return area[at] | (uint32_t)area[at + 1] << 8 | (uint32_t)area[at + 2] << 16 |
         (uint32_t)area[at + 3] << 24;
}

// shape: 0 magic (0 right), 1 and 2 the size it says (0: its own), 3 XSTATE_BV.
void lanes_dress(unsigned char *area, size_t bytes, const uint8_t shape[LANES_SHAPE]) {
  const uint32_t edge[] = {0, 511, 512, 575, 576, 584, 832, 0x7fffffff, 0xffffffff};
  uint32_t said = (uint32_t)bytes + shape[2];
  if (shape[1] % 10 > 0) said = edge[shape[1] % 10 - 1] + shape[2];
  if (shape[1] >= 128) said = (uint32_t)bytes - shape[2];
  put32(area, bytes, 464, 0x46505853 ^ (shape[0] ? 1u << shape[0] % 32 : 0));
  put32(area, bytes, 480, said);
  if (bytes >= 520) {
    area[512] = shape[3];
    // The state's components above 7 (PKRU, AMX...) hold no lanes of vectors.
    memset(area + 513, shape[3] & 1 ? 0xff : 0, 7);
  }
}

static size_t add(size_t offsets[LANES_MAX], size_t n, size_t lane, size_t end) {
  if (lane + 8 > end || n == LANES_MAX) return n;
  offsets[n] = lane;
  return n + 1;
}

size_t lanes_find(const unsigned char *area, size_t bytes, size_t offsets[LANES_MAX]) {
  size_t n = 0;
  ask();
  for (unsigned xmm = 0; xmm < 16; xmm++) {
    n = add(offsets, n, 160 + 16 * xmm, bytes);
    n = add(offsets, n, 160 + 16 * xmm + 8, bytes);
  }
  if (bytes < 512 || get32(area, 464) != 0x46505853) return n;
  const size_t said = get32(area, 480), end = said < bytes ? said : bytes;
  if (end < 576) return n;
  for (int i = 0; i < NCOMPONENTS; i++) {
    const struct component *c = &components[i];
    if (c->bytes == 0 || !(area[512] & 1u << c->bit)) continue;
    for (unsigned r = 0; r < c->registers; r++)
      for (unsigned lane = 0; lane < c->lanes; lane++)
        n = add(offsets, n, c->offset + 8 * (r * c->lanes + lane), end);
  }
  return n;
}
