// The public interface from plain C: this file includes runtime/go.h and the C library, no more.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "runtime/go.h"

#define CHECK(condition)                                                           \
  do {                                                                             \
    if (!(condition)) {                                                            \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);      \
      exit(1);                                                                     \
    }                                                                              \
  } while (0)

enum { GOROUTINES = 100, DEPTH = 200 };

static struct go_waitgroup wg;
static int finished;

// 200 frames of about 400 bytes: an 8 KiB stack grows to 128 KiB.  Each frame hands its caller's
// array down by pointer, and every array is checked on the way back.
struct descent {
  int depth;
  const unsigned *above;
  unsigned below;
};

static void descend(void *arg) {
  struct descent *d = arg;
  unsigned here[64];
  for (unsigned i = 0; i < 64; i++) here[i] = d->above[i] + (unsigned)d->depth;
  struct descent next = {d->depth - 1, here, here[63]};
  if (d->depth > 0) CHECK(go_call_on_stack(2048, descend, &next) == GO_OK);
  for (unsigned i = 0; i < 64; i++) CHECK(here[i] == d->above[i] + (unsigned)d->depth);
  d->below = next.below;
}

static void worker(void *arg) {
  unsigned seed[64];
  for (unsigned i = 0; i < 64; i++) seed[i] = i;
  (void)arg;
  go_yield();
  struct descent d = {DEPTH, seed, 0};
  descend(&d);
  CHECK(d.below == 63 + DEPTH * (DEPTH + 1) / 2);
  __atomic_fetch_add(&finished, 1, __ATOMIC_RELAXED);
  CHECK(go_waitgroup_done(&wg) == GO_OK);
}

static void first(void *arg) {
  struct go_spawn_options options = {.growth = arg, .stack_initial = 8192};
  CHECK(go_self() != 0);
  finished = 0;
  CHECK(go_waitgroup_add(&wg, GOROUTINES) == GO_OK);
  for (int i = 0; i < GOROUTINES; i++) CHECK(go_spawn(&options, worker, NULL) == GO_OK);
  CHECK(go_waitgroup_wait(&wg) == GO_OK);
  CHECK(finished == GOROUTINES);
}

int main(void) {
  char name[64];
  for (int i = 0; go_growth_name(i); i++) {
    const struct go_config config = {.maxprocs = 2, .stack_hybrid = 16 << 10};
    snprintf(name, sizeof name, "%s", go_growth_name(i));
    struct go_stats before, after;
    go_stats(&before);
    CHECK(go_run(&config, first, name) == GO_OK);
    go_stats(&after);
    CHECK(after.goroutines_created - before.goroutines_created == GOROUTINES + 1);
    const uint64_t in_place = after.growths_in_place - before.growths_in_place;
    CHECK((after.growths - before.growths > in_place) == go_growth_moves(name));
    printf("%s: %llu growths, %llu by fault, %llu bytes, %llu words\n", name,
           (unsigned long long)(after.growths - before.growths),
           (unsigned long long)(after.growths_by_fault - before.growths_by_fault),
           (unsigned long long)(after.bytes_copied - before.bytes_copied),
           (unsigned long long)(after.words_adjusted - before.words_adjusted));
  }
  CHECK(go_self() == 0);
  CHECK(go_spawn(NULL, worker, NULL) == GO_ENOTG);
  CHECK(go_checkpoint(1) == GO_ENOTG);
  CHECK(go_call_on_stack(1, worker, NULL) == GO_ENOTG);
  puts("the public interface works from C");
  return 0;
}
