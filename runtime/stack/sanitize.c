// Shadow memory follows a stack that moves (sanitize.h).
#include "runtime/stack/sanitize.h"

#include <stddef.h>
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
#else
void rt_sanitize_moved(uintptr_t old_lo, uintptr_t old_hi, uintptr_t new_hi) {
  (void)old_lo, (void)old_hi, (void)new_hi;
}

void rt_sanitize_forget(uintptr_t lo, uintptr_t hi) { (void)lo, (void)hi; }
#endif

bool rt_sanitize_pages_pinned(void) {
  return __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer);
}
