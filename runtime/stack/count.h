// count.h: counters with one writer and any number of readers.
#ifndef STACKLAB_RUNTIME_STACK_COUNT_H_
#define STACKLAB_RUNTIME_STACK_COUNT_H_

#include <stdatomic.h>
#include <stdint.h>

// rt_count adds to a counter that only the caller writes: a load and a store, no locked
// instruction.
static inline void rt_count(_Atomic uint64_t *n, uint64_t by) {
  atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + by,
                        memory_order_relaxed);
}

#endif
