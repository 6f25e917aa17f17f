// Shadow memory follows a stack that moves (sanitize.h).
#include "runtime/stack/sanitize.h"

#include "runtime/nosanitize.h"

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>

// A shadow byte describes 8 bytes of memory (AddressSanitizer, USENIX ATC 2012, sec. 3.1).
RT_NOSANITIZE void rt_sanitize_moved(uintptr_t old_lo, uintptr_t old_hi, uintptr_t new_hi) {
  size_t scale, offset;
  __asan_get_shadow_mapping(&scale, &offset);
  volatile unsigned char *from = (volatile unsigned char *)((old_lo >> scale) + offset);
  volatile unsigned char *to =
      (volatile unsigned char *)(((new_hi - (old_hi - old_lo)) >> scale) + offset);
  const size_t bytes = (old_hi >> scale) - (old_lo >> scale);
  for (size_t i = 0; i < bytes; i++) {
    to[i] = from[i];
    from[i] = 0;
  }
}

void rt_sanitize_forget(uintptr_t lo, uintptr_t hi) {
  __asan_unpoison_memory_region((void *)lo, hi - lo);
}

size_t rt_sanitize_shadow(const struct rt_wordmove *mv, struct rt_wordmove out[RT_SHADOW_MOVES]) {
  size_t scale, offset;
  __asan_get_shadow_mapping(&scale, &offset);
  const uint64_t delta = ((mv->last + mv->delta) >> scale) - (mv->last >> scale);
  const struct rt_wordmove plain = {mv->first >> scale, mv->last >> scale, delta};
  const struct rt_wordmove with = {plain.first + offset, plain.last + offset, delta};
  // First the one that moves away from the other's range: no word may move twice.
  const bool down = delta >> 63;
  out[0] = down ? plain : with;
  out[1] = down ? with : plain;
  return 2;
}
#else
void rt_sanitize_moved(uintptr_t old_lo, uintptr_t old_hi, uintptr_t new_hi) {
  (void)old_lo, (void)old_hi, (void)new_hi;
}

void rt_sanitize_forget(uintptr_t lo, uintptr_t hi) { (void)lo, (void)hi; }

size_t rt_sanitize_shadow(const struct rt_wordmove *mv, struct rt_wordmove out[RT_SHADOW_MOVES]) {
  (void)mv, (void)out;
  return 0;
}
#endif

bool rt_sanitize_pages_pinned(void) {
  return __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer);
}
