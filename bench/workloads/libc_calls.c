// libc_calls.c: parts of the C library that use the stack hard: qsort with its callback, POSIX
// regular expressions (frames of many KiB), and number formatting.
#include "bench/workloads/workload.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- qsort -----------------------------------------------------------------------------------
enum { STACK_ITEMS = 96, HEAP_ITEMS = 600, QSORT_NEEDED = 16 * 1024 };

static uint32_t scrambled(uint32_t i) {
  return i * 2654435761u >> 7;
}

// Orders by the decimal text, so that the callback itself needs stack, in snprintf.
static int by_text(const void *a, const void *b) {
  char ta[16], tb[16];
  snprintf(ta, sizeof ta, "%u", *(const uint32_t *)a);
  snprintf(tb, sizeof tb, "%u", *(const uint32_t *)b);
  return strcmp(ta, tb);
}

static uint64_t sort_and_sum(uint32_t *items, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    items[i] = scrambled(i);
  qsort(items, n, sizeof *items, by_text);
  return checksum_bytes(checksum_seed, items, n * sizeof *items);
}

static uint64_t qsort_stack(size_t size) {
  (void)size;
  uint32_t items[STACK_ITEMS];
  return sort_and_sum(items, STACK_ITEMS);
}

static uint64_t qsort_heap(size_t size) {
  (void)size;
  uint32_t *items = malloc(HEAP_ITEMS * sizeof *items);
  if (!items)
    return 0;
  const uint64_t sum = sort_and_sum(items, HEAP_ITEMS);
  free(items);
  return sum;
}

// ---- regcomp and regexec ---------------------------------------------------------------------
enum { REGEX_NEEDED = 64 * 1024, REGEX_TEXT = 2000, REGEX_MATCHES = 20 };

static const char *const patterns[] = {
    "\"(id|kind)\": \"([A-Za-z0-9]+)\"",
    "[a-z]+(Type|Expr|Decl)[^a-z]",
    "(([0-9]+)[,}][[:space:]]*)+",
};
static char *regex_text;

static int prepare_regex(void) {
  if (document_bytes() < 4 * REGEX_TEXT || !(regex_text = malloc(REGEX_TEXT + 1)))
    return -1;
  memcpy(regex_text, document_text() + document_bytes() / 2, REGEX_TEXT);
  regex_text[REGEX_TEXT] = 0;
  return 0;
}

static uint64_t match_all(const regex_t *re, const char *text, uint64_t sum) {
  regmatch_t m[3];
  for (int n = 0; n < REGEX_MATCHES && regexec(re, text, 3, m, 0) == 0; n++) {
    for (int i = 0; i < 3; i++)
      sum = checksum_word(sum, (uint64_t)(m[i].rm_so * 100003 + m[i].rm_eo));
    text += m[0].rm_eo > 0 ? m[0].rm_eo : 1;
  }
  return sum;
}

static uint64_t run_regex(size_t size) {
  (void)size;
  uint64_t sum = checksum_seed;
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
    regex_t re;
    const int code = regcomp(&re, patterns[i], REG_EXTENDED);
    sum = checksum_word(sum, (uint64_t)code);
    if (code != 0)
      continue;
    sum = match_all(&re, regex_text, sum);
    regfree(&re);
  }
  return sum;
}

// ---- snprintf and strtod ---------------------------------------------------------------------
enum { FORMAT_LEVELS = 24, FORMAT_NEEDED = 12 * 1024 };

// One level formats a number, reads it back, and checks it against its own frame on the way out.
struct level {
  int n;
  uint64_t sum;
};

static void format_level(void *arg) {
  struct level *here = arg;
  const int level = here->n;
  uint64_t sum = here->sum;
  char text[64];
  const double x = 1e3 / (level + 3) * (level % 2 ? 1e-200 : 1e17);
  snprintf(text, sizeof text, "%.17g|%08x|%s", x, (unsigned)level * 2654435761u, "tail");
  const double back = strtod(text, NULL);
  sum = checksum_string(sum, text);
  sum = checksum_word(sum, back == x);
  struct level below = {level - 1, sum};
  if (level > 0)
    call_with_stack(FORMAT_NEEDED, format_level, &below);
  here->sum = checksum_string(below.sum, text);
}

static uint64_t run_format(size_t size) {
  (void)size;
  struct level top = {FORMAT_LEVELS, checksum_seed};
  call_with_stack(FORMAT_NEEDED, format_level, &top);
  return top.sum;
}

const struct workload workload_qsort_stack = {
    .name = "qsort_stack",
    .library = "libc",
    .does = "qsort of an array in the caller's frame, the comparator calls snprintf",
    .checkpoint_bytes = QSORT_NEEDED,
    .run = qsort_stack,
};

const struct workload workload_qsort_heap = {
    .name = "qsort_heap",
    .library = "libc",
    .does = "qsort of a heap array, the comparator calls snprintf",
    .checkpoint_bytes = QSORT_NEEDED,
    .run = qsort_heap,
};

const struct workload workload_regex = {
    .name = "regex",
    .library = "libc",
    .does = "regcomp three extended patterns and regexec them over 2 KB of text",
    .checkpoint_bytes = REGEX_NEEDED,
    .prepare = prepare_regex,
    .run = run_regex,
};

const struct workload workload_format_numbers = {
    .name = "format_numbers",
    .library = "libc",
    .does = "25 nested calls that each snprintf a double and strtod it back",
    .checkpoint_bytes = FORMAT_NEEDED,
    .run = run_format,
};
