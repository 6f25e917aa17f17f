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

#if RT_FIBERS

// rt_fiber_of returns what is known of g's stack.
RT_FIBER static inline struct rt_fiber *rt_fiber_of(struct rt_g *g) { return &g->fiber; }

// rt_fiber_leave: the next switch goes from `from` (NULL: it will not be used again) to g's stack.
RT_FIBER static inline void rt_fiber_leave(struct rt_fiber *from, struct rt_g *to) {
#if __has_feature(address_sanitizer)
  __sanitizer_start_switch_fiber(from ? &from->fake_stack : NULL, (const void *)to->gs.stack.lo,
                                 rt_stack_size(&to->gs.stack));
#endif
#if __has_feature(thread_sanitizer)
  __tsan_switch_to_fiber(to->fiber.name, 0);
#endif
  (void)from, (void)to;
}

// rt_fiber_arrived: we run on the new stack, for the first time if `here` is NULL.
RT_FIBER static inline void rt_fiber_arrived(const struct rt_fiber *here) {
#if __has_feature(address_sanitizer)
  __sanitizer_finish_switch_fiber(here ? here->fake_stack : NULL, NULL, NULL);
#endif
  (void)here;
}

// rt_fiber_onto: the same goroutine goes on on another stack.  TSan's fiber is the goroutine.
RT_FIBER static inline void rt_fiber_onto(struct rt_fiber *from, const struct rt_stack *to) {
#if __has_feature(address_sanitizer)
  __sanitizer_start_switch_fiber(from ? &from->fake_stack : NULL, (const void *)to->lo,
                                 rt_stack_size(to));
#endif
  (void)from, (void)to;
}

// rt_fiber_begin and rt_fiber_end: g's stack, which nobody runs on, is about to be used; it is no
// longer.  The end may come twice.
RT_FIBER static inline void rt_fiber_begin(struct rt_g *g) {
  g->fiber = (struct rt_fiber){0};
#if __has_feature(thread_sanitizer)
  g->fiber.name = __tsan_create_fiber(0);
#endif
}

RT_FIBER static inline void rt_fiber_end(struct rt_g *g) {
#if __has_feature(thread_sanitizer)
  if (g->fiber.name) __tsan_destroy_fiber(g->fiber.name);
  g->fiber.name = NULL;
#endif
  (void)g;
}

// The thread's own stack, which no struct rt_g describes.
RT_FIBER static inline struct rt_fiber rt_fiber_of_thread(void) {
  struct rt_fiber f = {0};
#if __has_feature(thread_sanitizer)
  f.name = __tsan_get_current_fiber();
#endif
  return f;
}

RT_FIBER static inline void rt_fiber_back_to_thread(struct rt_fiber *from,
                                                    const struct rt_fiber *to, const void *lo,
                                                    size_t bytes) {
#if __has_feature(address_sanitizer)
  __sanitizer_start_switch_fiber(from ? &from->fake_stack : NULL, lo, bytes);
#endif
#if __has_feature(thread_sanitizer)
  __tsan_switch_to_fiber(to->name, 0);
#endif
  (void)from, (void)to, (void)lo, (void)bytes;
}

#else

// Not functions: without optimisation the arguments of those lie on the stack, and some are called
// where there is hardly any left.
#define rt_fiber_of(g) ((void)(g), NULL)
#define rt_fiber_leave(from, to) ((void)(from), (void)(to))
#define rt_fiber_arrived(here) ((void)(here))
#define rt_fiber_onto(from, to) ((void)(from), (void)(to))
#define rt_fiber_begin(g) ((void)(g))
#define rt_fiber_end(g) ((void)(g))
#define rt_fiber_of_thread() ((struct rt_fiber){0})
#define rt_fiber_back_to_thread(from, to, lo, bytes) ((void)(from), (void)(to))

#endif

#endif
