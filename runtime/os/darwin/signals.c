// What of signals differs on macOS (posix/signals.h).
#include <pthread.h>
#include <stdatomic.h>
#include "runtime/go.h"
#include "runtime/os/posix/signals.h"

// XNU gives those that were sent codes from SI_USER up.
bool os_signal_by_kernel(const siginfo_t *si) { return si->si_code > 0 && si->si_code < SI_USER; }

size_t os_sigstack_state(void) { return MINSIGSTKSZ; }

// A thread's first use of a thread-local variable allocates memory, which a signal handler must not
// do: a thread is ours once it has used them all.
static pthread_key_t ours;
static _Atomic bool made;

bool os_signal_thread_is_ours(void) {
  return atomic_load_explicit(&made, memory_order_acquire) && pthread_getspecific(ours);
}

int os_signal_thread_join(void) {
  static _Atomic int state;  // 0 no key, 1 being made, 2 there
  int none = 0;
  if (atomic_compare_exchange_strong(&state, &none, 1)) {
    const bool failed = pthread_key_create(&ours, NULL) != 0;
    atomic_store(&made, !failed);
    atomic_store(&state, failed ? 0 : 2);
  }
  while (atomic_load(&state) == 1) {}
  if (!atomic_load(&made)) return GO_ETHREAD;
  os_signal_touch();
  return pthread_setspecific(ours, &ours) == 0 ? 0 : GO_ETHREAD;
}
