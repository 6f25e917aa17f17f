// AArch64 loads and stores with write-back (preindexed.h).
//
//   31 30 29..27 26 25 24 23 22 21 20      12 11 10 9   5 4   0
//   size  1 1 1  V  0  0  opc   0  imm9       p  1  Rn    Rt       register; p: pre-indexed
//   opc   1 0 1  V  0  p  1  L  imm7 (21..15), Rt2 (14..10) Rn Rt  pair
//   1  1  0 1 1  0  0  1  opc   1  imm9       p  1  Rn    Rt       memory tags
#include "runtime/arch/aarch64/preindexed.h"

static uint32_t field(uint32_t word, int low, int width) {
  return word >> low & ((1u << width) - 1);
}

static int32_t signed_field(uint32_t word, int low, int width) {
  const int32_t sign = (int32_t)1 << (width - 1);
  return ((int32_t)field(word, low, width) ^ sign) - sign;
}

// Not SP: destination 31 is the zero register.  V registers are others altogether.
static bool loads_base(uint32_t word, uint32_t destination) {
  const uint32_t base = field(word, 5, 5);
  return field(word, 26, 1) == 0 && destination == base && base != RT_PREINDEXED_SP;
}

// Allocated is what loads or stores a general register of up to 8 bytes (opc 1x: with a sign, to 64
// or to 32 bits), or a V register of up to 16 (opc 1x of size 0).
static bool decode_register(uint32_t word, struct rt_preindexed *out) {
  const uint32_t size = field(word, 30, 2), opc = field(word, 22, 2);
  const bool vector = field(word, 26, 1) != 0;
  if (opc >= 2 && (vector ? size != 0 : size + opc > 4)) return false;
  *out = (struct rt_preindexed){
      .offset = signed_field(word, 12, 9),
      .bytes = vector && opc >= 2 ? 16 : (uint8_t)(1u << size),
      .pre = field(word, 11, 1) != 0,
      .base_loaded = opc != 0 && loads_base(word, field(word, 0, 5)),
  };
  return true;
}

// opc 01 of general registers is no size: it stores with tags (STGP), or loads with a sign (LDPSW).
static bool decode_pair(uint32_t word, struct rt_preindexed *out) {
  const uint32_t opc = field(word, 30, 2);
  const bool vector = field(word, 26, 1) != 0, load = field(word, 22, 1) != 0;
  if (opc == 3) return false;
  const bool tags = !vector && opc == 1 && !load;
  const int32_t each = vector ? 4 << opc : opc == 0 || (opc == 1 && load) ? 4 : 8;
  *out = (struct rt_preindexed){
      .offset = signed_field(word, 15, 7) * (tags ? 16 : each),
      .bytes = (uint8_t)(2 * each),
      .pre = field(word, 24, 1) != 0,
      .base_loaded = load && (loads_base(word, field(word, 0, 5)) ||
                              loads_base(word, field(word, 10, 5))),
  };
  return true;
}

// opc 1x: two granules of 16 bytes.
static bool decode_tags(uint32_t word, struct rt_preindexed *out) {
  *out = (struct rt_preindexed){
      .offset = signed_field(word, 12, 9) * 16,
      .bytes = field(word, 23, 1) ? 32 : 16,
      .pre = field(word, 11, 1) != 0,
  };
  return true;
}

bool rt_preindexed_decode(uint32_t instruction, struct rt_preindexed *out) {
  bool found = false;
  if ((instruction & 0x3b200400) == 0x38000400)
    found = decode_register(instruction, out);
  else if ((instruction & 0x3a800000) == 0x28800000)
    found = decode_pair(instruction, out);
  else if ((instruction & 0xff200400) == 0xd9200400)
    found = decode_tags(instruction, out);
  if (found) out->base = (uint8_t)field(instruction, 5, 5);
  return found;
}

static bool fits(const struct rt_preindexed *in, uint64_t base, uint64_t addr) {
  const uint64_t at = in->pre ? base + (uint64_t)(int64_t)in->offset : base;
  return addr - at < in->bytes;
}

enum rt_writeback rt_preindexed_state(const struct rt_preindexed *in, uint64_t base,
                                      uint64_t addr) {
  if (fits(in, base, addr)) return RT_WRITEBACK_PENDING;
  const uint64_t before = base - (uint64_t)(int64_t)in->offset;
  return fits(in, before, addr) ? RT_WRITEBACK_DONE : RT_WRITEBACK_OTHER;
}

bool rt_preindexed_undo(uint32_t instruction, uint64_t regs[RT_PREINDEXED_REGS], uint64_t addr) {
  struct rt_preindexed in;
  if (!rt_preindexed_decode(instruction, &in)) return false;
  if (rt_preindexed_state(&in, regs[in.base], addr) != RT_WRITEBACK_DONE) return false;
  regs[in.base] -= (uint64_t)(int64_t)in.offset;
  return true;
}
