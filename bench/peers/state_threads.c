// state_threads.c: State Threads, as Debian has it: 64 KiB from its own pool, scheduled in turn.
#include "bench/peers/peer.h"

#include <st.h>
#include <stdlib.h>

struct task {
  st_thread_t thread;
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
  if (!task)
    peer_die("malloc");
  *task = (struct task){.fn = fn, .arg = arg};
  task->thread = st_thread_create(entry, task, 1, (int)peer_stack_bytes);
  if (!task->thread)
    peer_die("no thread");
  return task;
}

static void join(void *arg) {
  struct task *task = arg;
  st_thread_join(task->thread, NULL);
  free(task);
}

static void yield(void) {
  st_usleep(0);
}

static void park(void) {
  for (;;)
    st_usleep(ST_UTIME_NO_TIMEOUT);
}

// st_usleep(0) asks the clock and the poller; a condition variable only switches.
static st_cond_t turns[2];

static void *other(void *arg) {
  for (long i = 0; i < *(long *)arg; i++) {
    st_cond_signal(turns[0]);
    st_cond_wait(turns[1]);
  }
  st_cond_signal(turns[0]);
  return NULL;
}

static void alternate(long n) {
  turns[0] = st_cond_new();
  turns[1] = st_cond_new();
  st_thread_t thread = st_thread_create(other, &n, 1, 0);
  for (long i = 0; i < n; i++) {
    st_cond_wait(turns[0]);
    st_cond_signal(turns[1]);
  }
  st_thread_join(thread, NULL);
}

static void run(void (*fn)(void)) {
  if (st_init() != 0)
    peer_die("st_init");
  fn();
}

static const struct peer_tasks tasks = {run, spawn, join, yield, park, alternate};
const struct peer peer = {
    .name = "State Threads", .about = "Debian's 1.9, default stack 64 KiB", .tasks = &tasks};
