// pth.c: GNU Pth, as Debian has it: 64 KiB by malloc, scheduled by priority.
#include "bench/peers/peer.h"

#include <pth.h>
#include <stdlib.h>

static void *spawn(void (*fn)(void *), void *arg) {
  struct peer_thread *t = peer_thread_new(fn, arg);
  pth_attr_t attr = pth_attr_new();
  if (!attr)
    peer_die("malloc");
  if (peer_stack_bytes)
    pth_attr_set(attr, PTH_ATTR_STACK_SIZE, (unsigned int)peer_stack_bytes);
  t->thread = pth_spawn(attr, peer_thread_entry, t);
  pth_attr_destroy(attr);
  if (!t->thread)
    peer_die("no thread");
  return t;
}

static void join(void *arg) {
  struct peer_thread *t = arg;
  pth_join(t->thread, NULL);
  free(t);
}

static void yield(void) {
  pth_yield(NULL);
}

static pth_mutex_t mutex = PTH_MUTEX_INIT;
static pth_cond_t woken = PTH_COND_INIT;
static long wakes;

static void park(void) {
  pth_mutex_acquire(&mutex, FALSE, NULL);
  for (const long before = wakes; wakes == before;)
    pth_cond_await(&woken, &mutex, NULL);
  pth_mutex_release(&mutex);
}

static void wake(long n) {
  (void)n;
  wakes++;
  pth_cond_notify(&woken, TRUE);
}

static void run(void (*fn)(void)) {
  if (!pth_init())
    peer_die("pth_init");
  fn();
}

static const struct peer_tasks tasks = {run, spawn, join, yield, park, wake, NULL};
const struct peer peer = {
    .name = "GNU Pth", .about = "Debian's 2.0.7, default stack 64 KiB", .tasks = &tasks};
