// Threads, clocks and process services on POSIX systems.
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "runtime/go.h"
#include "runtime/os/os.h"

struct start {
  void (*fn)(void *);
  void *arg;
};

static void *run_start(void *p) {
  const struct start s = *(struct start *)p;
  free(p);
  s.fn(s.arg);
  return NULL;
}

int os_thread_start(struct os_thread *t, void (*fn)(void *), void *arg) {
  struct start *s = malloc(sizeof *s);
  if (!s) return GO_ETHREAD;
  *s = (struct start){fn, arg};
  pthread_t thread;
  if (pthread_create(&thread, NULL, run_start, s) != 0) {
    free(s);
    return GO_ETHREAD;
  }
  t->handle = (uint64_t)thread;
  return 0;
}

void os_thread_join(struct os_thread *t) { pthread_join((pthread_t)t->handle, NULL); }

void os_thread_self(struct os_thread *t) { t->handle = (uint64_t)pthread_self(); }

void os_usleep(uint32_t us) {
  const struct timespec t = {us / 1000000, (long)(us % 1000000) * 1000};
  nanosleep(&t, NULL);
}

int64_t os_nanotime(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

const char *os_getenv(const char *name) { return getenv(name); }

void os_print(const char *message, size_t bytes) {
  while (bytes > 0) {
    const ssize_t n = write(STDERR_FILENO, message, bytes);
    if (n <= 0) return;
    message += n;
    bytes -= (size_t)n;
  }
}

_Noreturn void os_abort(void) { abort(); }
