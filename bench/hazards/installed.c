// installed.c: the cases that no compiler of ours compiles: instructions, and libraries as they
// are installed.
#include <dirent.h>
#include <glob.h>
#include <netdb.h>
#include <pwd.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/hazards/hazard.h"
#include "bench/hazards/instructions.h"
#include "bench/hazards/libraries.h"
#include "bench/workloads/rows.h"
#include "runtime/go.h"

// ---- libc --------------------------------------------------------------------------------------
static uint64_t format_unbuffered(uint64_t n) {
  static FILE *sink;
  if (!sink) {
    sink = fopen("/dev/null", "w");
    if (!sink)
      return 0;
    setvbuf(sink, NULL, _IONBF, 0);
  }
  return (uint64_t)fprintf(sink, "%s %lu %.3f\n", "unbuffered", (unsigned long)n, 1.5);
}

static uint64_t match(uint64_t n) {
  regex_t re;
  regmatch_t m[2];
  if (regcomp(&re, "([a-z]+)[0-9]*z", REG_EXTENDED) != 0)
    return 0;
  const int code = regexec(&re, "0123abc4567zz", 2, m, 0);
  regfree(&re);
  return code == 0 ? n + (uint64_t)(m[1].rm_so * 100 + m[1].rm_eo) : 0;
}

static uint64_t look_up(uint64_t n) {
  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *info = NULL;
  n += getaddrinfo("127.0.0.1", "80", &hints, &info) == 0;
  if (info)
    freeaddrinfo(info);
  n += getpwnam("root") != NULL;
  char *path = realpath("/proc/self/../self/fd", NULL);
  n += path != NULL;
  free(path);
  glob_t found = {.gl_offs = 0};
  n += glob("/proc/self/f*", 0, NULL, &found) == 0;
  globfree(&found);
  return n;
}

static uint64_t numbers(uint64_t n) {
  char text[64];
  const int written = snprintf(text, sizeof text, "%.30Lf", 1.0L / 3);
  return n + (uint64_t)written + (strtod("1.5e10", NULL) == 1.5e10);
}

static ssize_t grow_and_write(void *cookie, const char *bytes, size_t n) {
  (void)cookie;
  (void)bytes;
  hazard_grow();
  return (ssize_t)n;
}

// fprintf calls back for every piece: its own buffer, of 8 KiB, lies on the stack.
static void format_pieces(void *arg) {
  static FILE *sink;
  uint64_t *n = arg;
  if (!sink) {
    const cookie_io_functions_t functions = {.write = grow_and_write};
    sink = fopencookie(NULL, "w", functions);
    if (!sink)
      return;
    setvbuf(sink, NULL, _IONBF, 0);
  }
  *n = (uint64_t)fprintf(sink, "%s %lu %.3f %d\n", "cookie", (unsigned long)*n, 1.5, -7);
}

static uint64_t format_through_cookie(uint64_t n) {
  hazard_with_room(16 << 10, format_pieces, &n);
  return n;
}

// ---- Preemption --------------------------------------------------------------------------------
static struct go_waitgroup finished;
static volatile bool has_run;

static void run_once(void *arg) {
  (void)arg;
  has_run = true;
  go_waitgroup_done(&finished);
}

// Another goroutine runs only if this one, on the only P, is interrupted.
static uint64_t wait_for_another(uint64_t n) {
  has_run = false;
  go_waitgroup_add(&finished, 1);
  if (go_spawn(NULL, run_once, NULL) != GO_OK)
    return 1;
  while (!has_run)
    continue;
  go_waitgroup_wait(&finished);
  return n;
}

// ---- Workloads of tools/compare ----------------------------------------------------------------
enum { DEFLATE_STACK, DEFLATE_HEAP, PREPARE, STEP, SCRIPT, PCALL, SORT, REGEX };
static const struct workload *const library[] = {
    [DEFLATE_STACK] = &workload_zlib_deflate_stack,
    [DEFLATE_HEAP] = &workload_zlib_deflate_heap,
    [PREPARE] = &workload_sqlite_prepare,
    [STEP] = &workload_sqlite_step,
    [SCRIPT] = &workload_lua_script,
    [PCALL] = &workload_lua_pcall_error,
    [SORT] = &workload_qsort_stack,
    [REGEX] = &workload_regex,
};
static uint64_t run_library(uint64_t i) { return library[i]->run(0); }
static int prepare_library(void) { return libraries_prepare(); }

#define INSTRUCTIONS(label, group_, array, text) \
  {.name = label, .group = group_, .instructions = array, .moment = ANYWHERE, .cause = text}
#define WORKLOAD(label, index, places, text)                                                \
  {.name = label, .group = LIBRARY, .run = run_library, .arg = index, .moment = ANYWHERE, \
   .prepare = prepare_library, .from = 448, .to = 6592, .step = places, .cause = text}
#define CALLBACK(label, fn, text)                                                              \
  {.name = label, .group = LIBRARY, .run = fn, .arg = 3, .prepare = prepare_library,           \
   .from = 6144, .to = 7168, .step = 64, .cause = text}

const struct hazard hazard_table[] = {
    INSTRUCTIONS("asm_push", HANDLER, instructions_pushes,
                 "push and pop must move SP once, however often tried"),
    INSTRUCTIONS("asm_call", HANDLER, instructions_calls, "a call pushes before it jumps"),
    INSTRUCTIONS("asm_enter", HANDLER, instructions_enters,
                 "enter pushes, copies, and only then moves rbp"),
    INSTRUCTIONS("asm_rep", HANDLER, instructions_strings,
                 "string instructions are interrupted half done"),
    INSTRUCTIONS("asm_cmpxchg16b", HANDLER, instructions_exchanges,
                 "a locked exchange faults and is retried"),
    {.name = "asm_add", .group = HANDLER, .instructions = instructions_updates, .moment = ANYWHERE,
     .poison = true, .cause = "an addition to memory must happen once"},
    INSTRUCTIONS("asm_fxsave", HANDLER, instructions_saves,
                 "fxsave and xsave write hundreds of bytes"),
    INSTRUCTIONS("asm_straddle", HANDLER, instructions_stores,
                 "a store that straddles guard and stack"),
    INSTRUCTIONS("asm_red_zone", HANDLER, instructions_red_zones,
                 "all 128 bytes below SP are live"),
    INSTRUCTIONS("asm_general", HANDLER, instructions_generals,
                 "the faulting address is in any register"),
    INSTRUCTIONS("asm_vectors", HANDLER, instructions_vectors,
                 "pointers in every lane of every vector"),
    INSTRUCTIONS("asm_all_state", HANDLER, instructions_states,
                 "vectors, masks, x87 and tiles at once: a small alternate stack overflows"),
    INSTRUCTIONS("asm_below_sp", HANDLER, instructions_below,
                 "a callee fills memory that lies far below SP"),
    INSTRUCTIONS("asm_biased_base", HANDLER, instructions_biased,
                 "a base 1,000,000 bytes below its array"),
    INSTRUCTIONS("asm_large_frame", HANDLER, instructions_large,
                 "a frame of 64 KiB, its lowest byte first"),
    INSTRUCTIONS("asm_probe_loop", HANDLER, instructions_probes,
                 "1 MiB probed, the end in a register"),

    CALLBACK("zlib_between_calls", zlib_grow_between_calls,
             "zlib's heap state points back to the z_stream on the stack"),
    CALLBACK("zlib_heap_between_calls", zlib_grow_between_calls_heap,
             "the same with the z_stream on the heap"),
    {.name = "zlib_compress", .group = LIBRARY, .run = zlib_compress_whole, .arg = 3,
     .moment = ANYWHERE, .prepare = prepare_library, .from = 0, .to = 2000, .step = 16,
     .cause = "compress() has its z_stream on its own stack, and heap state that points to it"},
    CALLBACK("sqlite_prepare_grows", sqlite_grow_in_prepare,
             "SQLite's parser is on the stack: the stack grows in the authorizer"),
    CALLBACK("sqlite_step_grows", sqlite_grow_in_step,
             "the stack grows in a function that a statement calls"),
    CALLBACK("lua_script_grows", lua_grow_in_script,
             "the stack grows in a function that a script calls"),
    CALLBACK("lua_pcall_grows", lua_grow_in_pcall,
             "the stack grows in a pcall, whose jmp_buf is on the stack, and then an error is "
             "raised"),
    {.name = "fprintf_cookie", .group = LIBRARY, .run = format_through_cookie, .arg = 3,
     .prepare = NULL, .from = 4096, .to = 4112, .step = 16,
     .cause = "an unbuffered fprintf's buffer is on the stack: the stack grows in its write"},
    WORKLOAD("zlib_stack", DEFLATE_STACK, 16, "deflate with the z_stream on the stack"),
    WORKLOAD("zlib_heap", DEFLATE_HEAP, 16, "deflate with the z_stream on the heap"),
    WORKLOAD("sqlite_prepare", PREPARE, 64, "four queries prepared and stepped through"),
    WORKLOAD("sqlite_step", STEP, 64, "a statement that was prepared on another stack"),
    WORKLOAD("lua_script", SCRIPT, 64, "a script without errors"),
    WORKLOAD("lua_pcall", PCALL, 64, "a script that raises errors in nested calls: longjmp"),
    WORKLOAD("qsort", SORT, 64, "qsort of an array on the stack, the comparison calls snprintf"),
    WORKLOAD("regexec", REGEX, 64, "regcomp and regexec, with frames of many KiB"),
    {.name = "getaddrinfo", .group = LIBRARY, .run = look_up, .moment = ANYWHERE,
     .cause = "getaddrinfo, getpwnam, realpath, glob: frames of up to 33 KiB without probes"},
    {.name = "snprintf_strtod", .group = LIBRARY, .run = numbers, .moment = ANYWHERE,
     .cause = "snprintf of a long double, strtod"},
    {.name = "fprintf_unbuffered", .group = GUARD, .run = format_unbuffered, .moment = ANYWHERE,
     .cause = "fprintf on an unbuffered stream has a frame of 8 KiB without probes"},
    {.name = "interrupted_without_room", .group = HISTORY, .run = wait_for_another,
     .overruns = true, .moment = ANYWHERE, .from = 1536, .to = 1552, .step = 16,
     .interrupted = true, .goroutine_only = true,
     .cause = "a goroutine in a loop has less stack left than its registers take to save"},
    {.name = "fprintf_thin_guard", .group = GUARD, .run = format_unbuffered, .moment = ANYWHERE,
     .guard_bytes = 4096, .cause = "the same over a guard of one page, which it skips"},
    {.name = "regexec_thin_guard", .group = GUARD, .run = match, .moment = ANYWHERE,
     .guard_bytes = 4096, .cause = "regcomp and regexec over a guard of one page"},
    {.name = "getaddrinfo_thin_guard", .group = GUARD, .run = look_up, .moment = ANYWHERE,
     .guard_bytes = 4096, .cause = "frames of up to 33 KiB over a guard of one page"},
    {.name = NULL},
};
