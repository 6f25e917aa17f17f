// harness.c: one trial: the expected checksum from a plain thread, then every repetition on a
// fresh stack, entered at a different depth.  See harness.h.
//
//   hi ┌────────────────────┐
//      │ entry, run_above   │
//      │ frames             │ known words, a quarter of them pointers to each other: they stand
//      │                    │ for the program's own frames, and are checked afterwards
//      ├────────────────────┤
//      │ left               │ what the library finds when it is called: swept over repetitions,
//   lo └────────────────────┘ so that the stack runs out at different places inside it
#include "bench/workloads/harness.h"
#include "bench/workloads/crowd.h"
#include "bench/workloads/memory.h"
#include "runtime/go.h"
#include "runtime/stack/growth/growth.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { LARGE_STACK = 8 << 20, LEAST_LEFT = 512, ENTRY_BYTES = 512, RED_ZONE_BYTES = 128 };
enum { CALLS_KEPT = 16384 };

uint64_t clock_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void workload_refuse(const char *what, int code) {
  char line[200];
  const int n = snprintf(line, sizeof line, "workloads: %s: %s\n", what, go_strerror(code));
  if (write(2, line, (size_t)n) < 0)
    _exit(EXIT_REFUSED + 1);
  _exit(EXIT_REFUSED);
}

// Strategies whose stacks grow where compiled code checks are to show what checks are worth, and
// nothing else: the rows are compiled with them (BUILD), and the libraries get what the linker adds
// for code without.
static bool asks;

void call_with_stack(size_t bytes, void (*fn)(void *), void *arg) {
  // Not inlined into the caller, whose frame would then hold what fn needs.
  __asm__("" : "+r"(fn));
  const int code = asks ? go_call_on_stack(bytes, fn, arg) : GO_ENOTG;
  if (code == GO_ENOTG)
    fn(arg);
  else if (code != GO_OK)
    workload_refuse("go_call_on_stack", code);
}

// ---- Single calls ----------------------------------------------------------------------------
static struct {
  uint64_t ns[CALLS_KEPT];
  atomic_size_t n;  // noted, of which the first CALLS_KEPT are kept
} calls;

// As long as nothing is timed, all are dropped.
static atomic_bool noting;

void note_call(uint64_t ns) {
  if (!atomic_load_explicit(&noting, memory_order_relaxed))
    return;
  const size_t i = atomic_fetch_add(&calls.n, 1);
  if (i < CALLS_KEPT)
    calls.ns[i] = ns;
}

// ---- Depth -----------------------------------------------------------------------------------
size_t stack_left(const struct trial *trial, unsigned i) {
  if (trial->workload->fixed_left)
    return trial->workload->fixed_left;
  // Multiples of the golden ratio, modulo 1, are evenly spread after any number of repetitions.
  // On a logarithmic scale, because most calls are shallow: what a call of 600 bytes does when
  // 500 are left is seen as often as what one of 6,000 does when 5,000 are.
  const double turn = (double)(uint32_t)(i * 2654435769u) / 4294967296.0;
  const double most = (double)(trial->initial - trial->initial / 8);
  return (size_t)(LEAST_LEFT * pow(most / LEAST_LEFT, turn)) & ~(size_t)15;
}

static void fill_frames(uint64_t *words, size_t n) {
  for (size_t i = 0; i < n; i++)
    words[i] = i % 4 == 1 ? (uint64_t)(uintptr_t)&words[(i * 7 + 3) % n] : i * 40503;
}

static bool frames_intact(const uint64_t *words, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const uint64_t want = i % 4 == 1 ? (uint64_t)(uintptr_t)&words[(i * 7 + 3) % n] : i * 40503;
    if (words[i] != want)
      return false;
  }
  return true;
}

static void run_workload(void *arg) {
  struct repetition *rep = arg;
  rep->checksum = rep->trial->workload->run(rep->trial->size);
}

// Fills the stack with frames until rep->left bytes are left above `lo`, and runs the workload
// there.
static __attribute__((noinline)) void run_above(struct repetition *rep, uintptr_t lo) {
  const uintptr_t sp = (uintptr_t)__builtin_alloca(16);
  const size_t frames = sp > lo + rep->left ? (sp - lo - rep->left) & ~(size_t)15 : 0;
  const size_t nwords = frames / sizeof(uint64_t);
  uint64_t *words = __builtin_alloca(frames);
  fill_frames(words, nwords);
  const uint64_t begin = clock_ns();
  call_with_stack(rep->trial->workload->checkpoint_bytes, run_workload, rep);
  rep->ns = clock_ns() - begin;
  rep->frames_intact = frames_intact(words, nwords);
}

// A thread's stack is larger; it is filled as if it were of the initial size.
static void on_thread(struct repetition *rep) {
  const uintptr_t hi = (uintptr_t)__builtin_frame_address(0) + ENTRY_BYTES;
  run_above(rep, hi - rep->trial->initial);
}

// From hi, not from the lo that the runtime tells: that of a reservation is far below the first
// page in use.
static void on_goroutine(void *arg) {
  struct repetition *rep = arg;
  struct go_stack_bounds bounds;
  const int code = go_stack_bounds(&bounds);
  if (code != GO_OK)
    workload_refuse("go_stack_bounds", code);
  run_above(rep, bounds.hi - rep->trial->initial);
}

// ---- What is right ---------------------------------------------------------------------------
// The first run, on a plain thread with a large stack, gives the checksum that all
// others must give, and shows how deep the workload goes.
struct reference {
  const struct trial *trial;
  unsigned char *stack;
  size_t stack_bytes;
  uint64_t checksum;
  size_t stack_used;
  bool prepared;
};

static void *reference_prepare(void *arg) {
  struct reference *ref = arg;
  const struct workload *w = ref->trial->workload;
  ref->prepared = !w->prepare || w->prepare() == 0;
  return NULL;
}

// The lowest byte of the stack that is not 0.
static unsigned char *lowest_used(const struct reference *ref) {
  unsigned char *at = ref->stack;
  while (at < ref->stack + ref->stack_bytes && !*at)
    at++;
  return at;
}

// Runs twice: what a library does on its first call in a thread (malloc makes an arena) is no
// part of its depth.  The stack below this frame is cleared in between, without a call, which
// would have a frame there.
static void *reference_run(void *arg) {
  struct reference *ref = arg;
  unsigned char *here = __builtin_frame_address(0);
  ref->trial->workload->run(ref->trial->size);
  const unsigned char *sp = __builtin_alloca(16);
  for (volatile unsigned char *at = lowest_used(ref); at + RED_ZONE_BYTES < sp; at++)
    *at = 0;
  ref->checksum = ref->trial->workload->run(ref->trial->size);
  ref->stack_used = (size_t)(here - lowest_used(ref));
  return NULL;
}

static void *reference_expect(void *arg) {
  struct reference *ref = arg;
  ref->checksum = ref->trial->workload->expect(ref->trial->size);
  return NULL;
}

// For sizes that are depths: frames may be larger than they should.
static size_t large_stack(const struct trial *trial) {
  return LARGE_STACK + (trial->workload->expect ? 0 : 4 * trial->size);
}

static int on_large_stack(struct reference *ref, void *(*fn)(void *)) {
  pthread_attr_t attr;
  pthread_t thread;
  ref->stack_bytes = large_stack(ref->trial);
  ref->stack = mmap(NULL, ref->stack_bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (ref->stack == MAP_FAILED)
    return -1;
  pthread_attr_init(&attr);
  pthread_attr_setstack(&attr, ref->stack, ref->stack_bytes);
  const int error = pthread_create(&thread, &attr, fn, ref);
  if (error == 0)
    pthread_join(thread, NULL);
  pthread_attr_destroy(&attr);
  munmap(ref->stack, ref->stack_bytes);
  return error == 0 ? 0 : -1;
}

static int find_reference(struct reference *ref) {
  if (on_large_stack(ref, reference_prepare) != 0 || !ref->prepared) {
    fprintf(stderr, "workloads: cannot prepare %s\n", ref->trial->workload->name);
    return EXIT_REFUSED;
  }
  const bool expects = ref->trial->workload->expect != NULL;
  if (on_large_stack(ref, expects ? reference_expect : reference_run) != 0) {
    fprintf(stderr, "workloads: cannot start a thread\n");
    return EXIT_REFUSED;
  }
  return 0;
}

// ---- Reporting -------------------------------------------------------------------------------
struct results {
  const struct trial *trial;
  struct reference reference;
  struct repetition *reps;
  unsigned done;
  unsigned wrong;
  uint64_t wrong_checksum;
  struct memory start, settled;
};

static bool is_right(const struct results *all, const struct repetition *rep) {
  return rep->checksum == all->reference.checksum && rep->frames_intact;
}

// Called before each repetition, so that what a crash interrupted is on record.
static void announce(const struct results *all, unsigned i) {
  printf("{\"repetition\":%u", i);
  if (!all->trial->workload->expect)
    printf(",\"left\":%zu", all->reps[i].left);
  printf("}\n");
  fflush(stdout);
}

// Called after each repetition.
static void judge(struct results *all, unsigned i) {
  struct repetition *rep = &all->reps[i];
  all->done++;
  rep->checksum ^= i + 1 == all->trial->canary;
  if (!is_right(all, rep)) {
    all->wrong++;
    all->wrong_checksum = rep->checksum;
  }
}

static void print_memory(const char *key, const struct memory *m) {
  printf("\"%s\":[%llu,%llu,%llu],", key, (unsigned long long)m->resident,
         (unsigned long long)m->page_tables, (unsigned long long)m->mappings);
}

// Resident, page tables, mappings: before the first repetition, at the most that was seen while
// all goroutines waited, where they do, once they have given some back, and after the last.
static void print_program(const struct results *all) {
  struct memory peak;
  crowd_peak(&peak);
  printf(",\"memory\":{");
  print_memory("start", &all->start);
  if (peak.mappings)
    print_memory("gathered", &peak);
  struct shrunk shrunk;
  crowd_shrunk(&shrunk);
  if (shrunk.left.mappings) {
    print_memory("shrunk", &shrunk.left);
    printf("\"shrinks\":%llu,\"shrink_cpu_ns\":%llu,", (unsigned long long)shrunk.shrinks,
           (unsigned long long)shrunk.cpu_ns);
  }
  print_memory("settled", &all->settled);
  printf("\"high_water\":%llu}", (unsigned long long)memory_high_water());
  const size_t n = atomic_load(&calls.n);
  printf(",\"calls\":%zu,\"calls_ns\":[", n);
  for (size_t i = 0; i < n && i < CALLS_KEPT; i++)
    printf("%s%llu", i ? "," : "", (unsigned long long)calls.ns[i]);
  printf("]");
}

static void print_array(const struct results *all, const char *key, int what) {
  printf(",\"%s\":[", key);
  for (unsigned i = all->trial->warmup; i < all->done; i++) {
    const struct repetition *rep = &all->reps[i];
    const uint64_t v = what == 0 ? rep->ns : what == 1 ? rep->left : is_right(all, rep);
    printf("%s%llu", i > all->trial->warmup ? "," : "", (unsigned long long)v);
  }
  printf("]");
}

static void print_results(const struct results *all) {
  const struct trial *t = all->trial;
  struct go_stats s;
  struct rusage usage;
  go_stats(&s);
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"workload\":\"%s\",\"growth\":\"%s\",\"initial\":%zu,\"size\":%zu,\"ok\":%s",
         t->workload->name, t->growth, t->initial, t->size, all->wrong ? "false" : "true");
  printf(",\"repetitions\":%u,\"wrong\":%u,\"expected\":\"%016llx\"", all->done, all->wrong,
         (unsigned long long)all->reference.checksum);
  if (all->wrong)
    printf(",\"got\":\"%016llx\"", (unsigned long long)all->wrong_checksum);
  printf(",\"stack_used\":%zu,\"checkpoint_bytes\":%zu", all->reference.stack_used,
         t->workload->checkpoint_bytes);
  printf(",\"growths\":%llu,\"growths_by_fault\":%llu,\"bytes_copied\":%llu",
         (unsigned long long)s.growths, (unsigned long long)s.growths_by_fault,
         (unsigned long long)s.bytes_copied);
  printf(",\"shrinks\":%llu", (unsigned long long)s.shrinks);
  printf(",\"words_adjusted\":%llu,\"pages_moved_growths\":%llu,\"pool_hits\":%llu",
         (unsigned long long)s.words_adjusted, (unsigned long long)s.pages_moved_growths,
         (unsigned long long)s.pool_hits);
  printf(",\"pool_misses\":%llu,\"peak_rss_kib\":%ld", (unsigned long long)s.pool_misses,
         usage.ru_maxrss);
  print_array(all, "ns", 0);
  if (!t->workload->expect)
    print_array(all, "left", 1);
  print_array(all, "right", 2);
  if (t->workload->kind == KIND_PROGRAM)
    print_program(all);
  printf("}\n");
  fflush(stdout);
}

// ---- Running ---------------------------------------------------------------------------------
static struct go_waitgroup finished;  // static: a WaitGroup may not lie on a stack that moves

static void goroutine_body(void *arg) {
  on_goroutine(arg);
  go_waitgroup_done(&finished);
}

static void begin_repetition(struct results *all, unsigned i) {
  if (i == 0)
    memory_now(&all->start);
  atomic_store(&noting, i >= all->trial->warmup);
  announce(all, i);
}

// One that starts goroutines, or threads, of its own.
static void run_crowd(struct repetition *rep) {
  const uint64_t begin = clock_ns();
  rep->checksum = rep->trial->workload->run(rep->trial->size);
  rep->ns = clock_ns() - begin;
  rep->frames_intact = true;
}

static void end_repetitions(struct results *all) {
  if (all->trial->workload->expect)
    crowd_idle();
  memory_now(&all->settled);
}

static void run_goroutine(const struct go_spawn_options *options, struct repetition *rep) {
  go_waitgroup_add(&finished, 1);
  const int code = go_spawn(options, goroutine_body, rep);
  if (code != GO_OK)
    workload_refuse("go_spawn", code);
  go_waitgroup_wait(&finished);
}

// The first goroutine; it stays on `reserve`, so that a broken strategy breaks its own only.
static void all_goroutines(void *arg) {
  struct results *all = arg;
  const struct trial *t = all->trial;
  const struct go_spawn_options options = {.growth = t->growth, .stack_initial = t->initial};
  for (unsigned i = 0; i < t->warmup + t->repeat; i++) {
    begin_repetition(all, i);
    if (t->workload->expect)
      run_crowd(&all->reps[i]);
    else
      run_goroutine(&options, &all->reps[i]);
    judge(all, i);
  }
  end_repetitions(all);
}

// The baseline: one thread for all repetitions.  A fresh one for each would pay for things that
// have nothing to do with stacks, such as malloc's cache of that thread.
static void *thread_body(void *arg) {
  struct results *all = arg;
  for (unsigned i = 0; i < all->trial->warmup + all->trial->repeat; i++) {
    begin_repetition(all, i);
    if (all->trial->workload->expect)
      run_crowd(&all->reps[i]);
    else
      on_thread(&all->reps[i]);
    judge(all, i);
  }
  end_repetitions(all);
  return NULL;
}

static int on_plain_thread(struct results *all) {
  pthread_attr_t attr;
  pthread_t thread;
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, large_stack(all->trial));
  const int error = pthread_create(&thread, &attr, thread_body, all);
  pthread_attr_destroy(&attr);
  if (error != 0) {
    fprintf(stderr, "workloads: cannot start a thread\n");
    return EXIT_REFUSED;
  }
  return pthread_join(thread, NULL);
}

int trial_run(const struct trial *trial) {
  const unsigned total = trial->warmup + trial->repeat;
  const struct rt_growth *growth = rt_growth_find(trial->growth);  // NULL: "thread"
  asks = growth && growth->mark_bytes == 0;
  struct results all = {.trial = trial, .reference = {.trial = trial}};
  crowd_use(trial);
  int code = find_reference(&all.reference);
  if (code != 0)
    return code;
  all.reps = calloc(total, sizeof *all.reps);
  if (!all.reps) {
    fprintf(stderr, "workloads: no memory for %u repetitions\n", total);
    return EXIT_REFUSED;
  }
  for (unsigned i = 0; i < total; i++)
    all.reps[i] = (struct repetition){.trial = trial, .left = stack_left(trial, i)};
  if (!strcmp(trial->growth, "thread")) {
    code = on_plain_thread(&all);
  } else {
    const char *shrink = trial->workload->shrink;
    if (!shrink || !strcmp(shrink, SHRINK_ASKED))
      shrink = "never";
    const struct go_config config = {.maxprocs = 1, .growth = "reserve", .stack_shrink = shrink};
    const int error = go_run(&config, all_goroutines, &all);
    if (error != GO_OK)
      workload_refuse("go_run", error);
  }
  if (code == 0) {
    print_results(&all);
    code = all.wrong ? EXIT_WRONG : 0;
  }
  free(all.reps);
  return code;
}
