// main.c: the command line of the workloads program.
//
//   workloads --list
//   workloads --workload W --growth S|thread [--initial N] [--size N] [--repeat N] [--warmup N]
//             [--canary N]: makes the result of repetition N wrong, which has to be seen
//
// Everything on stdout is JSON, one object a line: a line before each repetition, so that a crash
// leaves on record where it happened, and the result as the last line.
#include "bench/workloads/harness.h"
#include "runtime/go.h"

#include <errno.h>
#include <getopt.h>
#include <lua5.4/lua.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

static const char usage[] =
    "usage: workloads --list\n"
    "       workloads --workload NAME --growth STRATEGY|thread [--initial BYTES] [--size BYTES]\n"
    "                 [--repeat N] [--warmup N] [--canary N]\n"
    "Runs a workload on fresh stacks and prints what happened as JSON, one object a line.\n"
    "exit: 0 all right, 1 a result was wrong, 2 usage, 3 the runtime refused\n";

static void list_workloads(void) {
  printf("\"workloads\":[");
  for (size_t i = 0; workload_table[i]; i++) {
    const struct workload *w = workload_table[i];
    static const char *const kinds[] = {"library", "initial", "size", "program"};
    printf("%s\n{\"name\":\"%s\",\"library\":\"%s\",\"does\":\"%s\",\"kind\":\"%s\"", i ? "," : "",
           w->name, w->library, w->does, kinds[w->kind]);
    printf(",\"checkpoint_bytes\":%zu,\"quick_sizes\":%u,\"iterations\":%zu", w->checkpoint_bytes,
           w->quick_sizes, w->iterations);
    printf(",\"many\":%s,\"thread\":%s,\"shrink\":\"%s\",\"sizes\":[",
           w->expect ? "true" : "false", w->without_thread ? "false" : "true",
           w->shrink ? w->shrink : "");
    for (size_t k = 0; w->sizes && w->sizes[k]; k++)
      printf("%s%zu", k ? "," : "", w->sizes[k]);
    printf("]}");
  }
  printf("]");
}

static int list_all(void) {
  printf("{\"compiler\":\"%s\",", __VERSION__);
  printf("\"libraries\":{\"zlib\":\"%s\",\"SQLite\":\"%s\",\"Lua 5.4\":\"%s.%s\"},", zlibVersion(),
         sqlite3_libversion(), LUA_VERSION_MAJOR "." LUA_VERSION_MINOR, LUA_VERSION_RELEASE);
  printf("\"page_bytes\":%ld,\"document_bytes\":%zu,\n\"strategies\":[", sysconf(_SC_PAGESIZE),
         document_bytes());
  const char *name;
  for (int i = 0; (name = go_growth_name(i)) != NULL; i++)
    printf("%s{\"name\":\"%s\",\"moves\":%s}", i ? "," : "", name,
           go_growth_moves(name) == 1 ? "true" : "false");
  printf("],\n");
  list_workloads();
  printf("}\n");
  return 0;
}

static int bad_usage(const char *what, const char *value) {
  fprintf(stderr, "workloads: %s%s%s\n", what, value ? ": " : "", value ? value : "");
  return EXIT_USAGE;
}

// Reads a whole number from lo to hi.
static bool read_number(const char *text, unsigned long long lo, unsigned long long hi,
                        unsigned long long *out) {
  char *end;
  errno = 0;
  *out = strtoull(text, &end, 10);
  return errno == 0 && end != text && !*end && *text != '-' && *out >= lo && *out <= hi;
}

static bool is_growth(const char *name) {
  return !strcmp(name, "thread") || go_growth_moves(name) >= 0;
}

static const struct option options[] = {
    {"list", no_argument, NULL, 'l'},          {"workload", required_argument, NULL, 'w'},
    {"growth", required_argument, NULL, 'g'},  {"initial", required_argument, NULL, 'i'},
    {"size", required_argument, NULL, 's'},    {"repeat", required_argument, NULL, 'r'},
    {"warmup", required_argument, NULL, 'u'},  {"help", no_argument, NULL, 'h'},
    {"canary", required_argument, NULL, 'c'},  {NULL, 0, NULL, 0},
};

// Fills the trial from the command line; returns 0, EXIT_USAGE after a line on stderr, or -1 if
// there is nothing to run because --list or --help has been served.
static int read_trial(int argc, char **argv, struct trial *t) {
  unsigned long long n = 0;
  int c;
  while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
    const bool numeric = c != '?' && strchr("isruc", c);
    const unsigned long long lo = c == 'r' ? 1 : c == 'i' ? 4096 : 0;
    const unsigned long long hi = c == 'i' || c == 's' ? 1ull << 30 : MAX_REPEAT;
    if (numeric && !read_number(optarg, lo, hi, &n))
      return bad_usage("not a number in range", optarg);
    switch (c) {
    case 'l': list_all(); return -1;
    case 'h': fputs(usage, stdout); return -1;
    case 'w': t->workload = workload_find(optarg); break;
    case 'g': t->growth = optarg; break;
    case 'i': t->initial = n; break;
    case 's': t->size = n; break;
    case 'r': t->repeat = (unsigned)n; break;
    case 'u': t->warmup = (unsigned)n; break;
    case 'c': t->canary = (unsigned)n; break;
    default: return EXIT_USAGE;
    }
    if (c == 'w' && !t->workload)
      return bad_usage("no such workload (--list names them)", optarg);
    if (c == 'g' && !is_growth(optarg))
      return bad_usage("no such growth strategy (--list names them)", optarg);
  }
  if (optind < argc)
    return bad_usage("unexpected argument", argv[optind]);
  if (!t->workload || !t->growth)
    return bad_usage("--workload and --growth are both needed; --help says more", NULL);
  if (t->workload->without_thread && !strcmp(t->growth, "thread"))
    return bad_usage("this workload makes no sense with threads", t->workload->name);
  if (t->initial & (t->initial - 1))
    return bad_usage("--initial must be a power of two", NULL);
  return 0;
}

int main(int argc, char **argv) {
  struct trial t = {.initial = 8192, .repeat = 24, .warmup = 1};
  const int code = read_trial(argc, argv, &t);
  if (code != 0)
    return code < 0 ? 0 : code;
  const struct rlimit no_core = {0, 0};  // crashing is expected of some trials
  setrlimit(RLIMIT_CORE, &no_core);
  return trial_run(&t);
}
