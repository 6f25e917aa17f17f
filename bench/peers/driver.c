// driver.c: the same work on every peer, and its clock.
//
//   PEER create N | switch N | deep BYTES | hot N | variants    prints one JSON object
//   PEER parked N | used N       prints "begun", waits for a line, parks N tasks, prints "parked",
//                                waits for a line: memory is read from outside.  Those of `used`
//                                have been 64 KiB deep before.
//
// and before it --stack BYTES, --variant NAME, and --canary 1, which makes every descent find its
// sum wrong.  Exits with 3 after a line on stderr.  bench/go does the same in Go.
#include "bench/peers/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { USED_BYTES = 64 * 1024, LEG = 8, LEG_BYTES = 4096, BATCHES = 5 };
enum { HOT_DEEPEST = 48 * 1024, HOT_STEP = 128, HOT_PASSES = 3 };
enum { HOT_FRAME = 1024, HOT_ASKED = 2048 };

size_t peer_stack_bytes;
const char *peer_variant;

static uint64_t canary;

static long n;
static size_t bytes;

void peer_die(const char *what) {
  fprintf(stderr, "%s: %s\n", peer.name, what);
  exit(3);
}

// Tasks call nothing of a library by its name: code that is checked by -fsplit-stack would ask for
// 1 MiB more, and never again come to the end of a segment.
static int (*volatile clock_now)(clockid_t, struct timespec *) = clock_gettime;

static double now_ns(void) {
  struct timespec t;
  clock_now(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

// ---- Using stack -----------------------------------------------------------------------------
struct frame {
  const volatile struct frame *up;
  uint64_t value;
  uint64_t locals[9];  // what fills it up to 128 bytes
};

static uintptr_t lowest;

static void ask(size_t more) {
  if (peer.ask)
    peer.ask(more);
}

// Levels of about 128 bytes; a sum that reads every frame through the next.
static __attribute__((noinline)) uint64_t down(const volatile struct frame *up, long levels) {
  volatile struct frame here;
  here.up = up;
  here.value = (uint64_t)levels;
  __asm__ volatile("" : : "r"(&here) : "memory");
  uint64_t sum = 0;
  if (levels % LEG == 0)
    ask(LEG_BYTES);
  if (levels > 0)
    sum = down(&here, levels - 1);
  else
    lowest = (uintptr_t)&here;
  return sum + here.value + (here.up ? here.up->value : 0);
}

static uint64_t expected(long levels) {
  const uint64_t to = (uint64_t)levels;
  return to * (to + 1) + canary;
}

// Bytes of one level, as this compiler makes them.
static size_t frame_bytes(void) {
  volatile struct frame top = {0};
  down(&top, 1);
  const uintptr_t one = lowest;
  down(&top, 5);
  return (one - lowest) / 4;
}

static volatile bool wrong;  // a sum was; a task only notes it

static void descend(size_t to) {
  const long levels = (long)(to / frame_bytes());
  if (down(NULL, levels) != expected(levels))
    wrong = true;
}

// ---- Tasks, whichever way the peer has them --------------------------------------------------
static void one_task(void (*fn)(void *)) {
  if (peer.tasks) {
    peer.tasks->join(peer.tasks->spawn(fn, NULL));
  } else {
    void *c = peer.coroutines->make(fn, NULL);
    peer.coroutines->resume(c);
    peer.coroutines->free(c);
  }
}

static void nothing(void *arg) {
  (void)arg;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// The median of some batches of n: one of them may have been interrupted.
static void report(double (*batch_ns)(void)) {
  double ns[BATCHES];
  for (int i = 0; i < BATCHES; i++)
    ns[i] = batch_ns();
  qsort(ns, BATCHES, sizeof *ns, compare);
  printf("{\"ns\":%.2f}\n", ns[BATCHES / 2]);
}

static double create_batch(void) {
  const double begin = now_ns();
  for (long i = 0; i < n; i++)
    one_task(nothing);
  return (now_ns() - begin) / (double)n;
}

static void create(void) {
  one_task(nothing);
  report(create_batch);
}

static void yield_all(void *arg) {
  (void)arg;
  for (long i = 0; i < n; i++)
    peer.tasks->yield();
}

static void suspend_all(void *arg) {
  (void)arg;
  for (long i = 0; i < n; i++)
    peer.coroutines->suspend();
}

// Two that hand over to each other: n times each.
static double switch_batch(void) {
  double begin = now_ns();
  if (peer.tasks && peer.tasks->alternate) {
    peer.tasks->alternate(n);
  } else if (peer.tasks) {
    void *a = peer.tasks->spawn(yield_all, NULL), *b = peer.tasks->spawn(yield_all, NULL);
    begin = now_ns();
    peer.tasks->join(a);
    peer.tasks->join(b);
  } else {
    void *c = peer.coroutines->make(suspend_all, NULL);
    begin = now_ns();
    for (long i = 0; i <= n; i++)
      peer.coroutines->resume(c);
    peer.coroutines->free(c);
  }
  return (now_ns() - begin) / (double)n / 2;
}

static void switches(void) {
  report(switch_batch);
}

// ---- Depth -----------------------------------------------------------------------------------
static double at[3];

static void deep_task(void *arg) {
  (void)arg;
  at[0] = now_ns();
  descend(bytes);
  at[1] = now_ns();
  descend(bytes);
  at[2] = now_ns();
}

static void deep(void) {
  one_task(deep_task);
  printf("{\"first_ns\":%.0f,\"second_ns\":%.0f,\"frame\":%zu}\n", at[1] - at[0], at[2] - at[1],
         frame_bytes());
}

static __attribute__((noinline)) uint64_t hot(uint64_t sum) {
  volatile unsigned char frame[HOT_FRAME];
  __asm__ volatile("" : : "r"(frame) : "memory");
  frame[0] = (unsigned char)sum;
  return sum * 31 + frame[0];
}

static double hot_ns[HOT_DEEPEST / HOT_STEP];

// Below a depth of levels of HOT_STEP bytes, n calls that may not fit what is left there.
static __attribute__((noinline)) uint64_t hot_at(size_t levels) {
  volatile struct frame here;
  __asm__ volatile("" : : "r"(&here) : "memory");
  here.value = levels;
  if (levels % LEG == 0)
    ask(LEG_BYTES);
  if (levels > 0)
    return hot_at(levels - 1) + here.value;
  uint64_t sum = 1;
  for (long i = 0; i < n; i++) {
    ask(HOT_ASKED);
    sum = hot(sum);
  }
  return sum;
}

// The way down and back is timed, too: it is as long as some of the calls.  The best of some
// passes: what others do on the machine only ever adds.
static void hot_task(void *arg) {
  (void)arg;
  for (size_t i = 0; i < HOT_PASSES * (HOT_DEEPEST / HOT_STEP); i++) {
    const size_t k = i % (HOT_DEEPEST / HOT_STEP);
    const double begin = now_ns();
    hot_at(k);
    const double ns = (now_ns() - begin) / (double)n;
    if (ns < hot_ns[k] || hot_ns[k] == 0)
      hot_ns[k] = ns;
  }
}

static void hot_split(void) {
  one_task(hot_task);
  printf("{\"ns_by_depth\":[");
  for (size_t k = 0; k < HOT_DEEPEST / HOT_STEP; k++)
    printf("%s%.2f", k ? "," : "", hot_ns[k]);
  printf("]}\n");
}

// ---- Memory ----------------------------------------------------------------------------------
static void say_and_wait(const char *what) {
  char line[16];
  printf("%s\n", what);
  fflush(stdout);
  if (read(0, line, sizeof line) < 0)
    peer_die("read");
}

static volatile long arrived;  // threads add, main looks

static void parked_task(void *arg) {
  (void)arg;
  if (bytes)
    descend(bytes);
  __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
  if (peer.tasks)
    peer.tasks->park();
  else
    peer.coroutines->suspend();
}

static void parked(void) {
  say_and_wait("begun");
  for (long i = 0; i < n; i++) {
    if (peer.tasks)
      peer.tasks->spawn(parked_task, NULL);
    else
      peer.coroutines->resume(peer.coroutines->make(parked_task, NULL));
  }
  while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < n)
    peer.tasks->yield();
  if (wrong)
    peer_die("a wrong sum");
  say_and_wait("parked");
  _exit(0);  // nobody wakes them
}

// ---- The command line ------------------------------------------------------------------------
static void list_variants(void) {
  printf("{\"about\":\"%s\",\"variants\":[", peer.about);
  for (int i = 0; peer.variant && peer.variant(i); i++)
    printf("%s\"%s\"", i ? "," : "", peer.variant(i));
  printf("]}\n");
}

static const struct {
  const char *name;
  void (*fn)(void);
} measures[] = {{"create", create}, {"switch", switches}, {"deep", deep},
                {"hot", hot_split}, {"parked", parked},   {"used", parked}};

int main(int argc, char **argv) {
  int i = 1;
  for (; i + 1 < argc && !strncmp(argv[i], "--", 2); i += 2) {
    if (!strcmp(argv[i], "--stack"))
      peer_stack_bytes = strtoull(argv[i + 1], NULL, 10);
    else if (!strcmp(argv[i], "--variant"))
      peer_variant = argv[i + 1];
    else if (!strcmp(argv[i], "--canary"))
      canary = strtoull(argv[i + 1], NULL, 10);
    else
      peer_die("no such option");
  }
  if (i + 1 == argc && !strcmp(argv[i], "variants")) {
    list_variants();
    return 0;
  }
  if (i + 2 != argc)
    peer_die("wants a measure and a number");
  n = atol(argv[i + 1]);
  bytes = !strcmp(argv[i], "deep") ? (size_t)n : !strcmp(argv[i], "used") ? USED_BYTES : 0;
  for (size_t k = 0; k < sizeof measures / sizeof *measures; k++) {
    if (strcmp(argv[i], measures[k].name) != 0)
      continue;
    if (peer.tasks)
      peer.tasks->run(measures[k].fn);
    else
      measures[k].fn();
    if (wrong)
      peer_die("a wrong sum");
    fflush(stdout);
    return 0;
  }
  peer_die("no such measure");
}
