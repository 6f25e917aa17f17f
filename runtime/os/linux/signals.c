// What of signals differs on Linux (posix/signals.h).
#include "runtime/os/posix/signals.h"

#include <sys/auxv.h>
#include "runtime/os/posix/context.h"

bool os_signal_by_kernel(const siginfo_t *si) { return si->si_code > 0; }

size_t os_sigstack_state(void) {
  const size_t minimum = getauxval(AT_MINSIGSTKSZ);  // 0 on kernels before 5.14 (x86)
  return minimum > (size_t)MINSIGSTKSZ ? minimum : (size_t)MINSIGSTKSZ;
}

// In a program, its thread-local variables are there as soon as the thread is.
bool os_signal_thread_is_ours(void) { return true; }

int os_signal_thread_join(void) { return 0; }

int os_context_init(void) { return 0; }
