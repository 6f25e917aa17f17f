// Any image, any bounds, any distance: every version of the word loops, and rt_copystack around
// each of them, does what the contract says (runtime/stack/adjustwords.h, copystack.h) and touches
// nothing else.  The model below is written from the contract; it shares no code with what it
// checks.
//
// An input is a header of eight bytes, then words.
//
//   0  first: an entry of edges[]      1  added to it, signed
//   2  last - first: an entry of edges[]     3  added to it, signed
//   4  delta: an entry of edges[], negated if the top bit is set
//   5  offset of the source from a cache line, in words; upper half: of the destination; 8: where
//      rt_copystack is asked to move pages as well, which takes longer than all the rest
//   6  where the stacks of rt_copystack end and how low their live bytes reach; 0xff leaves
//      rt_copystack out
//   7  bytes of the live region below its first whole word, and more of byte 6; and, with the size
//      of the input, which version rt_copystack uses
//
// Each word is two bytes, a kind and a signed offset, so that the words around every boundary are
// one mutation away; see decode().  copystack_mutator.c speaks in these words; any bytes will do.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/results.h"
#include "runtime/arch/adjusters.h"
#include "runtime/os/os.h"
#include "runtime/stack/copystack.h"
#include "runtime/stack/sanitize.h"

enum { HEADER = 8, WORDS_MAX = 512, FENCE = 16, AREA = WORDS_MAX + 2 * FENCE + 16 };

static const uint64_t canary = 0xa5c35a3c96f0e187;

static const uint64_t edges[] = {
    0x7f5580000000,     0x100000,           0,          1,          8,
    0x7fffffff,         0x80000000,         0xffffffff, 0x100000000, 0x1000,
    0x7fffffffffffffff, 0x8000000000000000, 0xffffffff00000000, 0xfffffffffffff000,
    0xffffffffffffffff, 0x40,
};

static uint64_t edge(uint8_t i) { return edges[i % (sizeof edges / sizeof *edges)]; }

static void expect(bool holds, const char *version, const char *what) {
  if (holds) return;
  fprintf(stderr, "copystack: %s: %s\n", version, what);
  abort();
}

// ---- The contract ----------------------------------------------------------------------------

static bool names_old(uint64_t w, const struct rt_wordmove *mv) {
  return !(w < mv->first) && !(w > mv->last);
}

static uint64_t model(uint64_t *out, const uint64_t *in, size_t n, const struct rt_wordmove *mv) {
  uint64_t moved = 0;
  for (size_t i = 0; i < n; i++) {
    out[i] = in[i];
    if (!names_old(in[i], mv)) continue;
    out[i] += mv->delta;
    moved++;
  }
  return moved;
}

// The move that undoes mv.  False if the new range wraps around, which no rt_wordmove can say.
static bool inverse(const struct rt_wordmove *mv, struct rt_wordmove *back) {
  *back = (struct rt_wordmove){mv->first + mv->delta, mv->last + mv->delta, 0 - mv->delta};
  return back->first <= back->last;
}

// ---- Input -----------------------------------------------------------------------------------

// A pointer that is not aligned is the low part of it in one word and the high part in the next:
// 1..7 shift it up by so many bytes, 9..15 down by 8 less; 0: `otherwise`.
static uint64_t torn(uint64_t w, unsigned shift, uint64_t otherwise) {
  if (shift % 8 == 0 || shift > 15) return otherwise;
  return shift < 8 ? w << 8 * shift : w >> 8 * (shift - 8);
}

// Makes words near what mv distinguishes.  Returns their number.
static size_t decode(const uint8_t *data, size_t size, const struct rt_wordmove *mv,
                     uint64_t *words) {
  size_t n = 0;
  uint64_t w = 0;
  for (size_t at = 0; at + 2 <= size && n < WORDS_MAX; at += 2) {
    const uint8_t kind = data[at];
    const uint64_t off = (uint64_t)(int64_t)(int8_t)data[at + 1];
    size_t times = 1;
    switch (kind % 8) {
      case 0: w = mv->first + off; break;
      case 1: w = mv->last + off; break;
      case 2: w = torn(mv->last + off, kind / 8, off); break;
      case 3: w = mv->first + (mv->last - mv->first) / 2 + off; break;
      case 4: w = (mv->first + off) ^ (uint64_t)1 << (kind / 8 * 2 + 1); break;
      case 5: w = (mv->last + off) ^ (uint64_t)1 << (kind / 8 * 2 + 1); break;
      case 6: times = (uint8_t)off; break;  // the last word again
      default:
        if (at + 10 > size) break;
        memcpy(&w, data + at + 2, sizeof w);
        at += 8;
    }
    for (; times > 0 && n < WORDS_MAX; times--) words[n++] = w;
  }
  return n;
}

// ---- The word loops --------------------------------------------------------------------------

struct area {
  _Alignas(64) uint64_t words[AREA];
};

// Makes room for n words in an area, `offset` words after a line, between canaries.
static uint64_t *lay(struct area *a, size_t offset, size_t n) {
  for (size_t i = 0; i < FENCE + offset; i++) a->words[i] = canary;
  for (size_t i = 0; i < FENCE; i++) a->words[FENCE + offset + n + i] = canary;
  return a->words + FENCE + offset;
}

static bool untouched_around(const struct area *a, size_t offset, size_t n) {
  for (size_t i = 0; i < FENCE + offset; i++)
    if (a->words[i] != canary) return false;
  for (size_t i = 0; i < FENCE; i++)
    if (a->words[FENCE + offset + n + i] != canary) return false;
  return true;
}

// The end of memory that may be read and written; the next byte may not.  No sanitizer checks the
// word loops, which read frames with red zones in them.
static uint64_t *wall(void) {
  static unsigned char *end;
  if (end) return (uint64_t *)end;
  const size_t page = os_pagesize(), bytes = (WORDS_MAX * 8 + page - 1) / page * page;
  int error;
  unsigned char *p = os_reserve(NULL, bytes + page, OS_ACCESS_READWRITE, &error);
  if (!p || os_forbid(p + bytes, page) != 0) abort();
  end = p + bytes;
  return (uint64_t *)end;
}

static void check_at_wall(const struct rt_adjuster *v, const uint64_t *image, size_t n,
                          const struct rt_wordmove *mv) {
  static struct area dst_area;
  uint64_t *src = wall() - n, *dst = dst_area.words;
  memcpy(src, image, n * 8);
  const uint64_t count = v->copy(dst, src, n, mv);
  expect(v->adjust(src, n, mv) == count, v->name, "at the wall: wrong count");
  expect(memcmp(src, dst, n * 8) == 0, v->name, "at the wall: wrong words");
  memset(src, 0, n * 8);
  expect(v->copy(src, image, n, mv) == count, v->name, "to the wall: wrong count");
  expect(memcmp(src, dst, n * 8) == 0, v->name, "to the wall: wrong words");
}

static void check_version(const struct rt_adjuster *v, const uint64_t *image, size_t n,
                          const struct rt_wordmove *mv, uint8_t offsets) {
  static struct area src_area, dst_area;
  static uint64_t want[WORDS_MAX];
  const size_t from = offsets % 8, to = offsets / 16 % 8;
  const uint64_t count = model(want, image, n, mv);
  uint64_t *src = lay(&src_area, from, n), *dst = lay(&dst_area, to, n);
  memcpy(src, image, n * 8);
  expect(v->copy(dst, src, n, mv) == count, v->name, "fused: wrong count");
  expect(memcmp(dst, want, n * 8) == 0, v->name, "fused: wrong words");
  expect(memcmp(src, image, n * 8) == 0, v->name, "fused: wrote its source");
  expect(v->adjust(src, n, mv) == count, v->name, "in place: wrong count");
  expect(memcmp(src, want, n * 8) == 0, v->name, "in place: wrong words");

  struct rt_wordmove back;
  if (inverse(mv, &back)) {
    const uint64_t returned = model(want, src, n, &back);
    expect(v->copy(dst, src, n, &back) == returned, v->name, "fused, back: wrong count");
    expect(memcmp(dst, want, n * 8) == 0, v->name, "fused, back: wrong words");
    expect(v->adjust(src, n, &back) == returned, v->name, "in place, back: wrong count");
    expect(memcmp(src, want, n * 8) == 0, v->name, "in place, back: wrong words");
    // Without words that named the new place before, as many come back as went, to where they were.
    if (returned == count) expect(memcmp(src, image, n * 8) == 0, v->name, "there and back");
  }
  expect(untouched_around(&src_area, from, n), v->name, "wrote around its source");
  expect(untouched_around(&dst_area, to, n), v->name, "wrote around its destination");
}

// ---- The whole of rt_copystack ---------------------------------------------------------------

// One region of memory for the old stack and one for the new, with a slot in each: reach, guard,
// stack and pad take PAGES pages together.
enum { PAGES = 8 };

struct places {
  unsigned char *from, *to, *was, *want;  // was: `from` before the move; want: `to` after it
  size_t page, bytes;
};

static struct places places_get(void) {
  static struct places p;
  if (p.from) return p;
  int error;
  p.page = os_pagesize();
  p.bytes = PAGES * p.page;
  p.from = os_reserve(NULL, p.bytes, OS_ACCESS_READWRITE, &error);
  p.to = os_reserve(NULL, p.bytes, OS_ACCESS_READWRITE, &error);
  p.was = malloc(p.bytes);
  p.want = malloc(p.bytes);
  if (!p.from || !p.to || !p.was || !p.want) abort();
  return p;
}

// What a move is asked to do.
struct job {
  struct rt_stack from, to;
  uintptr_t lowest;
};

// The header's bytes 6 and 7, as two stacks.  The old one ends on a page or not; its live bytes
// end in the stack, in the guard, or below the guard.
static struct job decode_job(const struct places *p, uint8_t shape, uint8_t tail, size_t nwords) {
  struct job j;
  const size_t skew = shape % 4 == 3 ? 8 * (1u + tail / 8) : 0;
  j.from.hi = (uintptr_t)p->from + (PAGES - 1) * p->page - skew;
  j.to.hi = (uintptr_t)p->to + (PAGES - 1) * p->page - (shape % 4 == 2 ? 24 : skew);
  const size_t size = (1 + (size_t)(shape / 4 % 2)) * p->page;
  j.from.lo = j.from.hi - size;
  j.to.lo = j.to.hi - 4 * p->page;
  j.from.guard_bytes = j.to.guard_bytes = (uint32_t)p->page;
  const uintptr_t reach = (uintptr_t)(shape & 8 ? 64 : 1) << 20;
  j.from.slot_lo = j.from.hi > reach ? j.from.hi - reach : 0;  // Windows has memory so far down
  j.to.slot_lo = j.to.hi > reach ? j.to.hi - reach : 0;
  j.from.slot = j.to.slot = 0;
  const uintptr_t base[] = {j.from.hi, j.from.lo + 8, j.from.lo, j.from.lo - j.from.guard_bytes};
  size_t below = nwords * 8;
  const uintptr_t top = base[shape / 16 % 4];
  if (below > p->page) below = p->page;
  j.lowest = top - below - tail % 8;
  return j;
}

// The live bytes: in the stack, and below its guard.
struct range {
  uintptr_t lo, hi;
};

static void live_ranges(const struct job *j, struct range out[2]) {
  const uintptr_t guard_lo = j->from.lo - j->from.guard_bytes;
  out[0] = (struct range){j->lowest > j->from.lo ? j->lowest : j->from.lo, j->from.hi};
  out[1] = (struct range){j->lowest < guard_lo ? j->lowest : guard_lo, guard_lo};
}

// Where pages are moved, the page that holds the lowest live byte moves whole.
static struct range moved_pages(const struct places *p, const struct job *j) {
  struct range r[2];
  live_ranges(j, r);
  return (struct range){r[0].lo - r[0].lo % p->page, r[0].hi};
}

// What `to` holds afterwards, in p->want; returns the number of words that moved.
static uint64_t model_stack(const struct places *p, const struct job *j, bool pages) {
  const uintptr_t delta = j->to.hi - j->from.hi;
  // Old addresses as positions in p->was and p->want.
  const uintptr_t was = (uintptr_t)p->was - (uintptr_t)p->from;
  const uintptr_t want = (uintptr_t)p->want - (uintptr_t)p->to + delta;
  struct range r[2];
  uint64_t moved = 0;
  live_ranges(j, r);
  memset(p->want, 0xa5, p->bytes);
  if (pages) {
    const struct range all = moved_pages(p, j);
    memcpy((void *)(want + all.lo), (void *)(was + all.lo), all.hi - all.lo);
  }
  for (int k = 0; k < 2; k++) {
    memcpy((void *)(want + r[k].lo), (void *)(was + r[k].lo), r[k].hi - r[k].lo);
    for (uintptr_t at = r[k].lo; at + 8 <= r[k].hi; at++) {
      uint64_t w;
      if (at % 8 != 0) continue;
      memcpy(&w, (void *)(was + at), 8);
      if (w < j->from.slot_lo || w > j->from.hi) continue;
      w += delta;
      memcpy((void *)(want + at), &w, 8);
      moved++;
    }
  }
  return moved;
}

// Is the old stack as the contract leaves it?  Pages that were moved away read as zero.
static bool source_is_left(const struct places *p, const struct job *j, bool pages) {
  const struct range gone = moved_pages(p, j);
  if (!pages) return memcmp(p->from, p->was, p->bytes) == 0;
  const size_t lo = gone.lo - (uintptr_t)p->from, hi = gone.hi - (uintptr_t)p->from;
  for (size_t i = lo; i < hi; i++)
    if (p->from[i] != 0) return false;
  return memcmp(p->from, p->was, lo) == 0 && memcmp(p->from + hi, p->was + hi, p->bytes - hi) == 0;
}

static void check_copystack(const struct rt_adjuster *v, const struct places *p,
                            const struct job *j, enum rt_copy_how how) {
  struct rt_copied got;
  memcpy(p->from, p->was, p->bytes);
  memset(p->to, 0xa5, p->bytes);
  rt_copystack_use(v);
  rt_copystack(&j->from, &j->to, j->lowest, how, &got);
  const uint64_t count = model_stack(p, j, got.moved_pages);
  expect(how == RT_COPY_PAGES || !got.moved_pages, v->name, "rt_copystack: moved pages unasked");
  expect(memcmp(p->to, p->want, p->bytes) == 0, v->name, "rt_copystack: wrong bytes");
  expect(source_is_left(p, j, got.moved_pages), v->name, "rt_copystack: wrote the old stack");
  expect(got.adjusted == count, v->name, "rt_copystack: wrong count of words");
  struct range r[2];
  live_ranges(j, r);
  expect(got.bytes == r[0].hi - r[0].lo + r[1].hi - r[1].lo, v->name,
         "rt_copystack: wrong count of bytes");
  expect(got.words.first == j->from.slot_lo && got.words.last == j->from.hi &&
             got.words.delta == j->to.hi - j->from.hi,
         v->name, "rt_copystack: wrong move of words");
}

// In a build with AddressSanitizer rt_copystack also moves words that name the shadow of the old
// stack, which the contract does not: images here have none.
static void drop_shadow_words(uint64_t *words, size_t n, const struct rt_wordmove *mv) {
  struct rt_wordmove shadow[RT_SHADOW_MOVES];
  const size_t nshadow = rt_sanitize_shadow(mv, shadow);
  for (size_t k = 0; k < nshadow; k++)
    for (size_t i = 0; i < n; i++)
      if (names_old(words[i], &shadow[k])) words[i] = 0;
}

// Fills the old stack with the input's words, over and over, from the top down.
static void check_stacks(const struct rt_adjuster *const *versions, size_t nversions,
                         const uint8_t *data, size_t size) {
  static uint64_t words[WORDS_MAX];
  const struct places p = places_get();
  struct job j = decode_job(&p, data[6], data[7], size / 2);
  const struct rt_wordmove mv = {j.from.slot_lo, j.from.hi, j.to.hi - j.from.hi};
  const size_t n = decode(data + HEADER, size - HEADER, &mv, words);
  if (n == 0) return;
  drop_shadow_words(words, n, &mv);
  for (size_t i = 0; i < p.bytes / 8; i++) memcpy(p.was + p.bytes - 8 * (i + 1), words + i % n, 8);
  const struct rt_adjuster *v = versions[(data[7] + size) % nversions];
  check_copystack(v, &p, &j, RT_COPY_BYTES);
  if (data[5] & 8) check_copystack(v, &p, &j, RT_COPY_PAGES);
}

// ----------------------------------------------------------------------------------------------

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static uint64_t image[WORDS_MAX];
  const struct rt_adjuster *versions[RT_ADJUSTERS_MAX];
  if (size < HEADER) return 0;
  const size_t nversions = rt_arch_adjusters(versions, RT_ADJUSTERS_MAX);
  struct rt_wordmove mv;
  const uint64_t span = edge(data[2]) + (uint64_t)(int64_t)(int8_t)data[3];
  mv.first = edge(data[0]) + (uint64_t)(int64_t)(int8_t)data[1];
  mv.last = mv.first + span < mv.first ? UINT64_MAX : mv.first + span;
  mv.delta = data[4] & 0x80 ? 0 - edge(data[4]) : edge(data[4]);
  const size_t n = decode(data + HEADER, size - HEADER, &mv, image);
  for (int streaming = 0; streaming < 2; streaming++) {
    const size_t before = rt_arch_set_stream_bytes(streaming ? 0 : SIZE_MAX);
    for (size_t i = 0; i < nversions; i++) {
      check_version(versions[i], image, n, &mv, data[5]);
      check_at_wall(versions[i], image, n, &mv);
    }
    rt_arch_set_stream_bytes(before);
  }
  static uint64_t moved[WORDS_MAX];
  const uint64_t count = versions[0]->copy(moved, image, n, &mv);
  fuzz_result(moved, n * sizeof *moved);
  fuzz_result(&count, sizeof count);
  if (data[6] != 0xff) check_stacks(versions, nversions, data, size);
  return 0;
}
