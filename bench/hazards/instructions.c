// instructions.c: the instructions of tests/signal_cases.h and regfile_cases.h, by kind.
#include "bench/hazards/instructions.h"

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
