// SIGQUIT: what a person at a terminal, or a supervisor, sends to see what a program does.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>
#include "runtime/go.h"
#include "runtime/os/os.h"
#include "runtime/os/posix/context.h"
#include "runtime/os/posix/signals.h"

static void (*_Atomic quit_handler)(uintptr_t pc);
static _Atomic bool ours;

static void on_signal(int sig, siginfo_t *si, void *context) {
  const int saved = errno;
  uintptr_t pc, sp;
  (void)sig, (void)si;
  if (!os_signal_thread_is_ours()) {
    static const char line[] = "stacklab: SIGQUIT, on a thread that has run no goroutine\n";
    os_print(line, sizeof line - 1);
    os_quit();
  }
  os_context_pc_sp(context, &pc, &sp);
  atomic_load_explicit(&quit_handler, memory_order_acquire)(pc);
  errno = saved;
}

int os_quit_install(void (*fn)(uintptr_t pc)) {
  atomic_store_explicit(&quit_handler, fn, memory_order_release);
  struct sigaction found;
  if (sigaction(SIGQUIT, NULL, &found) != 0) return GO_ETHREAD;
  const bool info = found.sa_flags & SA_SIGINFO;
  if (info && found.sa_sigaction == on_signal) return 0;
  atomic_store(&ours, false);
  if (info || found.sa_handler != SIG_DFL) return 0;
  struct sigaction action = {.sa_sigaction = on_signal,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGQUIT, &action, NULL) != 0) return GO_ETHREAD;
  atomic_store(&ours, true);
  return 0;
}

bool os_thread_quit(const struct os_thread *t) {
  return atomic_load(&ours) && pthread_kill((pthread_t)t->handle, SIGQUIT) == 0;
}

_Noreturn void os_quit(void) {
  const struct sigaction dfl = {.sa_handler = SIG_DFL};
  sigset_t quit;
  sigaction(SIGQUIT, &dfl, NULL);
  sigemptyset(&quit);
  sigaddset(&quit, SIGQUIT);
  pthread_sigmask(SIG_UNBLOCK, &quit, NULL);
  raise(SIGQUIT);
  _exit(2);
}
