// The register file of an interrupted AArch64 context: which of its words may be pointers.
//
// The vector state is what Linux appends to a signal frame: records of (magic, size, ...), 16-byte
// aligned, up to one of magic 0 (arch/arm64/include/uapi/asm/sigcontext.h):
//
//     fpsimd   fpsr fpcr, v0-v31
//     sve      the vector length, z0-z31, p0-p15, ffr: v0-v31 are the low lanes of z0-z31
//     extra    where the records go on that found no room in the frame
//
// Both fpsimd and sve are adjusted: the kernel takes what z0-z31 have beyond v0-v31 from sve, and
// the rest from either, as it pleases.
#include <string.h>
#include "runtime/arch/adjusters.h"
#include "runtime/arch/arch.h"

enum {
  FPSIMD_MAGIC = 0x46508001,
  ZA_MAGIC = 0x54366345,
  SVE_MAGIC = 0x53564501,
  EXTRA_MAGIC = 0x45585401,
  RECORD_HEADER = 8,
  FPSIMD_VREGS = 16,  // after the header, fpsr and fpcr
  FPSIMD_BYTES = FPSIMD_VREGS + 32 * 16,
  SVE_VL = 8,      // after the header, of 2 bytes: a vector's length in bytes
  SVE_FLAGS = 10,  // of 2 bytes
  SVE_STREAMING = 1,
  SVE_ZREGS = 16,  // SVE_SIG_REGS_OFFSET
  ZA_HEADER = 16,  // without more, ZA is off
};

#ifdef __APPLE__
const size_t rt_arch_redzone_bytes = 128;  // "Writing ARM64 code for Apple platforms"
#else
const size_t rt_arch_redzone_bytes = 0;  // AAPCS64 6.4.5: nothing below SP is anybody's
#endif
const bool rt_arch_has_marks = false;

static const struct rt_adjuster *adjuster = &rt_adjuster_scalar;

void rt_regfile_init(void) { adjuster = rt_arch_best_adjuster(); }

struct record {
  uint32_t magic, size;
  unsigned char *at;
};

// Reads the record at `offset`; false at the end, and where what is there is no record.
static bool record_at(const struct rt_regfile *regs, size_t offset, struct record *out) {
  if (regs->vector_bytes < RECORD_HEADER || offset > regs->vector_bytes - RECORD_HEADER)
    return false;
  out->at = regs->vector + offset;
  memcpy(&out->magic, out->at, 4);
  memcpy(&out->size, out->at + 4, 4);
  return out->magic != 0 && out->size >= RECORD_HEADER && out->size % 16 == 0 &&
         out->size <= regs->vector_bytes - offset;
}

// What the kernel put elsewhere would have to come along; and rt_asyncpreempt2 would run in the
// streaming mode of SME, or with its ZA.
static bool is_savable(const struct record *r) {
  uint16_t flags;
  if (r->magic == EXTRA_MAGIC) return false;
  if (r->magic == ZA_MAGIC) return r->size <= ZA_HEADER;
  if (r->magic != SVE_MAGIC) return true;
  memcpy(&flags, r->at + SVE_FLAGS, 2);
  return !(flags & SVE_STREAMING);
}

bool rt_regfile_savable(const struct rt_regfile *regs) {
  struct record r;
  for (size_t offset = 0; record_at(regs, offset, &r); offset += r.size)
    if (!is_savable(&r)) return false;
  return true;
}

static uint64_t adjust_record(const struct record *r, const struct rt_wordmove *mv) {
  size_t from = 0, to = 0;
  if (r->magic == FPSIMD_MAGIC && r->size >= FPSIMD_BYTES) {
    from = FPSIMD_VREGS;
    to = FPSIMD_BYTES;
  } else if (r->magic == SVE_MAGIC && r->size > SVE_ZREGS) {
    uint16_t vl;
    memcpy(&vl, r->at + SVE_VL, 2);
    from = SVE_ZREGS;
    to = SVE_ZREGS + 32 * (size_t)vl;
    if (to > r->size) to = r->size;
  }
  return adjuster->adjust((uint64_t *)(r->at + from), (to - from) / 8, mv);
}

static uint64_t adjust_vector(const struct rt_regfile *regs, const struct rt_wordmove *mv) {
  uint64_t adjusted = 0;
  struct record r;
  for (size_t offset = 0; record_at(regs, offset, &r); offset += r.size) {
    adjusted += adjust_record(&r, mv);
    if (r.magic != EXTRA_MAGIC || r.size < 24) continue;
    struct rt_regfile extra = {0};  // datap, of 8 bytes, and its size, of 4
    uint32_t bytes;
    memcpy(&extra.vector, r.at + 8, 8);
    memcpy(&bytes, r.at + 16, 4);
    extra.vector_bytes = bytes;
    struct record e;
    for (size_t at = 0; extra.vector && record_at(&extra, at, &e); at += e.size)
      adjusted += adjust_record(&e, mv);
  }
  return adjusted;
}

uint64_t rt_regfile_adjust(const struct rt_regfile *regs, const struct rt_wordmove *mv) {
  uint64_t adjusted = rt_lanes_adjust(regs, mv);
  for (size_t i = 0; i < regs->ngeneral; i++)
    regs->general[i] = rt_adjustword(regs->general[i], mv, &adjusted);
  if (regs->vector) adjusted += adjust_vector(regs, mv);
  return adjusted;
}

void rt_cpu_relax(void) { __asm__ volatile("yield"); }
