// pthreads.c: a thread for each task, in its default configuration: 8 MiB, kept by glibc's cache.
#include "bench/peers/peer.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>

static void *spawn(void (*fn)(void *), void *arg) {
  struct peer_thread *t = peer_thread_new(fn, arg);
  pthread_attr_t attr;
  pthread_t thread;
  pthread_attr_init(&attr);
  if (peer_stack_bytes)
    pthread_attr_setstacksize(&attr, peer_stack_bytes);
  if (pthread_create(&thread, &attr, peer_thread_entry, t) != 0)
    peer_die("no thread");
  pthread_attr_destroy(&attr);
  t->thread = (void *)thread;
  return t;
}

static void join(void *arg) {
  struct peer_thread *t = arg;
  pthread_join((pthread_t)t->thread, NULL);
  free(t);
}

static void yield(void) {
  sched_yield();
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;
static long wakes;  // under mutex

static void park(void) {
  pthread_mutex_lock(&mutex);
  for (const long before = wakes; wakes == before;)
    pthread_cond_wait(&woken, &mutex);
  pthread_mutex_unlock(&mutex);
}

static void wake(long n) {
  (void)n;
  pthread_mutex_lock(&mutex);
  wakes++;
  pthread_cond_broadcast(&woken);
  pthread_mutex_unlock(&mutex);
}

// Threads that yield may run side by side; two that wait for each other do switch.
static sem_t turns[2];

static void *other(void *arg) {
  for (long i = 0; i < *(long *)arg; i++) {
    sem_wait(&turns[1]);
    sem_post(&turns[0]);
  }
  return NULL;
}

static void alternate(long n) {
  pthread_t thread;
  sem_init(&turns[0], 0, 0);
  sem_init(&turns[1], 0, 0);
  if (pthread_create(&thread, NULL, other, &n) != 0)
    peer_die("no thread");
  for (long i = 0; i < n; i++) {
    sem_post(&turns[1]);
    sem_wait(&turns[0]);
  }
  pthread_join(thread, NULL);
}

static void run(void (*fn)(void)) {
  fn();
}

static const struct peer_tasks tasks = {run, spawn, join, yield, park, wake, alternate};
const struct peer peer = {
    .name = "pthreads", .about = "glibc, default attributes", .tasks = &tasks};
