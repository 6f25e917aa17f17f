// stack.h: the memory of stacks: slots, arenas, guards, pools.  It knows nothing of goroutines.
//
// A slot is the unit of address space that one stack owns; everything in it counts as "the stack"
// when a word is asked whether it points there (copystack.h).
//
//   slot_lo + slot bytes ┌──────────────┐
//                        │ top pad      │ one page, never touched: a pointer equal to hi can only
//                     hi ├──────────────┤ be one past the end of an object of this stack
//                        │ frames ↓     │
//                        │ free         │
//                     lo ├──────────────┤ page-aligned; [lo, hi) is exactly the size asked for
//                        │ guard        │ no access; GO_STACKGUARD bytes, 64 KiB by default
//                        ├──────────────┤
//                        │ reach        │ address space only: pointers that compilers derive from
//                slot_lo └──────────────┘ frames (probe loops, biased bases) may name it
//
// Slots of one size class are carved from arenas: 2 GiB of addresses whose low 32 bits are
// >= 0x8000'0000.  A live 32-bit integer in the low half of a dead pointer then looks like a
// pointer only if it is a large unsigned or a negative number.
//
// Slots are aligned to their size, a power of two, and where stacks are whole pages hi lies equally
// far below the top of each: a move changes a word by a multiple of the old slot's size.  So where
// live bytes overlie the low end of a dead pointer, and the whole looks like a pointer into the
// slot, the move changes the dead bytes alone: with 64 MiB slots, up to 26 bits of live data are
// safe.  (Moves by single pages turned the last digits of strings into others in 7 of 8
// goroutines.)  Those of goroutines are, by rt_settle, unless they never move.
//
// Who may call what: everything here is lock-free and async-signal-safe unless it says otherwise,
// but a cache belongs to one thread, which uses it on its g0 stack or in its fault handler and
// nowhere else: a fault can then never interrupt another use of the same cache.
#ifndef STACKLAB_RUNTIME_STACK_STACK_H_
#define STACKLAB_RUNTIME_STACK_STACK_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "runtime/go.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  RT_STACK_INITIAL = 8 << 10,        // Go's stackMin when the original was written
  RT_STACK_MAX = 1 << 30,            // also the largest size a slot can be carved for
  RT_STACK_G0 = 64 << 10,
  RT_STACK_GUARD_BYTES = 64 << 10,   // libc frames of up to 33 KiB skip narrower guards
  RT_STACKGUARD = 928,               // Go's stackGuard: the low-water test uses twice this
  RT_STACK_MIN = 4096,               // smallest size a caller may ask for
};

// A stack in its slot.
struct rt_stack {
  uintptr_t lo, hi;   // bytes in [lo, hi)
  uintptr_t slot_lo;  // lowest address that counts as this stack
  uint32_t slot : 30;     // its number, for rt_stackfree
  uint32_t resident : 1;  // when it was allocated, an earlier user's memory was still there
  uint32_t usable : 1;    // rt_stackcommit has been called
  uint32_t guard_bytes;  // no access in [lo - guard_bytes, lo)
};

// What holds of every stack: the guard lies in the slot, and a page of the slot lies above hi.
/*@ predicate rt_stack_lies{L}(struct rt_stack *s) =
      s->slot_lo + s->guard_bytes <= s->lo <= s->hi <= SIZE_MAX - 4095;
*/

/*@ requires \valid_read(s) && s->lo <= s->hi;
    assigns \nothing;
    ensures \result == s->hi - s->lo;
*/
static inline size_t rt_stack_size(const struct rt_stack *s) { return s->hi - s->lo; }

// How much address space a slot takes.
//   COMPACT  the stack, its guard and the pad, rounded up to a power of two: neighbours share
//            page tables.
//   WIDE     at least 64 MiB, for stacks that are moved by the fault handler: a probe loop of
//            -fstack-clash-protection holds the far end of its frame in a register, which must be
//            recognised as ours.  Costs one page-table page a stack.
//   FIXED    like COMPACT, for stacks that never move: the pads of neighbours differ, so that
//            they do not compete for the same ways of the cache.
//   ELASTIC, WIDE_ELASTIC  like FIXED and WIDE, for stacks smaller than their slot has room for:
//            the guard stands where the stack ends now, and rt_stackresize moves it.
enum rt_stack_kind {
  RT_STACK_COMPACT,
  RT_STACK_WIDE,
  RT_STACK_FIXED,
  RT_STACK_ELASTIC,
  RT_STACK_WIDE_ELASTIC,
  RT_STACK_KINDS
};
enum { RT_STACK_REACH = 64 << 20 };

enum { RT_STACK_CACHED = 4 };  // stacks of one kind and class that a cache keeps

// Totals of one cache; written by its owner, read by anyone (relaxed).
struct rt_stackstats {
  _Atomic uint64_t pool_hits, pool_misses;
  _Atomic uint64_t growths, growths_by_fault, growths_in_place, moves_forced, shrinks;
  _Atomic uint64_t pages_moved_growths;
  _Atomic uint64_t bytes_copied, words_adjusted;
  _Atomic uint64_t starts_larger;
  _Atomic uint64_t segments_made, segments_freed;
  _Atomic uint64_t in_use[GO_STACK_CLASSES];  // modulo 2^64: freed elsewhere counts there
};

// A move of a stack, for whoever reports it.
struct rt_stackmove {
  size_t from_bytes, to_bytes;
  uint64_t bytes_copied, words_adjusted;
  int64_t began_ns;  // 0 without a clock: see growth.h
};

// A thread's stacks at hand.
struct rt_stackcache {
  uint32_t n[RT_STACK_KINDS][GO_STACK_CLASSES];
  uint32_t slots[RT_STACK_KINDS][GO_STACK_CLASSES][RT_STACK_CACHED];
  uint32_t wanted[RT_STACK_KINDS];  // bit i: class i should be at hand; see rt_stackcache_stock
  struct rt_stackstats stats;
  struct rt_stackmove last;  // of those that its owner has made
};

// How the module guards and fills; set before the first allocation, then fixed.
enum rt_guard_kind { RT_GUARD_AUTO, RT_GUARD_MADVISE, RT_GUARD_MPROTECT };
struct rt_stack_config {
  size_t guard_bytes;        // at least; rounded up to pages
  enum rt_guard_kind guard;  // AUTO: madvise where the system has it
  bool poison;               // fill fresh and freed stacks with patterns
};

// rt_stack_class returns the size class of `size` bytes: the least i with size <= 4096 << i.
static inline int rt_stack_class(size_t size) {
  return size <= 4096 ? 0 : 64 - 12 - __builtin_clzll(size - 1);
}

// rt_stackinit applies a configuration.  GO_EINVAL: RT_GUARD_MADVISE where the system has none,
// or a guard above 1 MiB.  A later call with another guard takes effect for arenas not yet made.
int rt_stackinit(const struct rt_stack_config *config);

// rt_stack_poisons tells whether stacks are filled as they come and go: then who keeps a stack for
// its next user must give it back instead.
bool rt_stack_poisons(void);

// rt_stackalloc gives a stack of exactly `size` usable bytes, from RT_STACK_MIN to RT_STACK_MAX,
// rounded up to whole words; a power of two is pooled, another size is not.  Of an elastic kind it
// must be whole pages (GO_EGUARD): rt_stackrange rounds up.  Contents are whatever the last user
// left, or the poison pattern.
// Errors, with *out untouched: GO_EINVAL, GO_ELIMIT (size > RT_STACK_MAX), GO_EMAP, GO_EGUARD,
// GO_EMAPCOUNT, GO_ENOMEM (the table of slots is full).
int rt_stackalloc(enum rt_stack_kind kind, size_t size, struct rt_stackcache *cache,
                  struct rt_stack *out);

// rt_stackreserve is rt_stackalloc for a stack that may never be used: it costs no memory and,
// where guards are marks, no system call.  It fails as rt_stackalloc does.  rt_stackcommit makes it
// fit for use; before, it may be exchanged for another that was reserved alike.  It answers
// GO_EGUARD or GO_EMAPCOUNT where the system refuses a mark (memory is locked, or there is none
// left for page tables) and mprotect too.  Once marks are refused, rt_stackreserve places the
// guard, and fails instead.
int rt_stackreserve(enum rt_stack_kind kind, size_t size, struct rt_stackcache *cache,
                    struct rt_stack *out);
int rt_stackcommit(struct rt_stack *stack);

// rt_stackrange is rt_stackreserve for a stack of `size` bytes that rt_stackresize can make as
// large as `range`; both are rounded up to whole pages, and range to a power of two.  Only the
// stack and its guard cost memory, as long as nobody touches what is below.  Elastic kinds only.
int rt_stackrange(enum rt_stack_kind kind, size_t range, size_t size,
                  struct rt_stackcache *cache, struct rt_stack *out);

// rt_stackresize moves the guard of an elastic stack, which is committed, to where it has `size`
// bytes, rounded up to whole pages; hi stays.  A smaller stack gives the memory below it back to
// the system, the old guard and all that lay below that too.  On the stack itself only if it grows.
// Errors, with the stack as it was: GO_ESTRATEGY, it is of another kind; GO_ELIMIT, its slot ends
// before; GO_EGUARD, GO_EMAPCOUNT.
int rt_stackresize(struct rt_stackcache *cache, struct rt_stack *stack, size_t size);

// rt_stackfree gives a stack back: to the cache, then to the pool that all threads share, where
// memory above a limit goes back to the system.  Cannot fail.
void rt_stackfree(struct rt_stackcache *cache, const struct rt_stack *stack);

// rt_stackemptied notes that the pages of a stack have been moved away.  Before rt_stackfree.
void rt_stackemptied(const struct rt_stack *stack);
// rt_stackdiscard gives its memory back instead, and notes that.  Before rt_stackfree.
void rt_stackdiscard(const struct rt_stack *stack);

// rt_stackcache_want notes that a stack of this size should be at hand for the next fault, unless
// one is.
void rt_stackcache_want(struct rt_stackcache *cache, enum rt_stack_kind kind, size_t size);

// rt_stackcache_stock fetches a stack of each wanted class that is not at hand and makes it
// resident.  g0 only; may make system calls.
void rt_stackcache_stock(struct rt_stackcache *cache);

// rt_stackcache_flush moves all of a cache's stacks to the shared pool.
void rt_stackcache_flush(struct rt_stackcache *cache);

// rt_stackdrain gives the memory (not the address space) of all pooled stacks of all kinds back
// to the system, through a cache of the caller's.  Not signal-safe; for tests and benchmarks that
// want to begin cold.
void rt_stackdrain(struct rt_stackcache *cache);

#ifdef __cplusplus
}
#endif
#endif
