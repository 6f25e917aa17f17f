// The word loops of copystack for AArch64 (see runtime/stack/adjustwords.h): Advanced SIMD, which
// every AArch64 with an operating system has.
//
// Two lanes are asked at once: is first <= w <= last?  Unsigned, so with wrap-around it is one
// comparison, w - first <= last - first, which the CPU has (cmhs).  A mask is -1 in each lane that
// moves: masks summed up and negated are the number of words that moved.
#include <arm_neon.h>

#include "runtime/arch/adjusters.h"

struct neon_move {
  uint64x2_t first, width, delta;
};

RT_NOSANITIZE static inline struct neon_move neon_move(const struct rt_wordmove *mv) {
  return (struct neon_move){vdupq_n_u64(mv->first), vdupq_n_u64(mv->last - mv->first),
                            vdupq_n_u64(mv->delta)};
}

RT_NOSANITIZE static inline uint64x2_t neon_moves(uint64x2_t w, const struct neon_move *m) {
  return vcleq_u64(vsubq_u64(w, m->first), m->width);
}

RT_NOSANITIZE static inline uint64x2_t neon_moved(uint64x2_t w, uint64x2_t moves,
                                                  const struct neon_move *m) {
  return vaddq_u64(w, vandq_u64(moves, m->delta));
}

RT_NOSANITIZE static inline uint64_t neon_count(uint64x2_t sum) { return 0 - vaddvq_u64(sum); }

RT_NOSANITIZE static uint64_t neon_copy(uint64_t *dst, const uint64_t *src, size_t nwords,
                                        const struct rt_wordmove *mv) {
  const struct neon_move m = neon_move(mv);
  uint64x2_t sum[2] = {vdupq_n_u64(0), vdupq_n_u64(0)};
  const size_t end = nwords / 8 * 8;
  for (size_t i = 0; i < end; i += 8) {
    for (size_t k = 0; k < 8; k += 2) {
      const uint64x2_t w = vld1q_u64(src + i + k), moves = neon_moves(w, &m);
      vst1q_u64(dst + i + k, neon_moved(w, moves, &m));
      sum[k / 2 % 2] = vaddq_u64(sum[k / 2 % 2], moves);
    }
  }
  uint64_t adjusted = neon_count(vaddq_u64(sum[0], sum[1]));
  for (size_t i = end; i < nwords; i++) dst[i] = rt_adjustword(src[i], mv, &adjusted);
  return adjusted;
}

// Writes a line only if a word in it moves: a page that was moved and not written stays clean.
RT_NOSANITIZE static uint64_t neon_adjust(uint64_t *image, size_t nwords,
                                          const struct rt_wordmove *mv) {
  const struct neon_move m = neon_move(mv);
  uint64x2_t sum = vdupq_n_u64(0);
  const size_t end = nwords / 8 * 8;
  for (size_t i = 0; i < end; i += 8) {
    uint64x2_t w[4], moves[4], any = vdupq_n_u64(0);
    for (size_t k = 0; k < 4; k++) {
      w[k] = vld1q_u64(image + i + 2 * k);
      moves[k] = neon_moves(w[k], &m);
      any = vorrq_u64(any, moves[k]);
      sum = vaddq_u64(sum, moves[k]);
    }
    if (vmaxvq_u32(vreinterpretq_u32_u64(any)) == 0) continue;
    for (size_t k = 0; k < 4; k++) vst1q_u64(image + i + 2 * k, neon_moved(w[k], moves[k], &m));
  }
  uint64_t adjusted = neon_count(sum);
  for (size_t i = end; i < nwords; i++) image[i] = rt_adjustword(image[i], mv, &adjusted);
  return adjusted;
}

static const struct rt_adjuster adjuster_neon = {"neon", neon_adjust, neon_copy};

size_t rt_arch_adjusters(const struct rt_adjuster **out, size_t max) {
  const struct rt_adjuster *const all[] = {&rt_adjuster_scalar, &adjuster_neon};
  size_t n = 0;
  for (; n < max && n < sizeof all / sizeof *all; n++) out[n] = all[n];
  return n;
}

const struct rt_adjuster *rt_arch_best_adjuster(void) { return &adjuster_neon; }

size_t rt_arch_set_stream_bytes(size_t bytes) {
  (void)bytes;
  return 0;
}
