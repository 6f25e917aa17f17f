// results.h: what a target computes from its inputs, wherever it runs, as one number: a replay
// prints it, and tools/test --all-platforms compares it from CPU to CPU.
#ifndef STACKLAB_FUZZ_RESULTS_H_
#define STACKLAB_FUZZ_RESULTS_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// fuzz_result adds bytes to the results: none that hold an address of the process, a number that
// the CPU or the system decides, or padding.
void fuzz_result(const void *bytes, size_t n);

// fuzz_results returns the number: FNV-1a, of 64 bits, over all of them; 0 if there were none.
uint64_t fuzz_results(void);

#ifdef __cplusplus
}
#endif
#endif
