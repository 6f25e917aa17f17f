// prologue_work.h: small functions that call a lot, the same source compiled with checks for room
// (-fsplit-stack) and without.
#ifndef STACKLAB_BENCH_PROLOGUE_WORK_H_
#define STACKLAB_BENCH_PROLOGUE_WORK_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tree {
  struct tree *left, *right;
  uint64_t value;
};

struct prologue_work {
  uint64_t (*fib)(unsigned n);
  uint64_t (*walk)(const struct tree *t);     // the sum of all values
  uint64_t (*library)(unsigned n);            // n calls of a function that calls prologue_library
};
extern const struct prologue_work prologue_plain, prologue_checked;

uint64_t prologue_library(uint64_t x);  // compiled without checks: x + 1

#ifdef __cplusplus
}
#endif
#endif
