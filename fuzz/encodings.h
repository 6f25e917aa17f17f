// encodings.h: the loads and stores of AArch64 that write their base back, as the fuzz target
// `fault` knows them: from the encoding diagrams of the Arm ARM, independently of
// runtime/arch/aarch64.
#ifndef STACKLAB_FUZZ_ENCODINGS_H_
#define STACKLAB_FUZZ_ENCODINGS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// An instruction, taken apart.
struct encoding {
  int64_t offset;
  unsigned base, bytes;
  bool pre, base_loaded;
};

// encodings_find fills *out for an instruction word that is one of them, and returns how many of
// the diagrams it fits: 0 or 1.
int encodings_find(uint32_t word, struct encoding *out);

// encodings_make returns the word of instruction `which`, modulo their number, with the bits that
// its diagram leaves open taken from `word`.
uint32_t encodings_make(unsigned which, uint32_t word);

#endif
