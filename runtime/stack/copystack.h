// copystack.h: moving the live part of a stack to another slot.
#ifndef STACKLAB_RUNTIME_STACK_COPYSTACK_H_
#define STACKLAB_RUNTIME_STACK_COPYSTACK_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "runtime/stack/adjustwords.h"
#include "runtime/stack/stack.h"

#ifdef __cplusplus
extern "C" {
#endif

// Live bytes from which pages are moved instead of copied to a stack without memory of its own,
// which would have to be faulted in.  To a resident one bytes are always copied: moving would
// throw its memory away, and leave the old one without.  See bench/copystack_bench.cc.
enum { RT_PAGEMOVE_BYTES = 512 << 10 };

// What one move did.
struct rt_copied {
  struct rt_wordmove words;  // apply it to registers and to pointers kept elsewhere
  uint64_t bytes;            // live bytes moved
  uint64_t adjusted;         // words changed by delta
  bool moved_pages;
};

// How rt_copystack moves bytes; AUTO chooses by size.
enum rt_copy_how { RT_COPY_AUTO, RT_COPY_BYTES, RT_COPY_PAGES };

// rt_copystack moves the live bytes [lowest, from->hi) of `from` to `to`, which is at least as
// large as they are and does not overlap.
//
//   - each live byte appears at the same distance from hi;
//   - every 8-byte aligned word w among them with from->slot_lo <= w <= from->hi becomes
//     w + delta, delta = to->hi - from->hi; every other byte is unchanged;
//   - nothing outside the new live region is written, and nothing of the old stack is.
//
// lowest may lie below from->lo, in the reach of the slot, where a frame skipped the guard: the
// guard itself is then left out.
// When pages are moved, the last two lines hold up to a page: the page that holds `lowest` moves
// whole, and the pages left behind read as zero.  Where the system refuses to move pages, bytes
// are copied; with RT_COPY_PAGES that is so too where the stacks do not end on a page.
// In a build with AddressSanitizer, words that name the shadow of the old stack move too: see
// rt_sanitize_shadow.
// Run it on another stack than `from`.  Async-signal-safe; cannot fail.
void rt_copystack(const struct rt_stack *from, const struct rt_stack *to, uintptr_t lowest,
                  enum rt_copy_how how, struct rt_copied *out);

// rt_copystack_init chooses the fastest word loops this CPU can run.  Once, before any move.
void rt_copystack_init(void);

// rt_copystack_use makes rt_copystack use one particular version; for tests and benchmarks.
void rt_copystack_use(const struct rt_adjuster *version);

#ifdef __cplusplus
}
#endif
#endif
