// Any fault: any bounds, limit, fault address and SP into rt_faultdecide, any register file, vector
// state and move into rt_regfile_adjust, and any instruction, register file and fault address into
// the decoder of AArch64's write-back, on every CPU.  They do what their contracts say
// (runtime/stack/fault.h, runtime/arch/arch.h, runtime/arch/aarch64/preindexed.h) and touch nothing
// else.  The models below come from the contracts; they share no code with what they check.
//
// An input is a header, then words; what is missing reads as 0.
//
//   0  size of the stack, a class and an odd rest     1  room below it, a class
//   2  its limit: kind, 3 amount                       4  fault address: anchor, 5-6 offset
//   7  sp: anchor, 8-9 offset                         10  red zone: 0 for 128, else less 1
//  11  where the slot lies, 12 delta: entries of edges[]
//  13  general registers                              14  size of the vector state: kind, 15 amount
//  16-19  what the vector state says of itself (lanes.h)
//  20  AArch64's instruction: 0 the word in 21-24, else that number of encodings.h with the open
//      bits of the word; 128 and above, its size and opc too, allocated or not
//  25  its base register: anchor, 26-27 offset        28  where it faults: kind, 29-30 offset
//
// Each word is two bytes, a kind and a signed offset; see decode().  The words fill the registers
// and the vector state, over and over.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/encodings.h"
#include "fuzz/lanes.h"
#include "fuzz/results.h"
#include "runtime/arch/aarch64/preindexed.h"
#include "runtime/arch/arch.h"
#include "runtime/stack/fault.h"

enum { HEADER = 32, WORDS_MAX = 64, GENERAL_MAX = 17 };

static const uint64_t edges[] = {
    0x7f5580000000, 0x80000000,         0x7fff80000000, 0x100080000000, 0,
    0x1000,         0xffffffff00000000, 0x100000000,    0x7fffffffffffffff,
};

static uint64_t edge(uint8_t i) { return edges[i % (sizeof edges / sizeof *edges)]; }

static void expect(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "fault: %s\n", what);
  abort();
}

// ---- Input -----------------------------------------------------------------------------------

struct input {
  uint8_t header[HEADER];
  const uint8_t *words;
  size_t nbytes;
};

static int16_t signed16(const uint8_t *b) { return (int16_t)(b[0] | b[1] << 8); }

// A stack: from 4 KiB up, at most 1 GiB, room below it, all in one address space.
static struct rt_stack decode_stack(const uint8_t *h) {
  size_t size = (size_t)4096 << (h[0] % 32 % 19);
  const size_t odd = (size_t)(h[0] / 32) * 16 * 37;
  if (size + odd <= RT_STACK_MAX) size += odd;
  struct rt_stack s = {0};
  uint64_t at = edge(h[11]);
  if (at > UINT64_MAX - ((uint64_t)1 << 33)) at = UINT64_MAX - ((uint64_t)1 << 33) + 1;
  s.slot_lo = at;
  s.lo = at + ((uint64_t)4096 << h[1] % 20);
  s.hi = s.lo + size;
  s.guard_bytes = 4096;
  return s;
}

static size_t decode_max(const uint8_t *h, size_t size) {
  const size_t amount = (size_t)h[3] * 16;
  size_t max = size;
  if (h[2] % 4 == 0) max = RT_STACK_MAX;
  if (h[2] % 4 == 2) max = size + amount;
  if (h[2] % 4 == 3) max = (size << (1 + h[2] / 4 % 16)) - amount;
  if (max > RT_STACK_MAX) max = RT_STACK_MAX;
  return max < size ? size : max;
}

static uint64_t anchor(const uint8_t *b, const struct rt_stack *s) {
  const uint64_t off = (uint64_t)(int64_t)signed16(b + 1);
  const size_t size = s->hi - s->lo;
  switch (b[0] % 8) {
    case 0: return s->lo + off;
    case 1: return s->slot_lo + off;
    case 2: return s->hi + off;
    // Where a doubling is just full: less the margin, and less the red zone too.
    case 3: return s->hi - (size << b[0] / 8 % 8) + RT_STACK_MARGIN + off;
    case 4: return s->hi - (size << b[0] / 8 % 8) + RT_STACK_MARGIN + 128 + off;
    case 5: return off;
    case 6: return s->slot_lo + (s->lo - s->slot_lo) / 2 + off;
    default: return s->hi ^ (uint64_t)1 << (b[0] / 8 * 2 + 1);
  }
}

// Makes words near what mv distinguishes; returns their number, at least 1.
static size_t decode(const struct input *in, const struct rt_wordmove *mv, uint64_t *words) {
  size_t n = 0;
  for (size_t at = 0; at + 2 <= in->nbytes && n < WORDS_MAX; at += 2) {
    const uint64_t off = (uint64_t)(int64_t)(int8_t)in->words[at + 1];
    switch (in->words[at] % 6) {
      case 0: words[n++] = mv->first + off; break;
      case 1: words[n++] = mv->last + off; break;
      case 2: words[n++] = off; break;
      case 3: words[n++] = mv->first + (mv->last - mv->first) / 2 + off; break;
      case 4: words[n++] = mv->last << 32 | (mv->first >> 32); break;
      default: words[n++] = (mv->first + off) ^ (uint64_t)1 << in->words[at] / 6; break;
    }
  }
  if (n == 0) words[n++] = mv->first;
  return n;
}

// ---- rt_faultdecide --------------------------------------------------------------------------

struct decision {
  enum rt_fault_verdict verdict;
  uint64_t size, lowest;
};

// In signed 128-bit numbers: nothing wraps.
static struct decision model_decision(const struct rt_stack *s, size_t max, size_t redzone,
                                      uintptr_t addr, uintptr_t sp) {
  const struct decision foreign = {RT_FAULT_FOREIGN, 0, 0};
  if (!(s->slot_lo <= addr && addr < s->lo)) return foreign;
  if (!(s->slot_lo <= sp && sp <= s->hi)) return foreign;
  __int128 lowest = (__int128)sp - (__int128)redzone;
  if (lowest < (__int128)s->slot_lo) lowest = s->slot_lo;
  const __int128 deepest = lowest < (__int128)addr ? lowest : (__int128)addr;
  const __int128 need = (__int128)s->hi - deepest + RT_STACK_MARGIN;
  struct decision d = {RT_FAULT_OVERFLOW, (uint64_t)need, (uint64_t)lowest};
  if (need > (__int128)max) return d;
  __int128 size = (__int128)s->hi - (__int128)s->lo;
  while (size < need) size *= 2;
  if (size > (__int128)max) size = (__int128)max;
  d.verdict = RT_FAULT_GROW;
  d.size = (uint64_t)size;
  return d;
}

static void check_decision(const uint8_t *h, const struct rt_stack *s) {
  const size_t max = decode_max(h, s->hi - s->lo);
  const size_t redzone = h[10] == 0 ? 128 : h[10] - 1u;
  const uintptr_t addr = anchor(h + 4, s), sp = anchor(h + 7, s);
  const struct rt_stack before = *s;
  size_t size = 0;
  uintptr_t lowest = 0;
  const enum rt_fault_verdict got = rt_faultdecide(s, max, redzone, addr, sp, &size, &lowest);
  const struct decision want = model_decision(s, max, redzone, addr, sp);
  expect(memcmp(s, &before, sizeof before) == 0, "rt_faultdecide wrote the stack's bounds");
  expect(got == want.verdict, "rt_faultdecide: wrong verdict");
  const uint64_t decided[] = {got, size, lowest};
  fuzz_result(decided, sizeof decided);
  if (got == RT_FAULT_FOREIGN) return;
  expect(lowest == want.lowest, "rt_faultdecide: wrong lowest live byte");
  expect(size == want.size, "rt_faultdecide: wrong size");
  // rt_stackneed by itself, with what the decision asked of it.
  const size_t live = s->hi - (addr < lowest ? addr : lowest);
  const size_t need = rt_stackneed(s->hi - s->lo, live, RT_STACK_MARGIN, max);
  expect(need == (got == RT_FAULT_GROW ? want.size : 0), "rt_stackneed: wrong size");
}

// ---- rt_regfile_adjust -----------------------------------------------------------------------

// What a word becomes, by hand.  Returns 1 if it moves.
static uint64_t model_word(unsigned char *at, const struct rt_wordmove *mv) {
  uint64_t w = 0;
  for (int i = 7; i >= 0; i--) w = w << 8 | at[i];
  if (w < mv->first || mv->last < w) return 0;
  w += mv->delta;
  for (int i = 0; i < 8; i++) at[i] = (unsigned char)(w >> 8 * i);
  return 1;
}

static size_t decode_vector_bytes(const uint8_t *h) {
  static const uint16_t sizes[] = {512, 576, 0, 160, 416, 832, 520, 448};
  if (h[14] % 16 == 0) return lanes_bytes();
  if (h[14] % 16 < 9) return sizes[h[14] % 16 - 1] + h[15];
  const size_t bytes = lanes_bytes(), less = h[15] * (h[14] / 16 + 1u);
  return h[14] % 2 || less > bytes ? bytes + h[15] : bytes - less;
}

static void fill(unsigned char *to, size_t bytes, const uint64_t *words, size_t n) {
  for (size_t i = 0; i < bytes; i++) to[i] = (unsigned char)(words[i / 8 % n] >> i % 8 * 8);
}

static void check_registers(const struct input *in, const struct rt_wordmove *mv) {
  static size_t offsets[LANES_MAX];
  uint64_t words[WORDS_MAX];
  const uint8_t *h = in->header;
  const size_t n = decode(in, mv, words);
  const size_t ngeneral = h[13] % (GENERAL_MAX + 1u), bytes = decode_vector_bytes(h);
  // Exactly as many bytes as are told: AddressSanitizer sees one more.
  uint64_t *general = malloc(ngeneral * 8);
  unsigned char *vector = bytes ? malloc(bytes) : NULL;
  unsigned char *want_general = malloc(ngeneral * 8), *want_vector = malloc(bytes);
  if (!general || (bytes && !vector) || !want_general || !want_vector) abort();
  fill((unsigned char *)general, ngeneral * 8, words, n);
  memcpy(want_general, general, ngeneral * 8);
  uint64_t moved = 0;
  for (size_t i = 0; i < ngeneral; i++) moved += model_word(want_general + 8 * i, mv);
  if (vector) {
    fill(vector, bytes, words, n);
    lanes_dress(vector, bytes, h + 16);
    memcpy(want_vector, vector, bytes);
    const size_t nlanes = lanes_find(vector, bytes, offsets);
    for (size_t i = 0; i < nlanes; i++) moved += model_word(want_vector + offsets[i], mv);
  }
  const struct rt_regfile regs = {
      .general = general, .ngeneral = ngeneral, .vector = vector, .vector_bytes = bytes};
  expect(rt_regfile_adjust(&regs, mv) == moved, "rt_regfile_adjust: wrong count");
  expect(memcmp(general, want_general, ngeneral * 8) == 0, "wrong general registers");
  expect(!vector || memcmp(vector, want_vector, bytes) == 0, "wrong vector state");
  free(general);
  free(vector);
  free(want_general);
  free(want_vector);
}

// ---- AArch64's write-back --------------------------------------------------------------------

static uint64_t decode_fault(const uint8_t *h, const struct rt_stack *s, uint64_t base,
                             int64_t offset) {
  const uint64_t off = (uint64_t)(int64_t)signed16(h + 29);
  switch (h[28] % 5) {
    case 0: return base + off;
    case 1: return base + (uint64_t)offset + off;
    case 2: return base - (uint64_t)offset + off;
    case 3: return s->lo + off;
    default: return off;
  }
}

// Whether an access to `bytes` from `at` up touches addr.
static bool touches(uint64_t at, unsigned bytes, uint64_t addr) {
  for (unsigned i = 0; i < bytes; i++)
    if (at + i == addr) return true;
  return false;
}

// What the base was before, by the two stories that there are: nothing was written back, or the
// whole offset.
static enum rt_writeback model_state(const struct encoding *e, uint64_t base, uint64_t addr) {
  const uint64_t offset = (uint64_t)e->offset;
  if (touches(e->pre ? base + offset : base, e->bytes, addr)) return RT_WRITEBACK_PENDING;
  if (touches(e->pre ? base : base - offset, e->bytes, addr)) return RT_WRITEBACK_DONE;
  return RT_WRITEBACK_OTHER;
}

static void check_writeback(const struct input *in, const struct rt_stack *stack,
                            const struct rt_wordmove *mv) {
  uint64_t words[WORDS_MAX], regs[RT_PREINDEXED_REGS], want[RT_PREINDEXED_REGS];
  const uint8_t *h = in->header;
  const uint32_t bits = h[21] | h[22] << 8 | h[23] << 16 | (uint32_t)h[24] << 24;
  uint32_t instruction = h[20] ? encodings_make(h[20] % 128, bits) : bits;
  if (h[20] >= 128) instruction = (instruction & 0x3f3fffff) | (bits & ~0x3f3fffffu);
  struct encoding e = {0};
  struct rt_preindexed got, untouched;
  memset(&got, h[20], sizeof got);
  memset(&untouched, h[20], sizeof untouched);
  const bool known = rt_preindexed_decode(instruction, &got);
  const int found = encodings_find(instruction, &e);
  expect(found <= 1, "the model's diagrams overlap");
  expect(known == (found == 1), "rt_preindexed_decode: wrong answer");
  if (!known) expect(memcmp(&got, &untouched, sizeof got) == 0, "rt_preindexed_decode wrote");
  fill((unsigned char *)regs, sizeof regs, words, decode(in, mv, words));
  const uint64_t base = regs[e.base] = anchor(h + 25, stack);
  const uint64_t addr = decode_fault(h, stack, base, e.offset);
  memcpy(want, regs, sizeof want);
  enum rt_writeback state = RT_WRITEBACK_OTHER;
  if (known) {
    expect(got.base == e.base && got.offset == e.offset && got.bytes == e.bytes,
           "rt_preindexed_decode: wrong access");
    expect(got.pre == e.pre && got.base_loaded == e.base_loaded,
           "rt_preindexed_decode: wrong kind");
    state = model_state(&e, base, addr);
    expect(rt_preindexed_state(&got, base, addr) == state, "rt_preindexed_state: wrong answer");
    if (state == RT_WRITEBACK_DONE) want[e.base] = base - (uint64_t)e.offset;
  }
  expect(rt_preindexed_undo(instruction, regs, addr) == (state == RT_WRITEBACK_DONE),
         "rt_preindexed_undo: wrong answer");
  expect(memcmp(regs, want, sizeof regs) == 0, "rt_preindexed_undo: wrong registers");
  fuzz_result(regs, sizeof regs);
  // It can run again: there it touches what it has faulted at.
  if (state == RT_WRITEBACK_DONE)
    expect(model_state(&e, regs[e.base], addr) == RT_WRITEBACK_PENDING, "it would fault elsewhere");
}

// ----------------------------------------------------------------------------------------------

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static bool ready;
  if (!ready) rt_regfile_init();
  ready = true;
  struct input in = {.words = data};
  memcpy(in.header, data, size < HEADER ? size : HEADER);
  if (size > HEADER) {
    in.words = data + HEADER;
    in.nbytes = size - HEADER;
  }
  const struct rt_stack stack = decode_stack(in.header);
  check_decision(in.header, &stack);
  const uint64_t far = edge(in.header[12]);
  const struct rt_wordmove mv = {stack.slot_lo, stack.hi,
                                 in.header[12] & 0x80 ? 0 - far : far + 4096};
  check_registers(&in, &mv);
  check_writeback(&in, &stack, &mv);
  return 0;
}
