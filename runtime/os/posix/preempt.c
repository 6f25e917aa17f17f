// Interrupting threads with SIGURG.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include "runtime/go.h"
#include "runtime/os/os.h"
#include "runtime/os/posix/context.h"
#include "runtime/os/posix/signals.h"

static _Atomic(os_preempt_handler_fn) preempt_handler;
static struct sigaction previous;  // written before our handler is installed, then only read

bool os_preempt_supported(void) { return true; }

static void chain(int sig, siginfo_t *si, void *context) {
  if (previous.sa_flags & SA_SIGINFO)
    previous.sa_sigaction(sig, si, context);
  else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
    previous.sa_handler(sig);
}

static void on_signal(int sig, siginfo_t *si, void *context) {
  const int saved = errno;
  if (!os_signal_thread_is_ours()) {
    chain(sig, si, context);
    return;
  }
  struct os_fault at = {.context = context};
  os_fault_pc_sp(&at);
  if (!atomic_load_explicit(&preempt_handler, memory_order_acquire)(&at)) chain(sig, si, context);
  errno = saved;
}

int os_preempt_install(os_preempt_handler_fn fn) {
  atomic_store_explicit(&preempt_handler, fn, memory_order_release);
  struct sigaction found;
  if (sigaction(SIGURG, NULL, &found) != 0) return GO_ETHREAD;
  if ((found.sa_flags & SA_SIGINFO) && found.sa_sigaction == on_signal) return 0;
  const int error = os_context_init();
  if (error) return error;
  os_text_find();
  previous = found;
  struct sigaction ours = {.sa_sigaction = on_signal,
                           .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
  sigemptyset(&ours.sa_mask);
  return sigaction(SIGURG, &ours, NULL) == 0 ? 0 : GO_ETHREAD;
}

void os_thread_preempt(const struct os_thread *t) { pthread_kill((pthread_t)t->handle, SIGURG); }

void os_preempt_call(const struct os_fault *at, void (*fn)(void), size_t redzone) {
  os_context_call(at->context, (uintptr_t)fn, redzone);
}
