// state_threads.c: State Threads, as Debian has it: 64 KiB from its own pool, scheduled in turn.
#include "bench/peers/peer.h"

#include <st.h>
#include <stdlib.h>

static void *spawn(void (*fn)(void *), void *arg) {
  struct peer_thread *t = peer_thread_new(fn, arg);
  t->thread = st_thread_create(peer_thread_entry, t, 1, (int)peer_stack_bytes);
  if (!t->thread)
    peer_die("no thread");
  return t;
}

static void join(void *arg) {
  struct peer_thread *t = arg;
  st_thread_join(t->thread, NULL);
  free(t);
}

static void yield(void) {
  st_usleep(0);
}

static st_cond_t woken;

static void park(void) {
  st_cond_wait(woken);
}

static void wake(long n) {
  (void)n;
  st_cond_broadcast(woken);
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
  woken = st_cond_new();
  fn();
}

static const struct peer_tasks tasks = {run, spawn, join, yield, park, wake, alternate};
const struct peer peer = {
    .name = "State Threads", .about = "Debian's 1.9, default stack 64 KiB", .tasks = &tasks};
