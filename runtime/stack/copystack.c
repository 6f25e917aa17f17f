// Moving a stack (copystack.h): the casts and the system calls around the word loops of
// adjustwords.h.
#include "runtime/stack/copystack.h"

#include "runtime/arch/adjusters.h"
#include "runtime/nosanitize.h"
#include "runtime/os/os.h"
#include "runtime/stack/sanitize.h"

static const struct rt_adjuster *adjuster = &rt_adjuster_scalar;

void rt_copystack_use(const struct rt_adjuster *version) { adjuster = version; }

void rt_copystack_init(void) { adjuster = rt_arch_best_adjuster(); }

struct rt_wordmove rt_wordmove_of(const struct rt_stack *from, const struct rt_stack *to) {
  return (struct rt_wordmove){from->slot_lo, from->hi, to->hi - from->hi};
}

// Copies [lo, hi) to the same place plus delta.  The bytes below the first whole word cannot
// hold a live pointer: they are copied as they are.
RT_NOSANITIZE static uint64_t copy_range(uintptr_t lo, uintptr_t hi,
                                         const struct rt_wordmove *mv) {
  const uintptr_t words = (lo + 7) & ~(uintptr_t)7;
  for (uintptr_t p = lo; p < words && p < hi; p++)
    *(volatile unsigned char *)(p + mv->delta) = *(volatile unsigned char *)p;
  if (words >= hi) return 0;
  return adjuster->copy((uint64_t *)(words + mv->delta), (const uint64_t *)words,
                        (hi - words) / 8, mv);
}

static bool move_pages(uintptr_t lo, uintptr_t hi, const struct rt_wordmove *mv) {
  const uintptr_t page = os_pagesize();
  if (((hi | mv->delta) & (page - 1)) != 0 || rt_sanitize_pages_pinned()) return false;
  lo &= ~(page - 1);
  return os_movepages((void *)(lo + mv->delta), (void *)lo, hi - lo) == 0;
}

// What a sanitizer knows of [lo, hi) goes along: its shadow, and words that name that.
static void sanitize_range(uintptr_t lo, uintptr_t hi, const struct rt_wordmove *mv) {
  struct rt_wordmove shadow[RT_SHADOW_MOVES];
  const size_t nshadow = rt_sanitize_shadow(mv, shadow);
  const uintptr_t words = (lo + 7) & ~(uintptr_t)7;
  rt_sanitize_moved(lo, hi, hi + mv->delta);
  for (size_t i = 0; i < nshadow && words < hi; i++)
    adjuster->adjust((uint64_t *)(words + mv->delta), (hi - words) / 8, &shadow[i]);
}

void rt_copystack(const struct rt_stack *from, const struct rt_stack *to, uintptr_t lowest,
                  enum rt_copy_how how, struct rt_copied *out) {
  const struct rt_wordmove mv = rt_wordmove_of(from, to);
  const uintptr_t lo = lowest > from->lo ? lowest : from->lo;
  const size_t bytes = from->hi - lo;
  *out = (struct rt_copied){.words = mv, .bytes = bytes};
  const bool pages = how == RT_COPY_PAGES || (how == RT_COPY_AUTO && !to->resident &&
                                              bytes >= RT_PAGEMOVE_BYTES);
  if (pages && move_pages(lo, from->hi, &mv)) {
    const uintptr_t words = ((lo + 7) & ~(uintptr_t)7) + mv.delta;
    out->adjusted = adjuster->adjust((uint64_t *)words, (to->hi - words) / 8, &mv);
    out->moved_pages = true;
  } else {
    out->adjusted = copy_range(lo, from->hi, &mv);
  }
  const uintptr_t guard_lo = from->lo - from->guard_bytes;
  if (lowest < guard_lo) {
    out->adjusted += copy_range(lowest, guard_lo, &mv);
    out->bytes += guard_lo - lowest;
  }
  sanitize_range(lo, from->hi, &mv);
  if (lowest < guard_lo) sanitize_range(lowest, guard_lo, &mv);
}
