// crowd.c: members as goroutines or as threads.  See crowd.h.
#include "bench/workloads/crowd.h"
#include "runtime/go.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { IDLE_NS = 20 * 1000 * 1000 };
enum { LOOK_NS = 5 * 1000 * 1000, LOOKS = 600 };  // whether all have given memory back

// One waits, others post.  Never on a stack that moves.
struct gate {
  struct go_sem goroutine;
  sem_t thread;
};

static struct {
  const struct trial *trial;
  bool threads;
  size_t n;
  void (*fn)(size_t);
  struct gate *gates;   // one per member
  pthread_t *members;   // of threads
  struct gate gathered; // main's
  atomic_size_t arrived;
  _Atomic uint64_t sum;
  struct memory peak;
  struct shrunk shrunk;
  uint64_t shrinks;     // of the process, before the first member
} crowd;

static uint64_t shrinks_now(void) {
  struct go_stats s;
  go_stats(&s);
  return s.shrinks;
}

static void gate_wait(struct gate *gate) {
  if (!crowd.threads) {
    const int code = go_sem_acquire(&gate->goroutine, 1);
    if (code != GO_OK)
      workload_refuse("go_sem_acquire", code);
  } else {
    while (sem_wait(&gate->thread) != 0) {
    }
  }
}

static void gate_post(struct gate *gate) {
  if (crowd.threads)
    sem_post(&gate->thread);
  else
    go_sem_release(&gate->goroutine, 1);
}

void crowd_use(const struct trial *trial) {
  crowd.trial = trial;
  crowd.threads = !strcmp(trial->growth, "thread");
  sem_init(&crowd.gathered.thread, 0, 0);
}

// ---- Members ---------------------------------------------------------------------------------
static void goroutine_member(void *arg) {
  crowd.fn((uintptr_t)arg);
  crowd_arrive();
}

static void *thread_member(void *arg) {
  goroutine_member(arg);
  return NULL;
}

void crowd_spawn(void (*fn)(void *), void *arg) {
  const struct go_spawn_options options = {.growth = crowd.trial->growth,
                                           .stack_initial = crowd.trial->initial};
  const int code = go_spawn(&options, fn, arg);
  if (code != GO_OK)
    workload_refuse("go_spawn", code);
}

static void *zeroed(size_t n, size_t bytes) {
  void *p = calloc(n, bytes);
  if (!p)
    workload_refuse("calloc", GO_ENOMEM);
  return p;
}

void crowd_start(size_t n, void (*fn)(size_t)) {
  crowd.n = n;
  crowd.fn = fn;
  crowd.shrinks = shrinks_now();
  crowd.sum = 0;
  crowd.gates = zeroed(n, sizeof *crowd.gates);
  crowd.members = crowd.threads ? zeroed(n, sizeof *crowd.members) : NULL;
  for (size_t i = 0; i < n; i++)
    sem_init(&crowd.gates[i].thread, 0, 0);
  for (size_t i = 0; i < n; i++) {
    void *const number = (void *)(uintptr_t)i;
    if (!crowd.threads)
      crowd_spawn(goroutine_member, number);
    else if (pthread_create(&crowd.members[i], NULL, thread_member, number) != 0)
      workload_refuse("pthread_create", GO_ETHREAD);
  }
}

void crowd_wait_here(size_t i) {
  gate_wait(&crowd.gates[i]);
}

void crowd_wake(size_t i) {
  gate_post(&crowd.gates[i]);
}

void crowd_arrive(void) {
  // Whoever comes last also starts the count of the next time.
  if (atomic_fetch_add(&crowd.arrived, 1) + 1 == crowd.n) {
    atomic_store(&crowd.arrived, 0);
    gate_post(&crowd.gathered);
  }
}

void crowd_add(uint64_t value) {
  atomic_fetch_add(&crowd.sum, value);
}

// ---- Main ------------------------------------------------------------------------------------
void crowd_gather(void) {
  struct memory now;
  gate_wait(&crowd.gathered);
  memory_now(&now);
  if (now.resident + now.page_tables > crowd.peak.resident + crowd.peak.page_tables)
    crowd.peak = now;
}

uint64_t crowd_join(void) {
  gate_wait(&crowd.gathered);
  for (size_t i = 0; crowd.threads && i < crowd.n; i++)
    pthread_join(crowd.members[i], NULL);
  free(crowd.members);
  free(crowd.gates);
  return crowd.sum;
}

void crowd_peak(struct memory *out) {
  *out = crowd.peak;
}

static uint64_t cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void crowd_shrink(void) {
  const char *policy = crowd.trial->workload->shrink;
  const uint64_t before = shrinks_now(), begin = cpu_ns();
  if (!strcmp(policy, SHRINK_ASKED))
    go_shrink(0);
  else if (strcmp(policy, "never") != 0)
    // Some may have waited for so long before the last was there.
    for (int i = 0; i < LOOKS && shrinks_now() - crowd.shrinks < crowd.n; i++)
      go_sleep(LOOK_NS);
  crowd.shrunk.cpu_ns = cpu_ns() - begin;
  crowd.shrunk.shrinks = shrinks_now() - before;
  memory_now(&crowd.shrunk.left);
}

void crowd_shrunk(struct shrunk *out) {
  *out = crowd.shrunk;
}

void crowd_idle(void) {
  const struct timespec idle = {0, IDLE_NS};
  if (crowd.threads)
    nanosleep(&idle, NULL);
  else
    go_sleep(IDLE_NS);
}
