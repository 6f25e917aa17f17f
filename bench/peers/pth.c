// pth.c: GNU Pth, as Debian has it: 64 KiB by malloc, scheduled by priority.
#include "bench/peers/peer.h"

#include <pth.h>
#include <stdlib.h>

struct task {
  pth_t thread;
  void (*fn)(void *);
  void *arg;
};

static void *entry(void *arg) {
  const struct task *task = arg;
  task->fn(task->arg);
  return NULL;
}

static void *spawn(void (*fn)(void *), void *arg) {
  struct task *task = malloc(sizeof *task);
  pth_attr_t attr = pth_attr_new();
  if (!task || !attr)
    peer_die("malloc");
  *task = (struct task){.fn = fn, .arg = arg};
  if (peer_stack_bytes)
    pth_attr_set(attr, PTH_ATTR_STACK_SIZE, (unsigned int)peer_stack_bytes);
  task->thread = pth_spawn(attr, entry, task);
  pth_attr_destroy(attr);
  if (!task->thread)
    peer_die("no thread");
  return task;
}

static void join(void *arg) {
  struct task *task = arg;
  pth_join(task->thread, NULL);
  free(task);
}

static void yield(void) {
  pth_yield(NULL);
}

static pth_mutex_t mutex = PTH_MUTEX_INIT;
static pth_cond_t never = PTH_COND_INIT;

static void park(void) {
  pth_mutex_acquire(&mutex, FALSE, NULL);
  for (;;)
    pth_cond_await(&never, &mutex, NULL);
}

static void run(void (*fn)(void)) {
  if (!pth_init())
    peer_die("pth_init");
  fn();
}

static const struct peer_tasks tasks = {run, spawn, join, yield, park, NULL};
const struct peer peer = {
    .name = "GNU Pth", .about = "Debian's 2.0.7, default stack 64 KiB", .tasks = &tasks};
