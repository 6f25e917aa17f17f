// The memory of stacks (runtime/stack/stack.h): reserved, committed, resized, freed, cached and
// drained in any order.  Two stacks never overlap, bounds and guards are where they should be and
// do what they should, nobody else writes to a stack, and what is counted adds up.
//
// An input is a header of two bytes, then steps of four (kind, which, size, range); what is missing
// reads as 0.
//
//   0  the kind of guard      1  its least width
//
// The pool outlives an input, as it does a go_run: what an input finds in it was left by those
// before.
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/accessible.h"
#include "fuzz/results.h"
#include "runtime/os/os.h"
#include "runtime/stack/stack.h"

enum { HEADER = 2, STACKS = 24, CACHES = 2, STEPS_MAX = 200 };
enum step { ALLOC, RESERVE, RANGE, COMMIT, RESIZE, FREE, FLUSH, WANT, DRAIN, STEPS };

static struct rt_stackcache caches[CACHES];

static struct live {
  bool there, committed;
  enum rt_stack_kind kind;
  size_t asked, range;
  struct rt_stack stack;
} stacks[STACKS];

static uint64_t nallocated;  // by this input, in all caches

static void expect(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "stackpool: %s\n", what);
  abort();
}

static size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

static bool is_elastic(enum rt_stack_kind k) {
  return k == RT_STACK_ELASTIC || k == RT_STACK_WIDE_ELASTIC;
}

// ---- What must hold --------------------------------------------------------------------------

static uint64_t *word(uintptr_t at) { return (uint64_t *)at; }

// Its lowest word; or the lowest that is there before a thread has run on it.
static uintptr_t lowest(const struct rt_stack *s) {
  const uintptr_t limit = os_stack_limit(s->lo, s->hi);
  return limit ? limit : s->lo;
}

// A mark at either end, that only this stack's owner writes.
static void put_marks(struct live *l) {
  *word(lowest(&l->stack)) = l->stack.lo ^ 0x5ca1ab1e;
  *word(l->stack.hi - 8) = l->stack.hi ^ 0x5ca1ab1e;
}

static void check_marks(const struct live *l) {
  if (!l->committed) return;
  expect(*word(lowest(&l->stack)) == (l->stack.lo ^ 0x5ca1ab1e), "somebody wrote to its lowest");
  expect(*word(l->stack.hi - 8) == (l->stack.hi ^ 0x5ca1ab1e), "somebody wrote to its highest");
}

static void check_bounds(const struct live *l) {
  const struct rt_stack *s = &l->stack;
  const size_t page = os_pagesize();
  const size_t want = round_up(l->asked, is_elastic(l->kind) ? page : 16);
  expect(rt_stack_size(s) == want, "another size than was asked for");
  fuzz_result(&(uint64_t){want}, sizeof(uint64_t));
  expect(s->lo % page == 0, "does not begin on a page");
  expect(s->slot_lo < s->lo && (s->slot_lo & 0x80000000), "not in the upper half of 4 GiB");
  if (l->kind == RT_STACK_WIDE || l->kind == RT_STACK_WIDE_ELASTIC)
    expect(s->slot_lo % RT_STACK_REACH == 0, "its slot is not aligned");
  if (!l->committed) return;
  expect(s->lo - s->guard_bytes >= s->slot_lo, "its guard is not in its slot");
  expect(s->guard_bytes >= page, "no guard");
  expect(!accessible(s->lo - 1) && !accessible(s->lo - s->guard_bytes), "its guard can be read");
}

static void check_all(void) {
  int64_t in_use[GO_STACK_CLASSES] = {0};
  uint64_t counted = 0;
  for (int i = 0; i < STACKS; i++) {
    const struct live *a = &stacks[i];
    if (!a->there) continue;
    check_marks(a);
    in_use[rt_stack_class(rt_stack_size(&a->stack))]++;
    for (int k = 0; k < i; k++) {
      const struct live *b = &stacks[k];
      expect(!b->there || a->stack.hi < b->stack.slot_lo || b->stack.hi < a->stack.slot_lo,
             "two stacks overlap");
    }
  }
  for (int class = 0; class < GO_STACK_CLASSES; class ++) {
    for (int c = 0; c < CACHES; c++)
      in_use[class] -= (int64_t)atomic_load(&caches[c].stats.in_use[class]);
    expect(in_use[class] == 0, "another number of stacks in use");
  }
  for (int c = 0; c < CACHES; c++)
    counted += atomic_load(&caches[c].stats.pool_hits) + atomic_load(&caches[c].stats.pool_misses);
  expect(counted == nallocated, "neither hit nor miss, or both");
  fuzz_result(&counted, sizeof counted);
}

// ---- Steps -----------------------------------------------------------------------------------

// A power of two, or something near it.
static size_t size_of(uint8_t b) {
  const size_t size = (size_t)RT_STACK_MIN << b % 19;
  const size_t off = (size_t)(b / 19) * 1024;
  return off < size && size + off <= RT_STACK_MAX ? size + off : size;
}

static void settle(struct live *l, int error, bool committed) {
  if (error == GO_EMAP || error == GO_ENOMEM || error == GO_EMAPCOUNT) nallocated++;
  expect(error == 0 || l->asked > RT_STACK_MAX || error == GO_EMAP || error == GO_EMAPCOUNT,
         "cannot be had");
  if (error) return;
  nallocated++;
  l->there = true;
  l->committed = committed;
  check_bounds(l);
  if (committed) put_marks(l);
}

static void make(struct live *l, enum step how, const uint8_t *b, struct rt_stackcache *cache) {
  static const enum rt_stack_kind fixed[] = {RT_STACK_COMPACT, RT_STACK_WIDE, RT_STACK_FIXED};
  *l = (struct live){.kind = fixed[b[3] % 3], .asked = size_of(b[2])};
  if (how == ALLOC) {
    settle(l, rt_stackalloc(l->kind, l->asked, cache, &l->stack), true);
  } else if (how == RESERVE) {
    settle(l, rt_stackreserve(l->kind, l->asked, cache, &l->stack), false);
  } else {
    l->kind = b[3] & 1 ? RT_STACK_ELASTIC : RT_STACK_WIDE_ELASTIC;
    l->range = size_of(b[3] / 2);
    if (l->range < l->asked) l->range = l->asked;
    settle(l, rt_stackrange(l->kind, l->range, l->asked, cache, &l->stack), false);
  }
}

static void commit(struct live *l) {
  if (l->committed) return;
  expect(rt_stackcommit(&l->stack) == 0, "cannot be committed");
  l->committed = true;
  check_bounds(l);
  put_marks(l);
}

// What was committed keeps its upper end; and its lower, where it grows.
static void resize(struct live *l, uint8_t b, struct rt_stackcache *cache) {
  const size_t size = size_of(b);
  const struct rt_stack before = l->stack;
  if (is_elastic(l->kind)) commit(l);
  const int error = rt_stackresize(cache, &l->stack, size);
  if (!is_elastic(l->kind)) {
    expect(error == GO_ESTRATEGY, "resized, and is not elastic");
    return;
  }
  const bool fits = round_up(size, os_pagesize()) <= round_up(l->range, os_pagesize());
  expect(!fits || error == 0, "cannot be resized within its range");
  expect(error == 0 || error == GO_ELIMIT, "cannot be resized: another error");
  if (error) return;
  expect(l->stack.hi == before.hi && l->stack.slot_lo == before.slot_lo, "moved");
  expect(*word(l->stack.hi - 8) == (l->stack.hi ^ 0x5ca1ab1e), "lost what was on it");
  l->asked = size;
  check_bounds(l);
  put_marks(l);
}

static void free_one(struct live *l, struct rt_stackcache *cache) {
  check_marks(l);
  if (l->committed) check_bounds(l);
  rt_stackfree(cache, &l->stack);
  l->there = false;
}

static void do_step(const uint8_t *b) {
  struct live *l = &stacks[b[1] % STACKS];
  struct rt_stackcache *cache = &caches[b[1] / STACKS % CACHES];
  const enum step how = b[0] % STEPS;
  switch (how) {
    case ALLOC:
    case RESERVE:
    case RANGE:
      if (!l->there) make(l, how, b, cache);
      break;
    case COMMIT:
      if (l->there) commit(l);
      break;
    case RESIZE:
      if (l->there) resize(l, b[2], cache);
      break;
    case FREE:
      if (l->there) free_one(l, cache);
      break;
    case FLUSH:
      rt_stackcache_flush(cache);
      break;
    case WANT:
      rt_stackcache_want(cache, b[3] % 3 == 1 ? RT_STACK_WIDE : RT_STACK_COMPACT, size_of(b[2]));
      rt_stackcache_stock(cache);
      break;
    default:
      rt_stackdrain(cache);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < HEADER) return 0;
  const struct rt_stack_config config = {
      .guard_bytes = (size_t)4096 << data[1] % 9,
      .guard = data[0] % 2 ? RT_GUARD_MPROTECT : RT_GUARD_AUTO,
  };
  expect(rt_stackinit(&config) == 0, "rt_stackinit refuses");
  memset(caches, 0, sizeof caches);
  nallocated = 0;
  int steps = 0;
  for (size_t at = HEADER; at + 4 <= size && steps < STEPS_MAX; at += 4, steps++) {
    do_step(data + at);
    check_all();
  }
  for (int i = 0; i < STACKS; i++)
    if (stacks[i].there) free_one(&stacks[i], &caches[0]);
  check_all();
  for (int i = 0; i < CACHES; i++) rt_stackdrain(&caches[i]);
  return 0;
}
