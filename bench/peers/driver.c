// driver.c: the same work on every peer, and its clock.
//
//   PEER create N | switch N | deep BYTES | hot N | variants    prints one JSON object
//   PEER parked N      prints "begun", waits for a line, parks N tasks, prints "parked", waits for
//                      a line: memory is read from outside
//   PEER used N        the same with tasks that have been 64 KiB deep; goes on to have them give
//                      memory back, where the peer can, prints "shrunk", waits for a line, wakes
//                      them, who go as deep again, and prints a JSON object
//
// and before it --stack BYTES, --variant NAME, and --canary 1, which makes every descent find its
// sum wrong.  Exits with 3 after a line on stderr.  bench/go does the same in Go.
#include "bench/peers/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { USED_BYTES = 64 * 1024, LEG = 8, LEG_BYTES = 2048, BATCHES = 5 };
enum { HOT_DEPTHS = 512, HOT_STEP = 512, HOT_PASSES = 5 };
enum { HOT_FRAME = 1024, HOT_ASKED = 4096 };  // more than a leg leaves

size_t peer_stack_bytes;
const char *peer_variant;

static uint64_t canary;

static long n;
static size_t bytes;

void peer_die(const char *what) {
  fprintf(stderr, "%s: %s\n", peer.name, what);
  exit(3);
}

struct peer_thread *peer_thread_new(void (*fn)(void *), void *arg) {
  struct peer_thread *t = malloc(sizeof *t);
  if (!t)
    peer_die("malloc");
  *t = (struct peer_thread){.fn = fn, .arg = arg};
  return t;
}

void *peer_thread_entry(void *thread) {
  const struct peer_thread *t = thread;
  t->fn(t->arg);
  return NULL;
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
  uint64_t locals[7];  // with what the function saves about 128 bytes
};

static uintptr_t lowest;
static void (*bottom)(void);  // what is done at the lowest level; or NULL

static void call(size_t asked, void (*fn)(void *), void *arg) {
  if (peer.call)
    peer.call(asked, fn, arg);
  else
    fn(arg);
}

struct leg {
  const volatile struct frame *up;
  long levels;
  uint64_t sum;
};

static uint64_t down(const volatile struct frame *up, long levels);

static void leg(void *arg) {
  struct leg *l = arg;
  l->sum = down(l->up, l->levels);
}

static __attribute__((noinline)) uint64_t next_leg(const volatile struct frame *up, long levels) {
  struct leg l = {up, levels, 0};
  call(LEG_BYTES, leg, &l);
  return l.sum;
}

// Levels of about 128 bytes; a sum that reads every frame through the next.
static __attribute__((noinline)) uint64_t down(const volatile struct frame *up, long levels) {
  volatile struct frame here;
  here.up = up;
  here.value = (uint64_t)levels;
  __asm__ volatile("" : : "r"(&here) : "memory");
  uint64_t sum = 0;
  if (levels > 0) {
    sum = levels % LEG ? down(&here, levels - 1) : next_leg(&here, levels - 1);
  } else {
    lowest = (uintptr_t)&here;
    if (bottom)
      bottom();
  }
  return sum + here.value + (here.up ? here.up->value : 0);
}

static uint64_t expected(long levels) {
  const uint64_t to = (uint64_t)levels;
  return to * (to + 1) + canary;
}

// Bytes of one level, as this compiler makes them.  Before bottom is set.
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

static __attribute__((noinline)) void hot(void *arg) {
  volatile unsigned char frame[HOT_FRAME];
  uint64_t *sum = arg;
  __asm__ volatile("" : : "r"(frame) : "memory");
  frame[0] = (unsigned char)*sum;
  *sum = *sum * 31 + frame[0];
}

static double hot_ns[HOT_DEPTHS];
static size_t hot_depth;  // which of them

// Calls that may not fit what is left where this runs.  The best of some passes: what others do on
// the machine only ever adds.
static void hot_loop(void) {
  uint64_t sum = 1;
  const double begin = now_ns();
  for (long i = 0; i < n; i++)
    call(HOT_ASKED, hot, &sum);
  const double ns = (now_ns() - begin) / (double)n;
  if (ns < hot_ns[hot_depth] || hot_ns[hot_depth] == 0)
    hot_ns[hot_depth] = ns;
}

static void hot_task(void *arg) {
  (void)arg;
  const size_t level = frame_bytes();
  bottom = hot_loop;
  for (size_t i = 0; i < HOT_PASSES * HOT_DEPTHS; i++) {
    hot_depth = i % HOT_DEPTHS;
    down(NULL, (long)(hot_depth * HOT_STEP / level));
  }
}

static void hot_split(void) {
  one_task(hot_task);
  printf("{\"step\":%d,\"ns_by_depth\":[", HOT_STEP);
  for (size_t k = 0; k < HOT_DEPTHS; k++)
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
static double *first_ns, *again_ns;  // of each task

static double timed_descent(void) {
  const double begin = now_ns();
  descend(bytes);
  return now_ns() - begin;
}

static void arrive_and_park(void) {
  __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
  if (peer.tasks)
    peer.tasks->park();
  else
    peer.coroutines->suspend();
}

// None of them ends: the next would find its memory.
static void parked_task(void *arg) {
  const uintptr_t i = (uintptr_t)arg;
  if (bytes)
    first_ns[i] = timed_descent();
  arrive_and_park();
  again_ns[i] = timed_descent();
  arrive_and_park();
}

static void wait_for(long many) {
  while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < many)
    peer.tasks->yield();
}

static double median(double *ns) {
  qsort(ns, (size_t)n, sizeof *ns, compare);
  return ns[n / 2];
}

// Has all parked tasks give memory back, and then use it again.
static void shrink_and_wake(void **tasks) {
  const double begin = now_ns();
  if (peer.shrink)
    peer.shrink();
  const double shrunk_ns = now_ns() - begin;
  say_and_wait("shrunk");
  if (peer.tasks)
    peer.tasks->wake(n);
  for (long i = 0; i < n && !peer.tasks; i++)
    peer.coroutines->resume(tasks[i]);
  wait_for(2 * n);
  printf("{\"first_ns\":%.0f,\"again_ns\":%.0f", median(first_ns), median(again_ns));
  if (peer.shrink)
    printf(",\"shrink_ns\":%.1f", shrunk_ns / (double)n);
  printf("}\n");
}

static void parked(void) {
  void **tasks = calloc((size_t)n, sizeof *tasks);
  first_ns = calloc(2 * (size_t)n, sizeof *first_ns);
  if (!tasks || !first_ns)
    peer_die("calloc");
  memset(tasks, 1, (size_t)n * sizeof *tasks);  // what we take is taken before memory is read
  memset(first_ns, 1, 2 * (size_t)n * sizeof *first_ns);
  again_ns = first_ns + n;
  say_and_wait("begun");
  for (long i = 0; i < n; i++) {
    void *const number = (void *)(uintptr_t)i;
    if (peer.tasks)
      tasks[i] = peer.tasks->spawn(parked_task, number);
    else
      peer.coroutines->resume(tasks[i] = peer.coroutines->make(parked_task, number));
  }
  wait_for(n);
  if (wrong)
    peer_die("a wrong sum");
  say_and_wait("parked");
  if (bytes)
    shrink_and_wake(tasks);
  if (wrong)
    peer_die("a wrong sum");
  fflush(stdout);
  _exit(0);  // nobody waits for their end
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
