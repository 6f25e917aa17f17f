// results.h: what comes of a target's inputs, beside that none of them fails.
//
// What it computes from them, wherever it runs, as one number: a replay prints it, and tools/test
// --all-platforms compares it from CPU to CPU.  How often what it is for has happened.  And whether
// it could tell right from wrong at all.
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

// fuzz_count adds n to how often `what`, a literal, has happened: a replay prints it, and fails if
// it never did.  A corpus that no longer gets to what it is for shows so.
void fuzz_count(const char *what, uint64_t n);

// fuzz_counts calls fn for each of these.
void fuzz_counts(void (*fn)(const char *what, uint64_t n));

// fuzz_results returns the number: FNV-1a, of 64 bits, over all of them; 0 if there were none.
uint64_t fuzz_results(void);

// fuzz_gave_up says that the search for what explains this input was given up: it is neither right
// nor wrong.  How many such inputs there were is printed when the process ends.
void fuzz_gave_up(void);

// fuzz_given_up returns how many.  A replay fails unless there are none: the corpus is there to be
// checked.
unsigned fuzz_given_up(void);

#ifdef __cplusplus
}
#endif
#endif
