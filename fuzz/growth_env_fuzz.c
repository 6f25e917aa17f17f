// The options of a go_run (runtime/sched/options.h): any text in any of them.  A value is refused
// with one line that names the option, or is within its limits; what is accepted, said again in the
// config, is accepted again and comes to the same; and the config comes before the environment.
//
// An input is text: lines NAME=VALUE are the environment, lines :NAME=VALUE the config.
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/results.h"
#include "runtime/go.h"
#include "runtime/sched/options.h"

enum { LINES_MAX = 32, LINE_BYTES = 128 };

static char lines[LINES_MAX][LINE_BYTES];  // "NAME\0VALUE"
static int nlines;

static void expect(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "growth_env: %s\n", what);
  abort();
}

static const char *value_of(const char *prefix, const char *name) {
  for (int i = 0; i < nlines; i++) {
    const size_t n = strlen(prefix);
    if (strncmp(lines[i], prefix, n) == 0 && strcmp(lines[i] + n, name) == 0)
      return lines[i] + strlen(lines[i]) + 1;
  }
  return NULL;
}

static const char *from_input(const char *name) { return value_of("", name); }
static const char *from_nothing(const char *name) { return (void)name, NULL; }
// But for what no config can say.
static const char *from_chaos(const char *name) {
  return strcmp(name, "GO_PAGESIZE") == 0 ? NULL : "?";
}

static void decode(const uint8_t *data, size_t size) {
  nlines = 0;
  for (size_t at = 0; at < size && nlines < LINES_MAX;) {
    size_t n = 0;
    while (at + n < size && data[at + n] != '\n') n++;
    if (n < LINE_BYTES && memchr(data + at, '=', n) && !memchr(data + at, '\0', n)) {
      memcpy(lines[nlines], data + at, n);
      lines[nlines][n] = '\0';
      *strchr(lines[nlines], '=') = '\0';
      nlines++;
    }
    at += n + 1;
  }
}

// ---- Sizes -----------------------------------------------------------------------------------

static bool model_size(const char *text, size_t *out) {
  unsigned __int128 n = 0;
  size_t digits = 0;
  for (; text[digits] >= '0' && text[digits] <= '9'; digits++)
    if (n < (unsigned __int128)1 << 64) n = n * 10 + (unsigned)(text[digits] - '0');
  const char *const units = "KMG", *const end = text + digits;
  const char upper = *end >= 'a' && *end <= 'z' ? (char)(*end - 'a' + 'A') : *end;
  const char *unit = *end ? strchr(units, upper) : NULL;
  if (digits == 0 || (*end && (!unit || end[1]))) return false;
  if (unit) n <<= 10 * (unit - units + 1);
  *out = (size_t)n;
  return n > 0 && n <= (unsigned __int128)1 << 62;
}

static void check_size(const char *text) {
  size_t want, got;
  const bool right = model_size(text, &want);
  expect(rt_parse_size(text, &got) == right, "rt_parse_size: whether it is one");
  if (right) expect(got == want, "rt_parse_size: another number");
  fuzz_result(&(uint64_t){right ? got : 0}, sizeof(uint64_t));
}

// ---- Options ---------------------------------------------------------------------------------

static size_t number(const char *name) {
  const char *v = value_of(":", name);
  return v ? strtoull(v, NULL, 0) : 0;
}

static void decode_config(struct go_config *c) {
  *c = (struct go_config){
      .maxprocs = (int)(uint32_t)number("maxprocs"),
      .growth = value_of(":", "growth"),
      .stack_initial = number("stack_initial"),
      .stack_max = number("stack_max"),
      .stack_reserve = number("stack_reserve"),
      .stack_hybrid = number("stack_hybrid"),
      .stack_guard = number("stack_guard"),
      .guard_kind = value_of(":", "guard_kind"),
      .stack_debug = value_of(":", "stack_debug"),
      .stack_shrink = value_of(":", "stack_shrink"),
      .stack_adapt = value_of(":", "stack_adapt"),
      .asyncpreempt = value_of(":", "asyncpreempt"),
      .traceback = value_of(":", "traceback"),
      .trace = value_of(":", "trace"),
      .stack_profile = value_of(":", "stack_profile"),
      .stack_profile_rate = (uint32_t)number("stack_profile_rate"),
      .seed = number("seed"),
      .fail_every = (uint32_t)number("fail_every"),
  };
}

static void check_refusal(int error, const struct rt_text *why) {
  expect(error == GO_EINVAL, "refused with another code");
  expect(why->n > 0 && why->n <= sizeof why->buf, "refused without a word");
  expect(strncmp(why->buf, "stacklab: G", 11) == 0, "refused, and no option named");
  expect(memchr(why->buf, '=', why->n) && why->buf[why->n - 1] == '\n', "not one whole line");
}

static bool within(size_t n, size_t least, size_t most) { return n >= least && n <= most; }

static void check_limits(const struct rt_options *o) {
  const size_t K = 1 << 10, M = 1 << 20, G = 1 << 30;
  expect(within((size_t)o->maxprocs, 1, RT_MAXPROCS), "maxprocs");
  expect(o->spawn.growth && rt_growth_find(o->spawn.growth->name) == o->spawn.growth, "growth");
  expect(within(o->spawn.max, 4 * K, G), "stack_max");
  expect(within(o->spawn.initial, 4 * K, o->spawn.max), "stack_initial");
  expect(within(o->growth.reserve_bytes, 4 * K, G), "stack_reserve");
  expect(within(o->growth.hybrid_bytes, 4 * K, 32 * M), "stack_hybrid");
  expect(within(o->stack.guard_bytes, 1, M), "stack_guard");
  expect(o->adapt_most == 0 || within(o->adapt_most, 8 * K, G), "stack_adapt");
  expect(o->shrink.idle_ns >= 0 && o->shrink.idle_ns <= 86400 * GO_SECOND, "stack_shrink");
  expect(o->stack_profile_rate >= 1, "stack_profile_rate");
  expect(o->traceback <= 2, "traceback");
  expect(!o->trace || *o->trace, "trace: an empty path");
}

// The same options, as a config that leaves nothing open.
static void say_again(const struct rt_options *o, struct go_config *c, char text[4][64]) {
  static const char *const guards[] = {"auto", "madvise", "mprotect"};
  static const char *const levels[] = {"none", "single", "all"};
  snprintf(text[0], 64, "%s%s%s", o->growth.quarantine ? "quarantine," : "",
           o->growth.forcemove ? "forcemove," : "", o->stack.poison ? "poison" : ",");
  snprintf(text[1], 64, o->adapt_most ? "%zu" : "off", o->adapt_most);
  const char *const pressure = o->shrink.pressure ? "pressure" : "never";
  if (o->shrink.idle_ns)
    snprintf(text[2], 64, "%" PRId64 "ms%s", o->shrink.idle_ns / GO_MILLISECOND,
             o->shrink.pressure ? ",pressure" : "");
  else
    snprintf(text[2], 64, "%s", pressure);
  *c = (struct go_config){
      .maxprocs = o->maxprocs,
      .growth = o->spawn.growth->name,
      .stack_initial = o->spawn.initial,
      .stack_max = o->spawn.max,
      .stack_reserve = o->growth.reserve_bytes,
      .stack_hybrid = o->growth.hybrid_bytes,
      .stack_guard = o->stack.guard_bytes,
      .guard_kind = guards[o->stack.guard],
      .stack_debug = text[0],
      .stack_shrink = text[2],
      .stack_adapt = text[1],
      .asyncpreempt = o->asyncpreempt ? "on" : "off",
      .traceback = levels[o->traceback],
      .trace = o->trace ? o->trace : "",
      .stack_profile = o->stack_profile ? o->stack_profile : "",
      .stack_profile_rate = o->stack_profile_rate,
      .seed = o->seed ? o->seed : 1,
      .fail_every = o->fail_every ? o->fail_every : 1,
  };
}

static void check_again(const struct rt_options *o, const char *(*environment)(const char *)) {
  char text[4][64];
  struct go_config c;
  struct rt_options again;
  struct rt_text why = {.n = 0};
  say_again(o, &c, text);
  expect(rt_options_read(&c, environment, &again, &why) == 0, "refused when it is said again");
  expect(again.maxprocs == o->maxprocs && again.spawn.growth == o->spawn.growth &&
             again.spawn.initial == o->spawn.initial && again.spawn.max == o->spawn.max &&
             again.growth.reserve_bytes == o->growth.reserve_bytes &&
             again.growth.hybrid_bytes == o->growth.hybrid_bytes &&
             again.growth.forcemove == o->growth.forcemove &&
             again.growth.quarantine == o->growth.quarantine &&
             again.stack.guard_bytes == o->stack.guard_bytes &&
             again.stack.guard == o->stack.guard && again.stack.poison == o->stack.poison &&
             again.adapt_most == o->adapt_most && again.asyncpreempt == o->asyncpreempt &&
             again.shrink.idle_ns == o->shrink.idle_ns &&
             again.shrink.pressure == o->shrink.pressure && again.traceback == o->traceback &&
             again.stack_profile_rate == o->stack_profile_rate && again.seed == c.seed &&
             again.fail_every == c.fail_every,
         "comes to something else when it is said again");
}

// Which strategies, guards and interruptions there are, and how large pages are, the platform says.
static bool is_portable(void) {
  static const char *const its[] = {
      "GO_GROWTH",   ":growth",         "GO_GUARDKIND",  ":guard_kind",
      "GO_PAGESIZE", "GO_ASYNCPREEMPT", ":asyncpreempt",
  };
  for (size_t i = 0; i < sizeof its / sizeof *its; i++)
    if (value_of("", its[i])) return false;
  return true;
}

// But for maxprocs, which is the machine's.
static void tell(const struct rt_options *o) {
  const uint64_t told[] = {
      o->spawn.initial,
      o->spawn.max,
      o->growth.reserve_bytes,
      o->growth.hybrid_bytes,
      o->stack.guard_bytes,
      o->adapt_most,
      (uint64_t)o->shrink.idle_ns,
      o->shrink.pressure,
      o->stack_profile_rate,
      (uint64_t)o->traceback,
      o->seed,
      o->fail_every,
  };
  fuzz_result(told, sizeof told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct go_config config;
  struct rt_options out;
  struct rt_text why = {.n = 0};
  decode(data, size);
  for (int i = 0; i < nlines; i++) check_size(lines[i] + strlen(lines[i]) + 1);
  decode_config(&config);
  const int error = rt_options_read(&config, from_input, &out, &why);
  if (is_portable()) fuzz_result(&error, sizeof error);
  if (error) {
    check_refusal(error, &why);
    return 0;
  }
  check_limits(&out);
  if (is_portable()) tell(&out);
  check_again(&out, from_nothing);
  check_again(&out, from_chaos);
  return 0;
}
