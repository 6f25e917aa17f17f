// exceptions.cc: C++ exceptions that cross a growth: the unwinder's own state lies on the stack.
#include "bench/hazards/cases/cases.h"
#include "bench/hazards/hazard.h"

namespace {

struct Error {
  uint64_t n;
};

// Grows the stack while the unwinder runs it.
struct Grows {
  uint64_t *sum;
  uint64_t n;
  Grows(uint64_t *total, uint64_t number) : sum(total), n(number) {}
  ~Grows() {
    if (n == 3) hazard_grow();
    *sum += n;
  }
};

NOINLINE void Throw(uint64_t n) {
  hazard_grow();
  throw Error{n + 1};
}

NOINLINE void Rethrow(uint64_t n) {
  try {
    throw Error{n};
  } catch (Error &e) {
    hazard_grow();
    e.n += 1;
    throw;
  }
}

NOINLINE void Descend(uint64_t depth, uint64_t *sum) {
  Grows here(sum, depth);
  if (depth == 0) throw Error{7};
  Descend(depth - 1, sum);
  *sum += 1000;  // is not reached
}

}  // namespace

uint64_t exception_thrown(uint64_t n) {
  uint64_t kept = n;
  try {
    Throw(n);
  } catch (const Error &e) {
    kept += e.n;
  }
  return kept;
}

uint64_t exception_rethrown(uint64_t n) {
  uint64_t kept = n;
  try {
    Rethrow(n);
  } catch (const Error &e) {
    kept += e.n;
  }
  return kept;
}

uint64_t exception_destructors(uint64_t n) {
  uint64_t sum = 0;
  try {
    Descend(n, &sum);
  } catch (const Error &e) {
    sum += e.n;
  }
  return sum;
}
