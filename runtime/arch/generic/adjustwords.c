// The versions of the word loops on a CPU that has none of its own: the scalar one.
#include "runtime/arch/adjusters.h"

size_t rt_arch_adjusters(const struct rt_adjuster **out, size_t max) {
  if (max == 0) return 0;
  out[0] = &rt_adjuster_scalar;
  return 1;
}

const struct rt_adjuster *rt_arch_best_adjuster(void) { return &rt_adjuster_scalar; }

size_t rt_arch_set_stream_bytes(size_t bytes) {
  (void)bytes;
  return 0;
}
