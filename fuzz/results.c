// The results of a target.  FNV-1a: draft-eastlake-fnv, "FNV-1a Algorithm", and its constants for
// 64 bits.
#include "fuzz/results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash;
static unsigned given_up;

void fuzz_result(const void *bytes, size_t n) {
  const unsigned char *p = bytes;
  if (hash == 0) hash = 0xcbf29ce484222325;
  for (size_t i = 0; i < n; i++) hash = (hash ^ p[i]) * 0x100000001b3;
}

static struct count {
  const char *what;
  uint64_t n;
} counts[16];

void fuzz_count(const char *what, uint64_t n) {
  const size_t most = sizeof counts / sizeof counts[0];
  size_t i = 0;
  while (i < most && counts[i].what && strcmp(counts[i].what, what) != 0) i++;
  if (i == most) abort();
  counts[i].what = what;
  counts[i].n += n;
}

void fuzz_counts(void (*fn)(const char *what, uint64_t n)) {
  for (size_t i = 0; i < sizeof counts / sizeof counts[0] && counts[i].what; i++)
    fn(counts[i].what, counts[i].n);
}

uint64_t fuzz_results(void) { return hash; }

// As libFuzzer says what it has counted; tools/fuzz reads it.
static void tell_given_up(void) { fprintf(stderr, "stat::given_up: %u\n", given_up); }

void fuzz_gave_up(void) {
  if (given_up++ == 0) atexit(tell_given_up);
}

unsigned fuzz_given_up(void) { return given_up; }
