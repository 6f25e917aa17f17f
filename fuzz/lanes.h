// lanes.h: where a CPU's saved vector state holds words, as the fuzz target `fault` sees it,
// written from the CPU's manual, independently of runtime/arch.  One file per CPU implements it.
#ifndef STACKLAB_FUZZ_LANES_H_
#define STACKLAB_FUZZ_LANES_H_

#include <stddef.h>
#include <stdint.h>

enum { LANES_MAX = 512, LANES_SHAPE = 4 };

// lanes_bytes returns the size of the largest vector state of this CPU.
size_t lanes_bytes(void);

// lanes_dress writes into an area of `bytes` what says which state it holds, right or wrong, as
// shape[] has it.
void lanes_dress(unsigned char *area, size_t bytes, const uint8_t shape[LANES_SHAPE]);

// lanes_find writes the offsets of the 8-byte lanes of vector registers that the area holds, by
// what it says of itself, and returns their number, at most LANES_MAX.
size_t lanes_find(const unsigned char *area, size_t bytes, size_t offsets[LANES_MAX]);

#endif
