// The register file of an interrupted x86-64 context: which of its words may be pointers.
//
// The vector state is an XSAVE area in the standard (non-compacted) form that the kernel writes
// into a signal frame (Intel SDM vol. 1, ch. 13; linux arch/x86/include/uapi/asm/sigcontext.h):
//
//     0    legacy region: x87, then XMM0-15 from byte 160
//     464  software bytes: magic 0x46505853 if there is more than the legacy region, then its
//          whole size and the features it holds
//     512  XSTATE_BV: which components are not in their initial state
//     576  components, at offsets that CPUID leaf 0xD gives
#include <cpuid.h>
#include <string.h>
#include "runtime/arch/adjusters.h"
#include "runtime/arch/arch.h"

enum {
  XMM_OFFSET = 160,
  XMM_BYTES = 16 * 16,
  LEGACY_BYTES = 512,
  SW_MAGIC_OFFSET = 464,
  SW_SIZE_OFFSET = 480,  // xstate_size, after magic1, extended_size and xfeatures
  HEADER_OFFSET = 512,
  HEADER_BYTES = 64,
  SW_MAGIC = 0x46505853,  // FP_XSTATE_MAGIC1
};

// XSAVE components whose registers hold 64-bit lanes: XMM (in the legacy region), the high
// halves of YMM0-15 and of ZMM0-15, and ZMM16-31 whole.
enum { COMPONENT_SSE = 1, COMPONENT_AVX = 2, COMPONENT_ZMM_HI256 = 6, COMPONENT_HI16_ZMM = 7 };
static const int extended_components[] = {COMPONENT_AVX, COMPONENT_ZMM_HI256, COMPONENT_HI16_ZMM};
enum { NEXTENDED = sizeof extended_components / sizeof *extended_components };

static struct {
  uint32_t offset, bytes;  // 0 bytes: this CPU has no such component
} layout[NEXTENDED];

// The vector registers are hundreds of words: scanned one by one they cost a tenth of a growth.
static const struct rt_adjuster *adjuster = &rt_adjuster_scalar;

// What rt_asyncpreempt saves: x87, SSE, AVX, opmask, the halves of ZMM, APX.  Not the thread's
// (PKRU, CET), and not AMX tiles (17, 18), which are eight times as large as all the rest.
enum { FEATURE_APX = 19, FEATURES_BELOW_8 = 0xe7 };
uint64_t rt_xsave_mask;  // 0: this CPU has no XSAVE, and FXSAVE saves all there is
size_t rt_xsave_bytes = LEGACY_BYTES;
bool rt_xgetbv_in_use;  // XGETBV tells which of them are not in their initial state

static void find_saved_state(void) {
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE)) return;
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  rt_xsave_mask = low & (FEATURES_BELOW_8 | 1u << FEATURE_APX);
  rt_xgetbv_in_use = __get_cpuid_count(0xd, 1, &eax, &ebx, &ecx, &edx) && (eax & 1u << 2);
  rt_xsave_bytes = HEADER_OFFSET + HEADER_BYTES;
  for (unsigned i = 2; i <= FEATURE_APX; i++) {
    if (!(rt_xsave_mask >> i & 1) || !__get_cpuid_count(0xd, i, &eax, &ebx, &ecx, &edx)) continue;
    if (ebx + eax > rt_xsave_bytes) rt_xsave_bytes = ebx + eax;
  }
  rt_xsave_bytes = (rt_xsave_bytes + 63) / 64 * 64;
}

size_t rt_asyncpreempt_bytes(void) {
  enum { GENERAL = 20 * 8, ALIGNMENT = 64, CALLED = 1024 };
  return rt_arch_redzone_bytes + GENERAL + ALIGNMENT + rt_xsave_bytes + CALLED;
}

bool rt_regfile_savable(const struct rt_regfile *regs) {
  const uint64_t tiles = 3ull << 17;
  uint64_t in_use = 0;
  if (regs->vector_bytes >= HEADER_OFFSET + HEADER_BYTES)
    memcpy(&in_use, regs->vector + HEADER_OFFSET, 8);
  return !(in_use & tiles);
}

void rt_regfile_init(void) {
  adjuster = rt_arch_best_adjuster();
  find_saved_state();
  for (int i = 0; i < NEXTENDED; i++) {
    unsigned eax, ebx, ecx, edx;
    const unsigned sub = (unsigned)extended_components[i];
    if (!__get_cpuid_count(0xd, sub, &eax, &ebx, &ecx, &edx)) continue;
    layout[i].bytes = eax;
    layout[i].offset = ebx;
  }
}

static uint64_t adjust_lanes(unsigned char *bytes, size_t nbytes, const struct rt_wordmove *mv) {
  return adjuster->adjust((uint64_t *)bytes, nbytes / 8, mv);
}

static uint32_t word32(const unsigned char *bytes) {
  uint32_t w;
  memcpy(&w, bytes, 4);
  return w;
}

static uint64_t adjust_vector(unsigned char *area, size_t bytes, const struct rt_wordmove *mv) {
  if (bytes < XMM_OFFSET) return 0;
  // XMM lives in the legacy region: a component in its initial state is all zeros there.
  const size_t legacy = bytes - XMM_OFFSET < XMM_BYTES ? bytes - XMM_OFFSET : XMM_BYTES;
  uint64_t adjusted = adjust_lanes(area + XMM_OFFSET, legacy, mv);
  if (bytes < LEGACY_BYTES || word32(area + SW_MAGIC_OFFSET) != SW_MAGIC) return adjusted;
  const size_t said = word32(area + SW_SIZE_OFFSET);
  const size_t end = said < bytes ? said : bytes;
  if (end < HEADER_OFFSET + HEADER_BYTES) return adjusted;
  uint64_t in_use;
  memcpy(&in_use, area + HEADER_OFFSET, 8);
  for (int i = 0; i < NEXTENDED; i++) {
    const size_t from = layout[i].offset, to = from + layout[i].bytes;
    if (!(in_use >> extended_components[i] & 1) || from >= end) continue;
    adjusted += adjust_lanes(area + from, (to < end ? to : end) - from, mv);
  }
  return adjusted;
}

uint64_t rt_regfile_adjust(const struct rt_regfile *regs, const struct rt_wordmove *mv) {
  uint64_t adjusted = rt_lanes_adjust(regs, mv);
  for (size_t i = 0; i < regs->ngeneral; i++)
    regs->general[i] = rt_adjustword(regs->general[i], mv, &adjusted);
  if (regs->vector) adjusted += adjust_vector(regs->vector, regs->vector_bytes, mv);
  return adjusted;
}

void rt_cpu_relax(void) { __builtin_ia32_pause(); }
