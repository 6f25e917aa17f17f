// poison.h: patterns in stack memory that nobody should read (GO_STACKDEBUG=poison).
#ifndef STACKLAB_RUNTIME_STACK_POISON_H_
#define STACKLAB_RUNTIME_STACK_POISON_H_

#include "runtime/stack/stack.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  RT_POISON_FRESH = 0xa5,  // every byte of a stack that has not been used yet
  RT_POISON_FREED = 0xde,  // every byte of a stack that was given back
};

// Both fill [lo, hi), at most the top 1 MiB of it: a reservation of gigabytes stays untouched.
// [signal-safe]
void rt_poison_fresh(const struct rt_stack *s);
void rt_poison_freed(const struct rt_stack *s);

#ifdef __cplusplus
}
#endif
#endif
