// call_at.h: code run with SP at an address of choice on the running stack, so that its end can be
// met anywhere.  One call_at_<cpu>.S each.
#ifndef STACKLAB_TESTS_CALL_AT_H_
#define STACKLAB_TESTS_CALL_AT_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// case_call_at calls fn(arg) with SP at sp, a multiple of 16, and returns what it does.
uint64_t case_call_at(uintptr_t sp, uint64_t (*fn)(uint64_t), uint64_t arg);

// case_touch stores to the 8 bytes below SP while that is at sp, which need not be aligned.
// Returns 0 if they and SP are where they ought to be afterwards.
uint64_t case_touch(uintptr_t sp);

#ifdef __cplusplus
}
#endif
#endif
