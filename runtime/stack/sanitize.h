// sanitize.h: what AddressSanitizer and its kin must be told when stacks move.
// The one place that asks whether the build is instrumented.
#ifndef STACKLAB_RUNTIME_STACK_SANITIZE_H_
#define STACKLAB_RUNTIME_STACK_SANITIZE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "runtime/stack/adjustwords.h"

#ifdef __cplusplus
extern "C" {
#endif

// rt_sanitize_moved tells the sanitizer that the live bytes [old_lo, old_hi) are now at
// new_hi - (old_hi - old_lo): the shadow of the frames goes along and the old bytes are plain
// memory again.  rt_sanitize_forget makes [lo, hi) plain memory: a stack that is given back.
// Nothing happens in a build without AddressSanitizer.  [signal-safe]
void rt_sanitize_moved(uintptr_t old_lo, uintptr_t old_hi, uintptr_t new_hi);
void rt_sanitize_forget(uintptr_t lo, uintptr_t hi);

// rt_sanitize_shadow tells how words move that name the shadow of the old stack.  Code built with
// AddressSanitizer marks its variables through frame >> 3, kept in a register or on the stack with
// or without the offset of the shadow: one move each, to be made in this order.  Returns how many,
// 0 where there is no such shadow.  [signal-safe]
enum { RT_SHADOW_MOVES = 2 };
size_t rt_sanitize_shadow(const struct rt_wordmove *mv, struct rt_wordmove out[RT_SHADOW_MOVES]);

// rt_sanitize_pages_pinned: memory that moves by mremap would leave its shadow behind (TSan,
// MSan); such builds copy bytes instead.
bool rt_sanitize_pages_pinned(void);

#ifdef __cplusplus
}
#endif
#endif
