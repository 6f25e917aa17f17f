// Threads and waiting on Linux: pthreads and futex(2).
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "runtime/go.h"
#include "runtime/os/os.h"

// futex(2), include/uapi/linux/futex.h: musl is without the kernel's headers.
enum { FUTEX_WAIT_PRIVATE = 0 | 128, FUTEX_WAKE_PRIVATE = 1 | 128 };

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

int os_ncpu(void) {
  cpu_set_t set;
  const int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  return n > 0 ? n : 1;
}
