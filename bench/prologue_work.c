// What a check costs functions that do little else but call (prologue_work.h).
#include "bench/prologue_work.h"

#define NOINLINE __attribute__((noinline))

static NOINLINE uint64_t fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static NOINLINE uint64_t walk(const struct tree *t) {
  return t ? walk(t->left) + t->value + walk(t->right) : 0;
}

static NOINLINE uint64_t call_library(uint64_t x) { return prologue_library(x) + 1; }

static uint64_t library(unsigned n) {
  uint64_t x = 0;
  for (unsigned i = 0; i < n; i++) x = call_library(x);
  return x;
}

const struct prologue_work WORK = {fib, walk, library};
