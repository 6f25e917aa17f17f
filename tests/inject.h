// inject.h: the calls by which the runtime asks the system for memory and threads, counted and made
// to fail on demand.  The linker redirects them (-Wl,--wrap, see tests/BUILD): code of this program
// goes through here, shared libraries do not.  Signal-safe, like what it stands for.
#ifndef STACKLAB_TESTS_INJECT_H_
#define STACKLAB_TESTS_INJECT_H_

#include <cstdint>

namespace inject {

enum Call {
  kMmap,
  kMprotect,
  kMadvise,
  kMremap,
  kSigaltstack,
  kPthreadCreate,
  kAlignedAlloc,
  kMalloc,
  kCalls,
};
constexpr uint32_t kAll = (1u << kCalls) - 1;
const char *Name(int call);

// Counts the calls of `mask` (bit i: Call i) from now on, and fails the n-th of them (from 1), or
// with `persistent` that and all that follow.  n = 0 fails none.
void Arm(uint32_t mask, uint64_t n, bool persistent);
// As Arm, and fails those from the first to the last.
void ArmRange(uint32_t mask, uint64_t first, uint64_t last);
// Stops that; returns how many calls there were.
uint64_t Disarm();
// Calls of `mask` since the last Arm, and those of them that were made to fail.
uint64_t Count();
uint64_t Failed();

// fn runs in the middle of the n-th call from now on (from 1), before what that does: another
// thread could have come in there.  Once.
void Meanwhile(Call call, uint64_t n, void (*fn)());

// Blocks of malloc and aligned_alloc that the program's own code has not freed yet.
int64_t LiveBlocks();

}  // namespace inject

#endif
