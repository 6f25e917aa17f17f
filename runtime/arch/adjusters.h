// adjusters.h: the versions of the word loops of runtime/stack/adjustwords.h that this CPU can run.
// One file per CPU implements it, runtime/arch/<cpu>/adjustwords.c; a CPU without one gets
// runtime/arch/generic/adjustwords.c, which knows the scalar version alone.
#ifndef STACKLAB_RUNTIME_ARCH_ADJUSTERS_H_
#define STACKLAB_RUNTIME_ARCH_ADJUSTERS_H_

#include <stddef.h>

#include "runtime/stack/adjustwords.h"

#ifdef __cplusplus
extern "C" {
#endif

// rt_arch_adjusters writes up to `max` versions to out[] and returns how many it wrote: slowest
// first, rt_adjuster_scalar always out[0].  RT_ADJUSTERS_MAX is room enough on every CPU.
// Any stack; async-signal-safe.
enum { RT_ADJUSTERS_MAX = 8 };
size_t rt_arch_adjusters(const struct rt_adjuster **out, size_t max);

// rt_arch_best_adjuster returns the last of that list; never NULL.  Ask once at start and keep the
// answer.  Any stack; async-signal-safe.
const struct rt_adjuster *rt_arch_best_adjuster(void);

// rt_arch_set_stream_bytes sets the size from which an image counts as larger than the cache, and
// returns the size before: `copy` then writes around the cache.  No bytes that are written depend
// on it, only the time.  0 streams every image (tests), SIZE_MAX none.  The CPUs that have no such
// stores ignore it and return 0.  Any stack; may be called while other threads copy.
size_t rt_arch_set_stream_bytes(size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
