// The word loops of copystack for x86-64 (see runtime/stack/adjustwords.h): SSE2, which every
// x86-64 has, AVX2 and AVX-512.  Owns the choice between them and between cached and streaming
// stores.
//
// They ask of all lanes at once: is first <= w <= last?  Unsigned, so with wrap-around it is one
// comparison, w - first <= last - first.  AVX-512 has it.  The older units compare signed words
// only; flipping the top bit of both sides turns one order into the other:
//
//   unsigned   0 ............... last-first | ............... 2^64-1
//                    moves                  |     stays
//   signed    -2^63 ............   limit    | ............... 2^63-1
//
//   stays  =  w + bias > limit      bias = 2^63 - first,  limit = last - first - 2^63
//
// Greater-than is the comparison the CPU has, so the masks say which words *stay*: the inclusive
// end needs no `last + 1`, which would not exist for last = 2^64-1.  A mask is -1 in each lane that
// stays; summed up and added to nwords, the masks give the number of words that moved.
#include <immintrin.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "runtime/arch/adjusters.h"

#define SSE2 RT_NOSANITIZE
#define AVX2 RT_NOSANITIZE __attribute__((target("avx2")))
#define AVX512 RT_NOSANITIZE __attribute__((target("avx512f,avx512bw,popcnt")))
#define TOP_BIT 0x8000000000000000u

// The size from which `copy` writes around the cache.  Source and destination share it, so this is
// 3/8 of a last-level cache of 32 MiB, and also where the two measured equal: at 9 MiB streaming
// costs 1.2 times the cached copy, at 14 MiB 0.85.  A constant, because the size that the CPU
// reports is of no use on a virtual machine: the one measured reports 320 MiB.
static _Atomic size_t stream_bytes = (size_t)12 << 20;

// The words that no vector takes: at the head until dst is aligned, and at the tail.
RT_NOSANITIZE
static uint64_t copy_few(uint64_t *dst, const uint64_t *src, size_t nwords,
                         const struct rt_wordmove *mv) {
  uint64_t adjusted = 0;
  for (size_t i = 0; i < nwords; i++) dst[i] = rt_adjustword(src[i], mv, &adjusted);
  return adjusted;
}

// The number of words from p to the next address that is a multiple of `align` bytes.
static inline size_t words_to_align(const uint64_t *p, size_t align, size_t nwords) {
  const size_t n = (0 - (uintptr_t)p) % align / sizeof *p;
  return n < nwords ? n : nwords;
}

// ---- AVX2: four words at a time --------------------------------------------------------------

struct avx2_move {
  __m256i bias, limit, delta;
};

AVX2 static inline struct avx2_move avx2_move(const struct rt_wordmove *mv) {
  return (struct avx2_move){
      .bias = _mm256_set1_epi64x((long long)(TOP_BIT - mv->first)),
      .limit = _mm256_set1_epi64x((long long)(mv->last - mv->first - TOP_BIT)),
      .delta = _mm256_set1_epi64x((long long)mv->delta),
  };
}

AVX2 static inline __m256i avx2_load(const uint64_t *p) {
  return _mm256_loadu_si256((const __m256i *)p);
}

// Which of four words stay.
AVX2 static inline __m256i avx2_stays(__m256i w, const struct avx2_move *m) {
  return _mm256_cmpgt_epi64(_mm256_add_epi64(w, m->bias), m->limit);
}

AVX2 static inline __m256i avx2_moved(__m256i w, __m256i stays, const struct avx2_move *m) {
  return _mm256_add_epi64(w, _mm256_andnot_si256(stays, m->delta));
}

AVX2 static inline uint64_t avx2_sum(__m256i v) {
  const __m128i s = _mm_add_epi64(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  return (uint64_t)_mm_cvtsi128_si64(_mm_add_epi64(s, _mm_unpackhi_epi64(s, s)));
}

// One step of sixteen words.  `store` is a constant at both places that use it.
#define AVX2_STEP(store)                                                   \
  do {                                                                     \
    for (size_t k = 0; k < 16; k += 4) {                                   \
      const __m256i w = avx2_load(src + i + k), stays = avx2_stays(w, &m); \
      store((__m256i *)(dst + i + k), avx2_moved(w, stays, &m));           \
      sum[k / 4 % 2] = _mm256_add_epi64(sum[k / 4 % 2], stays);            \
    }                                                                      \
  } while (0)

AVX2 static uint64_t avx2_copy(uint64_t *dst, const uint64_t *src, size_t nwords,
                               const struct rt_wordmove *mv) {
  const struct avx2_move m = avx2_move(mv);
  __m256i sum[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
  const size_t head = words_to_align(dst, sizeof(__m256i), nwords);
  uint64_t adjusted = copy_few(dst, src, head, mv);
  const size_t end = head + (nwords - head) / 16 * 16;
  size_t i = head;
  if (nwords * 8 < atomic_load_explicit(&stream_bytes, memory_order_relaxed)) {
    for (; i < end; i += 16) AVX2_STEP(_mm256_store_si256);
  } else {
    for (; i < end; i += 16) AVX2_STEP(_mm256_stream_si256);
    _mm_sfence();
  }
  adjusted += (end - head) + avx2_sum(_mm256_add_epi64(sum[0], sum[1]));
  return adjusted + copy_few(dst + end, src + end, nwords - end, mv);
}

// Writes two lines only if a word in them moves.  Most lines of a stack whose pages were moved hold
// no pointer, and a line that is not written stays clean, a page that was never written stays
// shared.  By the image, against writing always: 0.7 of the time where no word moves, the same at
// one pointer in ten words, and 2 to 3 times at worst, when pointers are so few and so scattered
// in many megabytes that no branch can be foreseen.  Four lines at once are better there and worse
// everywhere else; one line is the reverse.
AVX2 static uint64_t avx2_adjust(uint64_t *image, size_t nwords, const struct rt_wordmove *mv) {
  const struct avx2_move m = avx2_move(mv);
  __m256i sum = _mm256_setzero_si256();
  const size_t head = words_to_align(image, 64, nwords);
  uint64_t adjusted = copy_few(image, image, head, mv);
  const size_t end = head + (nwords - head) / 16 * 16;
  for (size_t i = head; i < end; i += 16) {
    __m256i w[4], stays[4], all = _mm256_set1_epi64x(-1);
    for (size_t k = 0; k < 4; k++) {
      w[k] = avx2_load(image + i + 4 * k);
      stays[k] = avx2_stays(w[k], &m);
      all = _mm256_and_si256(all, stays[k]);
      sum = _mm256_add_epi64(sum, stays[k]);
    }
    if (_mm256_movemask_epi8(all) == -1) continue;
    for (size_t k = 0; k < 4; k++)
      _mm256_store_si256((__m256i *)(image + i + 4 * k), avx2_moved(w[k], stays[k], &m));
  }
  adjusted += (end - head) + avx2_sum(sum);
  return adjusted + copy_few(image + end, image + end, nwords - end, mv);
}

static const struct rt_adjuster adjuster_avx2 = {"avx2", avx2_adjust, avx2_copy};

// ---- AVX-512: eight words at a time ----------------------------------------------------------
//
// What it has over AVX2 is the count.  While both images are in the first-level cache memcpy stores
// a vector in every cycle, and adding up masks is one vector instruction too many: AVX2 needs 1.3
// times as long as memcpy, AVX-512 1.1.  Its masks are eight bits in registers of their own; four
// are put together and counted in the integer unit.  Beyond that cache both are as fast as memcpy.

struct avx512_move {
  __m512i first, span, delta;
};

AVX512 static inline struct avx512_move avx512_move(const struct rt_wordmove *mv) {
  return (struct avx512_move){
      .first = _mm512_set1_epi64((long long)mv->first),
      .span = _mm512_set1_epi64((long long)(mv->last - mv->first)),
      .delta = _mm512_set1_epi64((long long)mv->delta),
  };
}

// Which of eight words move.
AVX512 static inline __mmask8 avx512_moves(__m512i w, const struct avx512_move *m) {
  return _mm512_cmple_epu64_mask(_mm512_sub_epi64(w, m->first), m->span);
}

AVX512 static inline __m512i avx512_moved(__m512i w, __mmask8 moves, const struct avx512_move *m) {
  return _mm512_mask_add_epi64(w, moves, w, m->delta);
}

// One step of 32 words.
#define AVX512_STEP(store)                                                                     \
  do {                                                                                         \
    __mmask8 moves[4];                                                                         \
    for (size_t k = 0; k < 4; k++) {                                                           \
      const __m512i w = _mm512_loadu_si512(src + i + 8 * k);                                   \
      moves[k] = avx512_moves(w, &m);                                                          \
      store((__m512i *)(dst + i + 8 * k), avx512_moved(w, moves[k], &m));                      \
    }                                                                                          \
    const __mmask32 all = _mm512_kunpackw(_mm512_kunpackb(moves[0], moves[1]),                 \
                                          _mm512_kunpackb(moves[2], moves[3]));                \
    adjusted += (uint64_t)__builtin_popcount(_cvtmask32_u32(all));                             \
  } while (0)

AVX512 static uint64_t avx512_copy(uint64_t *dst, const uint64_t *src, size_t nwords,
                                   const struct rt_wordmove *mv) {
  const struct avx512_move m = avx512_move(mv);
  const size_t head = words_to_align(dst, sizeof(__m512i), nwords);
  uint64_t adjusted = copy_few(dst, src, head, mv);
  const size_t end = head + (nwords - head) / 32 * 32;
  size_t i = head;
  if (nwords * 8 < atomic_load_explicit(&stream_bytes, memory_order_relaxed)) {
    for (; i < end; i += 32) AVX512_STEP(_mm512_store_si512);
  } else {
    for (; i < end; i += 32) AVX512_STEP(_mm512_stream_si512);
    _mm_sfence();
  }
  return adjusted + copy_few(dst + end, src + end, nwords - end, mv);
}

AVX512 static uint64_t avx512_adjust(uint64_t *image, size_t nwords, const struct rt_wordmove *mv) {
  const struct avx512_move m = avx512_move(mv);
  const size_t head = words_to_align(image, 64, nwords);
  uint64_t adjusted = copy_few(image, image, head, mv);
  const size_t end = head + (nwords - head) / 16 * 16;
  for (size_t i = head; i < end; i += 16) {
    const __m512i w0 = _mm512_load_si512(image + i), w1 = _mm512_load_si512(image + i + 8);
    const __mmask8 moves0 = avx512_moves(w0, &m), moves1 = avx512_moves(w1, &m);
    const unsigned both = _cvtmask16_u32(_mm512_kunpackb(moves1, moves0));
    if (both == 0) continue;  // see avx2_adjust
    _mm512_store_si512(image + i, avx512_moved(w0, moves0, &m));
    _mm512_store_si512(image + i + 8, avx512_moved(w1, moves1, &m));
    adjusted += (uint64_t)__builtin_popcount(both);
  }
  return adjusted + copy_few(image + end, image + end, nwords - end, mv);
}

static const struct rt_adjuster adjuster_avx512 = {"avx512", avx512_adjust, avx512_copy};

// ---- SSE2: two words at a time ---------------------------------------------------------------

struct sse2_move {
  __m128i bias, limit, delta;
};

SSE2 static inline struct sse2_move sse2_move(const struct rt_wordmove *mv) {
  return (struct sse2_move){
      .bias = _mm_set1_epi64x((long long)(TOP_BIT - mv->first)),
      .limit = _mm_set1_epi64x((long long)(mv->last - mv->first - TOP_BIT)),
      .delta = _mm_set1_epi64x((long long)mv->delta),
  };
}

SSE2 static inline __m128i sse2_load(const uint64_t *p) {
  return _mm_loadu_si128((const __m128i *)p);
}

// Which of two words stay.  SSE2 compares 32-bit halves only.  Where the upper halves differ they
// decide.  Where they are equal, limit - x is the difference of the lower halves, and its upper
// half is all ones exactly if that was negative, that is, if x is greater.
SSE2 static inline __m128i sse2_stays(__m128i w, const struct sse2_move *m) {
  const __m128i x = _mm_add_epi64(w, m->bias);
  const __m128i same = _mm_cmpeq_epi32(x, m->limit);
  const __m128i greater = _mm_cmpgt_epi32(x, m->limit);
  const __m128i borrow = _mm_sub_epi64(m->limit, x);
  const __m128i upper = _mm_or_si128(greater, _mm_and_si128(same, borrow));
  return _mm_shuffle_epi32(upper, _MM_SHUFFLE(3, 3, 1, 1));
}

SSE2 static inline __m128i sse2_moved(__m128i w, __m128i stays, const struct sse2_move *m) {
  return _mm_add_epi64(w, _mm_andnot_si128(stays, m->delta));
}

SSE2 static inline uint64_t sse2_sum(__m128i v) {
  return (uint64_t)_mm_cvtsi128_si64(_mm_add_epi64(v, _mm_unpackhi_epi64(v, v)));
}

#define SSE2_STEP(store)                                                   \
  do {                                                                     \
    for (size_t k = 0; k < 8; k += 2) {                                    \
      const __m128i w = sse2_load(src + i + k), stays = sse2_stays(w, &m); \
      store((__m128i *)(dst + i + k), sse2_moved(w, stays, &m));           \
      sum = _mm_add_epi64(sum, stays);                                     \
    }                                                                      \
  } while (0)

SSE2 static uint64_t sse2_copy(uint64_t *dst, const uint64_t *src, size_t nwords,
                               const struct rt_wordmove *mv) {
  const struct sse2_move m = sse2_move(mv);
  __m128i sum = _mm_setzero_si128();
  const size_t head = words_to_align(dst, sizeof(__m128i), nwords);
  uint64_t adjusted = copy_few(dst, src, head, mv);
  const size_t end = head + (nwords - head) / 8 * 8;
  size_t i = head;
  if (nwords * 8 < atomic_load_explicit(&stream_bytes, memory_order_relaxed)) {
    for (; i < end; i += 8) SSE2_STEP(_mm_store_si128);
  } else {
    for (; i < end; i += 8) SSE2_STEP(_mm_stream_si128);
    _mm_sfence();
  }
  adjusted += (end - head) + sse2_sum(sum);
  return adjusted + copy_few(dst + end, src + end, nwords - end, mv);
}

SSE2 static uint64_t sse2_adjust(uint64_t *image, size_t nwords, const struct rt_wordmove *mv) {
  const struct sse2_move m = sse2_move(mv);
  __m128i sum = _mm_setzero_si128();
  const size_t head = words_to_align(image, 64, nwords);
  uint64_t adjusted = copy_few(image, image, head, mv);
  const size_t end = head + (nwords - head) / 8 * 8;
  for (size_t i = head; i < end; i += 8) {
    __m128i w[4], stays[4], all = _mm_set1_epi32(-1);
    for (size_t k = 0; k < 4; k++) {
      w[k] = sse2_load(image + i + 2 * k);
      stays[k] = sse2_stays(w[k], &m);
      all = _mm_and_si128(all, stays[k]);
      sum = _mm_add_epi64(sum, stays[k]);
    }
    if (_mm_movemask_epi8(all) == 0xffff) continue;
    for (size_t k = 0; k < 4; k++)
      _mm_store_si128((__m128i *)(image + i + 2 * k), sse2_moved(w[k], stays[k], &m));
  }
  adjusted += (end - head) + sse2_sum(sum);
  return adjusted + copy_few(image + end, image + end, nwords - end, mv);
}

static const struct rt_adjuster adjuster_sse2 = {"sse2", sse2_adjust, sse2_copy};

// ---- The choice ------------------------------------------------------------------------------

size_t rt_arch_adjusters(const struct rt_adjuster **out, size_t max) {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") != 0;
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("popcnt");
  const struct rt_adjuster *all[] = {&rt_adjuster_scalar, &adjuster_sse2, &adjuster_avx2,
                                     &adjuster_avx512};
  const size_t can = avx512 ? 4 : avx2 ? 3 : 2, n = can < max ? can : max;
  for (size_t i = 0; i < n; i++) out[i] = all[i];
  return n;
}

const struct rt_adjuster *rt_arch_best_adjuster(void) {
  const struct rt_adjuster *all[RT_ADJUSTERS_MAX];
  return all[rt_arch_adjusters(all, RT_ADJUSTERS_MAX) - 1];
}

size_t rt_arch_set_stream_bytes(size_t bytes) {
  return atomic_exchange_explicit(&stream_bytes, bytes, memory_order_relaxed);
}
