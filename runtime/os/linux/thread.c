// Threads, waiting and process services from Linux: pthreads and futex(2).
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "runtime/go.h"
#include "runtime/os/os.h"

// futex(2), include/uapi/linux/futex.h: musl is without the kernel's headers.
enum { FUTEX_WAIT_PRIVATE = 0 | 128, FUTEX_WAKE_PRIVATE = 1 | 128 };

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

void os_thread_stack(void **lo, size_t *bytes) {
  pthread_attr_t attr;
  *bytes = 0;
  *lo = NULL;
  if (pthread_getattr_np(pthread_self(), &attr) != 0) return;
  pthread_attr_getstack(&attr, lo, bytes);
  pthread_attr_destroy(&attr);
}

void os_wait(_Atomic uint32_t *word, uint32_t expected) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

void os_wait_for(_Atomic uint32_t *word, uint32_t expected, int64_t ns) {
  const struct timespec limit = {ns / 1000000000, ns % 1000000000};
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, &limit, NULL, 0);
}

void os_wake(_Atomic uint32_t *word, int n) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

void os_usleep(uint32_t us) {
  const struct timespec t = {us / 1000000, (long)(us % 1000000) * 1000};
  nanosleep(&t, NULL);
}

int64_t os_nanotime(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int os_ncpu(void) {
  cpu_set_t set;
  const int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  return n > 0 ? n : 1;
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
