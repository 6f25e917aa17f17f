// instructions.c: the instructions of tests/signal_cases.h and regfile_cases.h, by kind.
#include "bench/hazards/instructions.h"

#include <cpuid.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/regfile_cases.h"
#include "tests/signal_cases.h"

#define END {NULL, NULL, 0, 0, NULL}

// ---- Faults half-way ---------------------------------------------------------------------------
static bool has_avx(void) { return __builtin_cpu_supports("avx"); }
static bool has_avx512f(void) { return __builtin_cpu_supports("avx512f"); }
static bool has_avx512dq(void) { return __builtin_cpu_supports("avx512dq"); }

const struct instruction instructions_pushes[] = {
    {"push", case_push, 8, 1, NULL}, {"push of memory", case_push_memory, 8, 1, NULL},
    {"push rsp", case_push_sp, 8, 1, NULL}, {"push of a word", case_push_word, 2, 1, NULL},
    {"pushf", case_pushf, 8, 1, NULL}, {"pop to memory", case_pop_memory, 24, 1, NULL}, END};
const struct instruction instructions_calls[] = {
    {"call", case_call, 8, 1, NULL}, {"call of a register", case_call_register, 8, 1, NULL},
    {"call of memory", case_call_memory, 8, 1, NULL},
    {"call of memory below SP", case_call_memory_below, 24, 1, NULL}, END};
const struct instruction instructions_enters[] = {
    {"enter", case_enter, 56, 1, NULL}, {"enter, nested", case_enter_nested, 80, 1, NULL}, END};
const struct instruction instructions_strings[] = {
    {"rep movsb", case_movsb, 120, 1, NULL}, {"rep movsb, down", case_movsb_down, 120, 1, NULL},
    {"rep movsq", case_movsq, 120, 1, NULL}, {"rep movsq, down", case_movsq_down, 120, 1, NULL},
    {"rep movsb on the stack", case_movsb_on_stack, 120, 1, NULL},
    {"rep stosb", case_stosb, 120, 1, NULL}, {"rep stosb, down", case_stosb_down, 120, 1, NULL},
    {"rep stosq", case_stosq, 120, 1, NULL}, {"rep stosq, down", case_stosq_down, 120, 1, NULL},
    END};
const struct instruction instructions_exchanges[] = {
    {"cmpxchg16b", case_cmpxchg16b, 48, 16, NULL}, {"xchg", case_xchg, 48, 8, NULL}, END};
// The word that they change holds what poison has left there, or nothing in a page that is new.
const struct instruction instructions_updates[] = {
    {"add", case_add, 8, 8, NULL}, {"lock xadd", case_xadd, 8, 8, NULL}, END};
const struct instruction instructions_saves[] = {
    {"fxsave", case_fxsave, 512, 16, NULL}, {"xsave", case_xsave, 1024, 64, NULL}, END};
const struct instruction instructions_stores[] = {
    {"store of 8 bytes", case_store, 8, 1, NULL}, {"store of 16", case_store_xmm, 16, 1, NULL},
    {"store of 32", case_store_ymm, 32, 1, has_avx},
    {"store of 64", case_store_zmm, 64, 1, has_avx512f},
    {"scatter", case_scatter, 80, 1, has_avx512dq}, END};
const struct instruction instructions_red_zones[] = {
    {"red zone", case_redzone, 128, 1, NULL},
    {"red zone, whole", case_redzone_whole, 192, 1, NULL},
    {"red zone of pointers", case_redzone_pointers, 128, 8, NULL}, END};
const struct instruction instructions_below[] = {
    {"fill below SP", case_fill_below, 512, 8, NULL}, END};
const struct instruction instructions_biased[] = {
    {"biased base", case_biased_base, 64, 8, NULL}, END};
const struct instruction instructions_large[] = {
    {"64 KiB at once", case_large_frame, 512, 8, NULL}, END};
const struct instruction instructions_probes[] = {
    {"probe loop", case_probe_loop, 64, 8, NULL}, END};

// ---- Registers ---------------------------------------------------------------------------------
// Every vector register and every lane of it points into the frame of the caller.
static uint64_t through_vectors(void (*run)(uintptr_t), uintptr_t sp, unsigned count,
                                unsigned lanes) {
  uint64_t words[CASE_VECTORS * 8];
  for (unsigned v = 0; v < count; v++)
    for (unsigned lane = 0; lane < lanes; lane++)
      case_vector_in[v][lane] = (uintptr_t)&words[v * 8 + lane];
  run(sp);
  uint64_t wrong = 0;
  uint64_t *w = words;
  HIDE(w);
  for (unsigned v = 0; v < count; v++)
    for (unsigned lane = 0; lane < lanes; lane++)
      wrong += case_vector_out[v][lane] != (uintptr_t)&w[v * 8 + lane];
  return wrong;
}

static uint64_t through_xmm(uintptr_t sp) { return through_vectors(case_xmm, sp, 16, 2); }
static uint64_t through_ymm(uintptr_t sp) { return through_vectors(case_ymm, sp, 16, 4); }
static uint64_t through_zmm(uintptr_t sp) { return through_vectors(case_zmm, sp, 32, 8); }

static uint64_t through_general(uintptr_t sp) {
  uint64_t wrong = 0;
  for (unsigned i = 0; i < 15 && wrong == 0; i++)
    wrong = case_store_through(sp, i);
  return wrong;
}

const struct instruction instructions_vectors[] = {
    {"xmm", through_xmm, 8, 8, NULL}, {"ymm", through_ymm, 8, 8, has_avx},
    {"zmm", through_zmm, 8, 8, has_avx512f}, END};
const struct instruction instructions_generals[] = {
    {"store through each", through_general, 64, 8, NULL}, END};

// ---- All of the state at once ------------------------------------------------------------------
// What a signal frame holds of it: 11 KiB with tiles.  state.S has its offsets.
struct state {
  uint64_t vectors[32][8];
  uint64_t masks[8];
  uint8_t x87[8][16];
  uint32_t mxcsr, unused[15];
  uint8_t tile_config[64];
  uint8_t tiles[8][1024];
};
_Static_assert(offsetof(struct state, masks) == 2048 && offsetof(struct state, x87) == 2112 &&
                   offsetof(struct state, mxcsr) == 2240 &&
                   offsetof(struct state, tile_config) == 2304 &&
                   offsetof(struct state, tiles) == 2368,
               "state.S");
enum level { SSE, AVX, AVX512, AMX };
void hazard_state(uintptr_t sp, const struct state *in, struct state *out, unsigned level);

// Numbers that no stack has for addresses; the vectors follow.
static void fill(struct state *in) {
  uint8_t *bytes = (uint8_t *)in;
  for (size_t i = 0; i < sizeof *in; i++) bytes[i] = (uint8_t)(i * 37 % 251 | 1);
  for (unsigned i = 0; i < 8; i++) {
    in->masks[i] = 0x1234 + i * 0x1111;
    memset(in->x87[i], 0, 16);
    in->x87[i][0] = (uint8_t)(i + 1);
    in->x87[i][7] = 0x80;  // 1.0 and a little
    in->x87[i][8] = 0xff;
    in->x87[i][9] = 0x3f;
  }
  in->mxcsr = 0x7f80;  // rounds toward zero
  memset(in->tile_config, 0, sizeof in->tile_config);
  in->tile_config[0] = 1;  // the palette
  for (unsigned i = 0; i < 8; i++) {
    in->tile_config[16 + 2 * i] = 64;  // bytes of a row
    in->tile_config[48 + i] = 16;      // rows
  }
}

// Each lane of the vectors points into the caller's frame, and must move with it; nothing else may
// change.
static uint64_t through_state(uintptr_t sp, enum level level) {
  static struct state in, out;
  const unsigned count = level >= AVX512 ? 32 : 16, lanes = 2u << (level > AVX512 ? AVX512 : level);
  uint64_t words[32 * 8];
  fill(&in);
  memset(&out, 0, sizeof out);
  for (unsigned v = 0; v < count; v++)
    for (unsigned lane = 0; lane < lanes; lane++)
      in.vectors[v][lane] = (uintptr_t)&words[v * 8 + lane];
  hazard_state(sp, &in, &out, level);
  uint64_t wrong = out.mxcsr != in.mxcsr, *w = words;
  HIDE(w);
  for (unsigned v = 0; v < count; v++)
    for (unsigned lane = 0; lane < lanes; lane++)
      wrong += out.vectors[v][lane] != (uintptr_t)&w[v * 8 + lane];
  for (unsigned i = 0; i < 8; i++) {
    wrong += memcmp(out.x87[i], in.x87[i], 10) != 0;
    wrong += level >= AVX512 && (uint16_t)out.masks[i] != (uint16_t)in.masks[i];
  }
  if (level == AMX)
    wrong += (memcmp(out.tile_config, in.tile_config, sizeof in.tile_config) != 0) +
             (memcmp(out.tiles, in.tiles, sizeof in.tiles) != 0);
  return wrong;
}

static uint64_t through_sse(uintptr_t sp) { return through_state(sp, SSE); }
static uint64_t through_avx(uintptr_t sp) { return through_state(sp, AVX); }
static uint64_t through_avx512(uintptr_t sp) { return through_state(sp, AVX512); }
static uint64_t through_amx(uintptr_t sp) { return through_state(sp, AMX); }

// Tiles are for a process that has asked for them (Linux's Documentation/arch/x86/xstate.rst).  One
// with an alternate stack that cannot hold them is refused with ENOSPC: it has the case, and dies.
static bool has_amx(void) {
  enum { AMX_TILE = 1 << 24, TILE_DATA = 18, REQUEST = 0x1023 };  // ARCH_REQ_XCOMP_PERM
  unsigned a, b, c, d;
  if (!has_avx512f() || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & AMX_TILE)) return false;
  return syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0 || errno == ENOSPC;
}

const struct instruction instructions_states[] = {
    {"x87 and SSE", through_sse, 8, 8, NULL}, {"and AVX", through_avx, 8, 8, has_avx},
    {"and AVX-512", through_avx512, 8, 8, has_avx512f}, {"and AMX", through_amx, 8, 8, has_amx},
    END};
