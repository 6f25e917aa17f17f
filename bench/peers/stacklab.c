// stacklab.c: ourselves, a variant for each growth strategy.
#include "bench/peers/peer.h"
#include "runtime/go.h"

#include <stdlib.h>

struct task {
  struct go_sem ended;
  void (*fn)(void *);
  void *arg;
};

static void check(int code, const char *what) {
  if (code != GO_OK)
    peer_die(what);
}

static void entry(void *arg) {
  struct task *task = arg;
  task->fn(task->arg);
  go_sem_release(&task->ended, 1);
}

static void *spawn(void (*fn)(void *), void *arg) {
  const struct go_spawn_options options = {.growth = peer_variant,
                                           .stack_initial = peer_stack_bytes};
  struct task *task = malloc(sizeof *task);
  if (!task)
    peer_die("malloc");
  *task = (struct task){.fn = fn, .arg = arg};
  check(go_spawn(&options, entry, task), "go_spawn");
  return task;
}

static void join(void *arg) {
  struct task *task = arg;
  check(go_sem_acquire(&task->ended, 1), "go_sem_acquire");
  free(task);
}

static struct go_sem parked;

static void park(void) {
  go_sem_acquire(&parked, 1);
}

static void wake(long n) {
  check(go_sem_release(&parked, (uint32_t)n), "go_sem_release");
}

static void call(size_t bytes, void (*fn)(void *), void *arg) {
  check(go_call_on_stack(bytes, fn, arg), "go_call_on_stack");
}

static void shrink(void) {
  if (go_shrink(0) < 0)
    peer_die("go_shrink");
}

static void (*first)(void);

static void call_first(void *arg) {
  (void)arg;
  first();
}

static void run(void (*fn)(void)) {
  const struct go_config config = {.maxprocs = 1, .growth = "reserve"};
  first = fn;
  check(go_run(&config, call_first, NULL), "go_run");
}

static const struct peer_tasks tasks = {run, spawn, join, go_yield, park, wake, NULL};
const struct peer peer = {.name = "stacklab",
                          .about = "first stack 8 KiB",
                          .tasks = &tasks,
                          .variant = go_growth_name,
                          .call = call,
                          .shrink = shrink};
