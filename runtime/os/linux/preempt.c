// Interrupting threads with SIGURG, and telling the program's own code from its libraries'.
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include "runtime/go.h"
#include "runtime/os/linux/context.h"
#include "runtime/os/os.h"

static _Atomic(os_preempt_handler_fn) preempt_handler;
static struct sigaction previous;  // written before our handler is installed, then only read

enum { TEXTS = 8 };
static struct {
  uintptr_t from, to;
} texts[TEXTS];
static int ntexts;

// The linker knows the bounds of the section.
extern const char rt_text_lo[] __asm__("__start_rt_text");
extern const char rt_text_hi[] __asm__("__stop_rt_text");

bool os_runtime_text(uintptr_t pc) {
  return pc >= (uintptr_t)rt_text_lo && pc < (uintptr_t)rt_text_hi;
}

bool os_preempt_supported(void) { return true; }

bool os_own_text(uintptr_t pc) {
  for (int i = 0; i < ntexts; i++)
    if (pc >= texts[i].from && pc < texts[i].to) return !os_context_stub(pc, texts[i].to);
  return false;
}

// The first object is the program (dl_iterate_phdr(3)).
static int note_text(struct dl_phdr_info *info, size_t size, void *unused) {
  (void)size, (void)unused;
  bool dynamic = false;
  int n = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
    if (ph->p_type == PT_INTERP) dynamic = true;
    if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X) || n == TEXTS) continue;
    texts[n].from = info->dlpi_addr + ph->p_vaddr;
    texts[n].to = texts[n].from + ph->p_memsz;
    n++;
  }
  ntexts = dynamic ? n : 0;
  return 1;
}

static void chain(int sig, siginfo_t *si, void *context) {
  if (previous.sa_flags & SA_SIGINFO)
    previous.sa_sigaction(sig, si, context);
  else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
    previous.sa_handler(sig);
}

static void on_signal(int sig, siginfo_t *si, void *context) {
  const int saved = errno;
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
  dl_iterate_phdr(note_text, NULL);
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
