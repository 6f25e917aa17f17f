// Moving a stack (copystack.h): the casts and the system calls around the word loops of
// adjustwords.h, and the numbers of copybounds.h.
#include "runtime/stack/copystack.h"

#include "runtime/arch/adjusters.h"
#include "runtime/nosanitize.h"
#include "runtime/os/os.h"
#include "runtime/stack/copybounds.h"
#include "runtime/stack/sanitize.h"

static const struct rt_adjuster *adjuster = &rt_adjuster_scalar;

void rt_copystack_use(const struct rt_adjuster *version) { adjuster = version; }

void rt_copystack_init(void) { adjuster = rt_arch_best_adjuster(); }

// Copies [lo, hi) to the same place plus delta.  The bytes below the first whole word cannot
// hold a live pointer: they are copied as they are.
RT_NOSANITIZE static uint64_t copy_range(uintptr_t lo, uintptr_t hi,
                                         const struct rt_wordmove *mv) {
  const uintptr_t words = rt_firstword(lo);
  for (uintptr_t p = lo; p < words && p < hi; p++)
    *(volatile unsigned char *)(p + mv->delta) = *(volatile unsigned char *)p;
  return adjuster->copy((uint64_t *)(words + mv->delta), (const uint64_t *)words,
                        rt_nwords(lo, hi), mv);
}

static bool move_pages(uintptr_t lo, uintptr_t hi, const struct rt_wordmove *mv) {
  if (!rt_pagebounds(lo, hi, mv->delta, os_pagesize(), &lo)) return false;
  if (rt_sanitize_pages_pinned()) return false;
  return os_movepages((void *)(lo + mv->delta), (void *)lo, hi - lo) == 0;
}

// What a sanitizer knows of [lo, hi) goes along: its shadow, and words that name that.
static void sanitize_range(uintptr_t lo, uintptr_t hi, const struct rt_wordmove *mv) {
  struct rt_wordmove shadow[RT_SHADOW_MOVES];
  const size_t nshadow = rt_sanitize_shadow(mv, shadow);
  const uintptr_t words = rt_firstword(lo);
  rt_sanitize_moved(lo, hi, hi + mv->delta);
  for (size_t i = 0; i < nshadow && words < hi; i++)
    adjuster->adjust((uint64_t *)(words + mv->delta), rt_nwords(words, hi), &shadow[i]);
}

void rt_copystack(const struct rt_stack *from, const struct rt_stack *to, uintptr_t lowest,
                  enum rt_copy_how how, struct rt_copied *out) {
  const struct rt_wordmove mv = rt_wordmove_of(from, to);
  const struct rt_copybounds live = rt_copybounds(from, lowest);
  const size_t bytes = live.hi - live.lo, nwords = rt_nwords(live.lo, live.hi);
  uint64_t *const image = (uint64_t *)(rt_firstword(live.lo) + mv.delta);
  *out = (struct rt_copied){.words = mv, .bytes = bytes};
  const bool pages = how == RT_COPY_PAGES || (how == RT_COPY_AUTO && !to->resident &&
                                              bytes >= RT_PAGEMOVE_BYTES);
  if (pages && move_pages(live.lo, live.hi, &mv)) {
    out->adjusted = adjuster->adjust(image, nwords, &mv);
    out->moved_pages = true;
  } else {
    out->adjusted = copy_range(live.lo, live.hi, &mv);
  }
  if (live.reach_lo < live.reach_hi) {
    out->adjusted += copy_range(live.reach_lo, live.reach_hi, &mv);
    out->bytes += live.reach_hi - live.reach_lo;
  }
  sanitize_range(live.lo, live.hi, &mv);
  if (live.reach_lo < live.reach_hi) sanitize_range(live.reach_lo, live.reach_hi, &mv);
}
