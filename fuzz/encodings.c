// AArch64's loads and stores with write-back (encodings.h): Arm ARM (DDI 0487) C6.2 and C7.2, the
// page of each instruction.  A diagram has bit 31 first:
//
//   0 1  as they are         p  pre-indexed         i  the offset, signed, in units
//   n    the base            t u  destination or source, general      v w  of SIMD
#include "fuzz/encodings.h"

#include <string.h>

static const struct {
  const char *diagram;
  uint8_t unit, bytes;
  bool load;
} table[] = {
    // Register, by size: bytes, halfwords, words, doublewords.  With a sign: to 64 bits, to 32.
    {"00111000000iiiiiiiiip1nnnnnttttt", 1, 1, false},   // STRB
    {"00111000010iiiiiiiiip1nnnnnttttt", 1, 1, true},    // LDRB
    {"00111000100iiiiiiiiip1nnnnnttttt", 1, 1, true},    // LDRSB
    {"00111000110iiiiiiiiip1nnnnnttttt", 1, 1, true},    // LDRSB
    {"01111000000iiiiiiiiip1nnnnnttttt", 1, 2, false},   // STRH
    {"01111000010iiiiiiiiip1nnnnnttttt", 1, 2, true},    // LDRH
    {"01111000100iiiiiiiiip1nnnnnttttt", 1, 2, true},    // LDRSH
    {"01111000110iiiiiiiiip1nnnnnttttt", 1, 2, true},    // LDRSH
    {"10111000000iiiiiiiiip1nnnnnttttt", 1, 4, false},   // STR W
    {"10111000010iiiiiiiiip1nnnnnttttt", 1, 4, true},    // LDR W
    {"10111000100iiiiiiiiip1nnnnnttttt", 1, 4, true},    // LDRSW
    {"11111000000iiiiiiiiip1nnnnnttttt", 1, 8, false},   // STR X
    {"11111000010iiiiiiiiip1nnnnnttttt", 1, 8, true},    // LDR X
    {"00111100000iiiiiiiiip1nnnnnvvvvv", 1, 1, false},   // STR B
    {"00111100010iiiiiiiiip1nnnnnvvvvv", 1, 1, true},    // LDR B
    {"00111100100iiiiiiiiip1nnnnnvvvvv", 1, 16, false},  // STR Q
    {"00111100110iiiiiiiiip1nnnnnvvvvv", 1, 16, true},   // LDR Q
    {"01111100000iiiiiiiiip1nnnnnvvvvv", 1, 2, false},   // STR H
    {"01111100010iiiiiiiiip1nnnnnvvvvv", 1, 2, true},    // LDR H
    {"10111100000iiiiiiiiip1nnnnnvvvvv", 1, 4, false},   // STR S
    {"10111100010iiiiiiiiip1nnnnnvvvvv", 1, 4, true},    // LDR S
    {"11111100000iiiiiiiiip1nnnnnvvvvv", 1, 8, false},   // STR D
    {"11111100010iiiiiiiiip1nnnnnvvvvv", 1, 8, true},    // LDR D
    // Pairs.
    {"0010100p10iiiiiiiuuuuunnnnnttttt", 4, 8, false},    // STP W
    {"0010100p11iiiiiiiuuuuunnnnnttttt", 4, 8, true},     // LDP W
    {"0110100p10iiiiiiiuuuuunnnnnttttt", 16, 16, false},  // STGP
    {"0110100p11iiiiiiiuuuuunnnnnttttt", 4, 8, true},     // LDPSW
    {"1010100p10iiiiiiiuuuuunnnnnttttt", 8, 16, false},   // STP X
    {"1010100p11iiiiiiiuuuuunnnnnttttt", 8, 16, true},    // LDP X
    {"0010110p10iiiiiiiwwwwwnnnnnvvvvv", 4, 8, false},    // STP S
    {"0010110p11iiiiiiiwwwwwnnnnnvvvvv", 4, 8, true},     // LDP S
    {"0110110p10iiiiiiiwwwwwnnnnnvvvvv", 8, 16, false},   // STP D
    {"0110110p11iiiiiiiwwwwwnnnnnvvvvv", 8, 16, true},    // LDP D
    {"1010110p10iiiiiiiwwwwwnnnnnvvvvv", 16, 32, false},  // STP Q
    {"1010110p11iiiiiiiwwwwwnnnnnvvvvv", 16, 32, true},   // LDP Q
    // Memory tags.
    {"11011001001iiiiiiiiip1nnnnnttttt", 16, 16, false},  // STG
    {"11011001011iiiiiiiiip1nnnnnttttt", 16, 16, false},  // STZG
    {"11011001101iiiiiiiiip1nnnnnttttt", 16, 32, false},  // ST2G
    {"11011001111iiiiiiiiip1nnnnnttttt", 16, 32, false},  // STZ2G
};
enum { NENCODINGS = sizeof table / sizeof *table };

// The bits of a diagram that are as they are, read once.
static struct {
  uint32_t mask, value;
} fixed[NENCODINGS];

static void read_diagrams(void) {
  if (fixed[0].mask) return;
  for (int i = 0; i < NENCODINGS; i++)
    for (int bit = 0; bit < 32; bit++) {
      const char c = table[i].diagram[31 - bit];
      if (c == '0' || c == '1') fixed[i].mask |= (uint32_t)1 << bit;
      if (c == '1') fixed[i].value |= (uint32_t)1 << bit;
    }
}

// The bits of a word where its diagram has a letter, as a number; *nbits: how many.
static uint32_t bits_at(const char *diagram, char letter, uint32_t word, int *nbits) {
  uint32_t n = 0;
  *nbits = 0;
  for (int bit = 31; bit >= 0; bit--) {
    if (diagram[31 - bit] != letter) continue;
    n = 2 * n + (word >> bit & 1);
    ++*nbits;
  }
  return n;
}

int encodings_find(uint32_t word, struct encoding *out) {
  int found = 0, nbits;
  read_diagrams();
  for (int i = 0; i < NENCODINGS; i++) {
    const char *diagram = table[i].diagram;
    if ((word & fixed[i].mask) != fixed[i].value) continue;
    found++;
    out->base = bits_at(diagram, 'n', word, &nbits);
    out->bytes = table[i].bytes;
    out->pre = bits_at(diagram, 'p', word, &nbits) == 1;
    const int64_t offset = bits_at(diagram, 'i', word, &nbits);
    out->offset = (offset >= 1 << (nbits - 1) ? offset - (1 << nbits) : offset) * table[i].unit;
    out->base_loaded = false;
    for (const char *destination = "tu"; *destination && table[i].load; destination++) {
      const uint32_t r = bits_at(diagram, *destination, word, &nbits);
      // 31 is SP as a base, and the zero register as a destination.
      if (nbits == 5 && r == out->base && r != 31) out->base_loaded = true;
    }
  }
  return found;
}

uint32_t encodings_make(unsigned which, uint32_t word) {
  read_diagrams();
  which %= NENCODINGS;
  return (word & ~fixed[which].mask) | fixed[which].value;
}
