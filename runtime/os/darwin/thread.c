// Threads and waiting on macOS: pthreads, and the calls that libc++'s atomics wait by.
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>
#include "runtime/os/os.h"

// bsd/sys/ulock.h of XNU, in libSystem since macOS 10.12.  A timeout of 0: none.
enum {
  UL_COMPARE_AND_WAIT = 1,  // on 32 bits
  ULF_WAKE_ALL = 0x100,
  ULF_NO_ERRNO = 0x01000000,
};
extern int __ulock_wait(uint32_t operation, void *word, uint64_t expected, uint32_t timeout_us);
extern int __ulock_wake(uint32_t operation, void *word, uint64_t thread);

void os_wait(_Atomic uint32_t *word, uint32_t expected) {
  __ulock_wait(UL_COMPARE_AND_WAIT | ULF_NO_ERRNO, (void *)word, expected, 0);
}

void os_wait_for(_Atomic uint32_t *word, uint32_t expected, int64_t ns) {
  const int64_t us = ns <= 1000 ? 1 : (ns - 1) / 1000 + 1;
  __ulock_wait(UL_COMPARE_AND_WAIT | ULF_NO_ERRNO, (void *)word, expected,
               us < UINT32_MAX ? (uint32_t)us : UINT32_MAX);
}

void os_wake(_Atomic uint32_t *word, int n) {
  const uint32_t all = n > 1 ? ULF_WAKE_ALL : 0;  // whoever wakes for no reason looks again
  __ulock_wake(UL_COMPARE_AND_WAIT | ULF_NO_ERRNO | all, (void *)word, 0);
}

void os_thread_stack(void **lo, size_t *bytes) {
  *bytes = pthread_get_stacksize_np(pthread_self());
  *lo = (char *)pthread_get_stackaddr_np(pthread_self()) - *bytes;
}

int os_ncpu(void) {
  const long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? (int)n : 1;
}
