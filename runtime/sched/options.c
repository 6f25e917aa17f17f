// Reading options (options.h).  Pure but for the getenv it is given.
#include "runtime/sched/options.h"

#include <stdlib.h>
#include <string.h>
#include "runtime/stack/adapt.h"

bool rt_parse_size(const char *text, size_t *out) {
  const size_t most = (size_t)1 << 62;
  size_t n = 0;
  const char *p = text;
  for (; *p >= '0' && *p <= '9'; p++) {
    const size_t digit = (size_t)(*p - '0');
    if (n > (most - digit) / 10) return false;
    n = n * 10 + digit;
  }
  if (p == text) return false;
  int shift = 0;
  if (*p == 'K' || *p == 'k') shift = 10;
  if (*p == 'M' || *p == 'm') shift = 20;
  if (*p == 'G' || *p == 'g') shift = 30;
  if (shift) p++;
  if (*p != '\0' || n == 0 || n > most >> shift) return false;
  *out = n << shift;
  return true;
}

struct source {
  const char *(*getenv)(const char *);
  struct rt_text *why;
};

static int refuse(const struct source *s, const char *name, const char *value,
                  const char *wanted) {
  rt_text_str(s->why, "stacklab: ");
  rt_text_str(s->why, name);
  rt_text_str(s->why, "=");
  for (int i = 0; value[i] && i < 64; i++) rt_text_str(s->why, (char[]){value[i], '\0'});
  rt_text_str(s->why, ": ");
  rt_text_str(s->why, wanted);
  rt_text_str(s->why, "\n");
  return GO_EINVAL;
}

static int refuse_number(const struct source *s, const char *name, bool negative, size_t value,
                         const char *wanted) {
  struct rt_text number = {.n = 0};
  if (negative) rt_text_str(&number, "-");
  rt_text_dec(&number, value);
  number.buf[number.n] = '\0';
  return refuse(s, name, number.buf, wanted);
}

static int refuse_size(const struct source *s, const char *name, size_t value,
                       const char *wanted) {
  return refuse_number(s, name, false, value, wanted);
}

// A size from the config, else the environment, else the default; within [least, most].
static int read_size(const struct source *s, const char *name, size_t configured,
                     size_t otherwise, size_t least, size_t most, const char *wanted,
                     size_t *out) {
  const char *text = s->getenv(name);
  *out = configured ? configured : otherwise;
  if (!configured && text && *text && !rt_parse_size(text, out))
    return refuse(s, name, text, "not a size (digits, then nothing, K, M or G)");
  if (*out < least || *out > most) return refuse_size(s, name, *out, wanted);
  return 0;
}

static const char *read_text(const struct source *s, const char *name, const char *configured,
                             const char *otherwise) {
  const char *text = configured ? configured : s->getenv(name);
  return text && *text ? text : otherwise;
}

static int read_debug(const struct source *s, const char *text, struct rt_options *out) {
  for (const char *p = text; *p;) {
    const size_t n = strcspn(p, ",");
    if (n == strlen("quarantine") && strncmp(p, "quarantine", n) == 0)
      out->growth.quarantine = true;
    else if (n == strlen("forcemove") && strncmp(p, "forcemove", n) == 0)
      out->growth.forcemove = true;
    else if (n == strlen("poison") && strncmp(p, "poison", n) == 0)
      out->stack.poison = true;
    else if (n > 0)
      return refuse(s, "GO_STACKDEBUG", text, "takes quarantine, poison, forcemove, by commas");
    p += n + (p[n] == ',');
  }
  return 0;
}

// "100ms" or "2s"; up to a day.
static bool parse_duration(const char *text, size_t bytes, int64_t *ns) {
  const int64_t most = 86400 * (int64_t)GO_SECOND;
  int64_t n = 0;
  size_t i = 0;
  for (; i < bytes && text[i] >= '0' && text[i] <= '9'; i++)
    if ((n = n * 10 + (text[i] - '0')) > most) return false;
  const size_t unit = bytes - i;
  if (i == 0 || n == 0) return false;
  if (unit == 2 && strncmp(text + i, "ms", 2) == 0)
    *ns = n > most / GO_MILLISECOND ? 0 : n * GO_MILLISECOND;
  else if (unit == 1 && text[i] == 's')
    *ns = n > most / GO_SECOND ? 0 : n * GO_SECOND;
  else
    return false;
  return *ns > 0 && *ns <= most;
}

static int read_shrink(const struct source *s, const char *text, struct rt_options *out) {
  for (const char *p = text; *p;) {
    const size_t n = strcspn(p, ",");
    if (n == strlen("pressure") && strncmp(p, "pressure", n) == 0)
      out->shrink.pressure = true;
    else if (strcmp(text, "never") != 0 && !parse_duration(p, n, &out->shrink.idle_ns))
      return refuse(s, "GO_STACKSHRINK", text,
                    "takes never, or by commas: pressure, a time such as 100ms or 2s");
    p += n + (p[n] == ',');
  }
  return 0;
}

static int read_guard_kind(const struct source *s, const char *text, struct rt_options *out) {
  if (strcmp(text, "auto") == 0)
    out->stack.guard = RT_GUARD_AUTO;
  else if (strcmp(text, "madvise") == 0)
    out->stack.guard = RT_GUARD_MADVISE;
  else if (strcmp(text, "mprotect") == 0)
    out->stack.guard = RT_GUARD_MPROTECT;
  else
    return refuse(s, "GO_GUARDKIND", text, "takes auto, madvise or mprotect");
  if (out->stack.guard == RT_GUARD_MADVISE && !os_guard_supported())
    return refuse(s, "GO_GUARDKIND", text, "this kernel has no MADV_GUARD_INSTALL");
  return 0;
}

static int read_sizes(const struct source *s, const struct go_config *c, struct rt_options *out) {
  int e = read_size(s, "GO_STACKMAX", c->stack_max, RT_STACK_MAX, RT_STACK_MIN, RT_STACK_MAX,
                    "takes 4K to 1G", &out->spawn.max);
  if (e) return e;
  // Who asks for small stacks only need not know the default of the first size.
  const size_t most = out->spawn.max, first = most < RT_STACK_INITIAL ? most : RT_STACK_INITIAL;
  e = read_size(s, "GO_STACKINITIAL", c->stack_initial, first, RT_STACK_MIN, most,
                "takes a power of two from 4K to GO_STACKMAX", &out->spawn.initial);
  if (e) return e;
  if (out->spawn.initial != first && (out->spawn.initial & (out->spawn.initial - 1)) != 0)
    return refuse_size(s, "GO_STACKINITIAL", out->spawn.initial, "takes a power of two");
  e = read_size(s, "GO_STACKRESERVE", c->stack_reserve, (size_t)256 << 20, RT_STACK_MIN,
                RT_STACK_MAX, "takes 4K to 1G", &out->growth.reserve_bytes);
  if (e) return e;
  e = read_size(s, "GO_STACKHYBRID", c->stack_hybrid, (size_t)1 << 20, RT_STACK_MIN, 32 << 20,
                "takes 4K to 32M", &out->growth.hybrid_bytes);
  if (e) return e;
  return read_size(s, "GO_STACKGUARD", c->stack_guard, RT_STACK_GUARD_BYTES, 1, 1 << 20,
                   "takes 1 to 1M", &out->stack.guard_bytes);
}

static int read_adapt(const struct source *s, const char *text, struct rt_options *out) {
  out->adapt_most = 0;
  if (strcmp(text, "off") == 0) return 0;
  if (strcmp(text, "on") == 0)
    out->adapt_most = RT_ADAPT_MOST;
  else if (!rt_parse_size(text, &out->adapt_most) || out->adapt_most < RT_STACK_INITIAL ||
           out->adapt_most > RT_STACK_MAX)
    return refuse(s, "GO_STACKADAPT", text, "takes off, on, or a size from 8K to 1G");
  return 0;
}

static int read_asyncpreempt(const struct source *s, const char *text, struct rt_options *out) {
  out->asyncpreempt = strcmp(text, "on") == 0;
  if (out->asyncpreempt && !os_preempt_supported())
    return refuse(s, "GO_ASYNCPREEMPT", text, "this system interrupts no threads");
  if (out->asyncpreempt || strcmp(text, "off") == 0) return 0;
  return refuse(s, "GO_ASYNCPREEMPT", text, "takes on or off");
}

static int read_traceback(const struct source *s, const char *text, struct rt_options *out) {
  static const char *const levels[] = {"none", "single", "all"};
  for (int i = 0; i < 3; i++) {
    if (strcmp(text, levels[i]) != 0) continue;
    out->traceback = (enum rt_traceback_level)i;
    return 0;
  }
  return refuse(s, "GO_TRACEBACK", text, "takes none, single or all");
}

static int read_seed(const struct source *s, const struct go_config *c, struct rt_options *out) {
  size_t n = c->seed;
  const char *text = s->getenv("GO_SEED");
  if (n == 0 && text && *text && strcmp(text, "0") != 0 && !rt_parse_size(text, &n))
    return refuse(s, "GO_SEED", text, "takes a number");
  out->seed = n;
  n = c->fail_every;
  text = s->getenv("GO_FAILEVERY");
  if (n == 0 && text && *text && strcmp(text, "0") != 0 &&
      (!rt_parse_size(text, &n) || n > UINT32_MAX))
    return refuse(s, "GO_FAILEVERY", text, "takes a number up to 4294967295");
  out->fail_every = (uint32_t)n;
  return 0;
}

static int read_profile(const struct source *s, const struct go_config *c,
                        struct rt_options *out) {
  out->stack_profile = read_text(s, "GO_STACKPROFILE", c->stack_profile, NULL);
  size_t n;
  const int e = read_size(s, "GO_STACKPROFILE_RATE", c->stack_profile_rate, 1, 1, UINT32_MAX,
                          "takes a number up to 4294967295", &n);
  out->stack_profile_rate = (uint32_t)n;
  return e;
}

// os_pagesize has read it, and taken it if it could.
static int check_pagesize(const struct source *s) {
  const char *text = s->getenv("GO_PAGESIZE");
  size_t n = 0;
  if (!text || !*text || (rt_parse_size(text, &n) && n == os_pagesize())) return 0;
  return refuse(s, "GO_PAGESIZE", text,
                "takes bytes: this system's page, or a larger power of two up to 65536");
}

int rt_options_read(const struct go_config *config, const char *(*getenv)(const char *),
                    struct rt_options *out, struct rt_text *why) {
  static const struct go_config none;
  const struct go_config *c = config ? config : &none;
  const struct source s = {getenv, why};
  *out = (struct rt_options){0};
  size_t procs = 0;
  const char *asked = getenv("GOMAXPROCS");
  if (c->maxprocs < 0 || c->maxprocs > RT_MAXPROCS)
    return refuse_number(&s, "GOMAXPROCS", c->maxprocs < 0, (size_t)llabs(c->maxprocs),
                         "takes 1 to 256");
  if (c->maxprocs == 0 && asked && *asked &&
      (!rt_parse_size(asked, &procs) || procs > RT_MAXPROCS))
    return refuse(&s, "GOMAXPROCS", asked, "takes 1 to 256");
  const bool asked_for = procs > 0 || c->maxprocs > 0;
  if (procs == 0) procs = c->maxprocs ? (size_t)c->maxprocs : (size_t)os_ncpu();
  out->maxprocs = procs < RT_MAXPROCS ? (int32_t)procs : RT_MAXPROCS;
  const char *growth = read_text(&s, "GO_GROWTH", c->growth, "reserve");
  out->spawn.growth = rt_growth_find(growth);
  if (!out->spawn.growth) return refuse(&s, "GO_GROWTH", growth, "no such growth strategy");
  const char *missing = rt_growth_missing(out->spawn.growth);
  if (missing) return refuse(&s, "GO_GROWTH", growth, missing);
  int e = check_pagesize(&s);
  if (!e) e = read_sizes(&s, c, out);
  if (!e) e = read_seed(&s, c, out);
  if (out->seed && !asked_for) out->maxprocs = 1;  // the same on every machine
  if (!e) e = read_profile(&s, c, out);
  out->trace = read_text(&s, "GO_TRACE", c->trace, NULL);
  if (!e) e = read_adapt(&s, read_text(&s, "GO_STACKADAPT", c->stack_adapt, "off"), out);
  const char *preempt = read_text(&s, "GO_ASYNCPREEMPT", c->asyncpreempt,
                                  os_preempt_supported() ? "on" : "off");
  if (!e) e = read_asyncpreempt(&s, preempt, out);
  if (!e) e = read_traceback(&s, read_text(&s, "GO_TRACEBACK", c->traceback, "all"), out);
  if (!e) e = read_guard_kind(&s, read_text(&s, "GO_GUARDKIND", c->guard_kind, "auto"), out);
  if (!e) e = read_shrink(&s, read_text(&s, "GO_STACKSHRINK", c->stack_shrink, "never"), out);
  if (!e) e = read_debug(&s, read_text(&s, "GO_STACKDEBUG", c->stack_debug, ""), out);
  return e;
}
