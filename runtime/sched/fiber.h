// fiber.h: telling AddressSanitizer and ThreadSanitizer that the thread is about to run on another
// stack.  Nothing in a plain build.
//
// All of it is inlined always: TSan counts calls and returns per fiber, and a function that
// changes the fiber would be entered on one and left on another.
#ifndef STACKLAB_RUNTIME_SCHED_FIBER_H_
#define STACKLAB_RUNTIME_SCHED_FIBER_H_

#include "runtime/sched/sched.h"

#define RT_FIBER __attribute__((always_inline))
// For the functions that begin on one stack's behalf and end on another's.
#define RT_FIBER_BRIDGE __attribute__((disable_sanitizer_instrumentation))

#if __has_feature(address_sanitizer)
#include <sanitizer/common_interface_defs.h>
#endif
#if __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#endif

// rt_fiber_leave: the next switch goes to `to`'s stack; *save keeps ASan's state of the one we
// leave (NULL: it will not be used again).
RT_FIBER static inline void rt_fiber_leave(void **save, struct rt_g *to) {
#if __has_feature(address_sanitizer)
  __sanitizer_start_switch_fiber(save, (const void *)to->gs.stack.lo,
                                 rt_stack_size(&to->gs.stack));
#endif
#if __has_feature(thread_sanitizer)
  __tsan_switch_to_fiber(to->fiber, 0);
#endif
  (void)save, (void)to;
}

// rt_fiber_arrived: we run on the new stack; `saved` is what leaving it kept (NULL: first time).
RT_FIBER static inline void rt_fiber_arrived(void *saved) {
#if __has_feature(address_sanitizer)
  __sanitizer_finish_switch_fiber(saved, NULL, NULL);
#endif
  (void)saved;
}

// rt_fiber_onto: the same goroutine goes on on another stack.  TSan's fiber is the goroutine.
RT_FIBER static inline void rt_fiber_onto(void **save, const struct rt_stack *to) {
#if __has_feature(address_sanitizer)
  __sanitizer_start_switch_fiber(save, (const void *)to->lo, rt_stack_size(to));
#endif
  (void)save, (void)to;
}

RT_FIBER static inline void *rt_fiber_create(void) {
#if __has_feature(thread_sanitizer)
  return __tsan_create_fiber(0);
#else
  return NULL;
#endif
}

RT_FIBER static inline void rt_fiber_destroy(void *fiber) {
#if __has_feature(thread_sanitizer)
  if (fiber) __tsan_destroy_fiber(fiber);
#endif
  (void)fiber;
}

// The thread's own stack, which no struct rt_g describes.
RT_FIBER static inline void *rt_fiber_of_thread(void) {
#if __has_feature(thread_sanitizer)
  return __tsan_get_current_fiber();
#else
  return NULL;
#endif
}

RT_FIBER static inline void rt_fiber_back_to_thread(void **save, void *fiber, const void *lo,
                                           size_t bytes) {
#if __has_feature(address_sanitizer)
  __sanitizer_start_switch_fiber(save, lo, bytes);
#endif
#if __has_feature(thread_sanitizer)
  __tsan_switch_to_fiber(fiber, 0);
#endif
  (void)save, (void)fiber, (void)lo, (void)bytes;
}

#endif
