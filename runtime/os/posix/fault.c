// Memory faults on POSIX systems: the SIGSEGV and SIGBUS handler, its alternate stack, and what
// happens to faults that are not ours.  sigaction(2), sigaltstack(2), signal-safety(7).
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <ucontext.h>
#include "runtime/arch/arch.h"
#include "runtime/go.h"
#include "runtime/os/os.h"
#include "runtime/os/posix/context.h"
#include "runtime/os/posix/signals.h"

static _Atomic(os_fault_handler_fn) fault_handler;

// What SIGSEGV and SIGBUS did before us.  A record is written once, before our handler is installed
// over what it describes, and only read after that: the handler needs no lock.  There is a second
// one only if a program put another handler over ours between two runs.
enum { RECORDS = 8 };
static struct previous {
  struct sigaction action;
  _Atomic bool reset;  // SA_RESETHAND: it has had its one call
} records[2][RECORDS];
static _Atomic int nrecords[2];

static struct previous *previous_of(int sig) {
  const int bus = sig == SIGBUS;
  return &records[bus][atomic_load_explicit(&nrecords[bus], memory_order_acquire) - 1];
}

// The default action, as if we had never been here.  Raising the signal with our handler still
// installed would loop (and raise() would blame raise()): restore the default and return, so that
// the instruction faults again under it.  A signal that was sent does not come back by itself.
static void default_action(int sig, const siginfo_t *si) {
  struct sigaction dfl = {.sa_handler = SIG_DFL};
  sigaction(sig, &dfl, NULL);
  if (!os_signal_by_kernel(si)) pthread_kill(pthread_self(), sig);
}

// Hands a fault to the action that was installed before, under the mask it asked for.
static void chain(int sig, siginfo_t *si, void *context) {
  struct previous *previous = previous_of(sig);
  const struct sigaction *p = &previous->action;
  if (!(p->sa_flags & SA_SIGINFO) && p->sa_handler == SIG_IGN && !os_signal_by_kernel(si)) return;
  const bool fixed = !(p->sa_flags & SA_SIGINFO) &&
                     (p->sa_handler == SIG_DFL || p->sa_handler == SIG_IGN);
  if (fixed || ((p->sa_flags & (int)SA_RESETHAND) &&
                atomic_exchange(&previous->reset, true))) {
    default_action(sig, si);
    return;
  }
  sigset_t mask = p->sa_mask, old;
  if (!(p->sa_flags & SA_NODEFER)) sigaddset(&mask, sig);
  pthread_sigmask(SIG_BLOCK, &mask, &old);
  if (p->sa_flags & SA_NODEFER) {
    sigset_t self;
    sigemptyset(&self);
    sigaddset(&self, sig);
    pthread_sigmask(SIG_UNBLOCK, &self, NULL);
  }
  if (p->sa_flags & SA_SIGINFO)
    p->sa_sigaction(sig, si, context);
  else
    p->sa_handler(sig);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
}

// On Linux mprotect guards fault with SEGV_ACCERR, MADV_GUARD_INSTALL guards and holes with
// SEGV_MAPERR; on macOS guards raise SIGBUS, and holes SIGSEGV.
static bool is_access_fault(int sig, const siginfo_t *si) {
  return sig == SIGSEGV ? si->si_code == SEGV_MAPERR || si->si_code == SEGV_ACCERR
                        : si->si_code == BUS_ADRERR;
}

// Where to go on if a thread faults within os_guarded.
static _Thread_local sigjmp_buf *guarded;

void os_signal_touch(void) {
  guarded = NULL;
  (void)rt_getg();
}

bool os_guarded(void (*fn)(void *), void *arg) {
  sigjmp_buf here;
  sigset_t faults, mask;
  os_signal_thread_join();  // if it cannot, a fault is not ours
  sigemptyset(&faults);
  sigaddset(&faults, SIGSEGV);
  sigaddset(&faults, SIGBUS);
  pthread_sigmask(SIG_UNBLOCK, &faults, &mask);
  const bool whole = sigsetjmp(here, 1) == 0;  // 0: macOS would not see us leave the signal stack
  if (whole) {
    guarded = &here;
    fn(arg);
  }
  guarded = NULL;
  pthread_sigmask(SIG_SETMASK, &mask, NULL);
  return whole;
}

static void on_signal(int sig, siginfo_t *si, void *context) {
  const bool ours = os_signal_thread_is_ours();
  if (ours && guarded && os_signal_by_kernel(si)) siglongjmp(*guarded, 1);
  const int saved = errno;
  bool handled = false;
  if (ours && is_access_fault(sig, si)) {
    const struct sigaction *next = &previous_of(sig)->action;
    struct os_fault f = {.addr = (uintptr_t)si->si_addr,
                         .context = context,
                         .fatal = !(next->sa_flags & SA_SIGINFO) && next->sa_handler == SIG_DFL};
    os_context_undo(context, f.addr);
    os_context_pc_sp(context, &f.pc, &f.sp);
    handled = atomic_load_explicit(&fault_handler, memory_order_acquire)(&f);
  }
  if (!handled) chain(sig, si, context);
  errno = saved;
}

// By what can be asked of a set: glibc fills in no more of one than the kernel knows.
static bool same_action(const struct sigaction *a, const struct sigaction *b) {
  bool same = a->sa_flags == b->sa_flags && a->sa_sigaction == b->sa_sigaction;
  for (int sig = 1; same && sig < NSIG; sig++)
    same = sigismember(&a->sa_mask, sig) == sigismember(&b->sa_mask, sig);
  return same;
}

static int install(int sig) {
  struct sigaction ours = {.sa_sigaction = on_signal,
                           .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
  sigemptyset(&ours.sa_mask);
  struct sigaction found;
  if (sigaction(sig, NULL, &found) != 0) return GO_ETHREAD;
  if ((found.sa_flags & SA_SIGINFO) && found.sa_sigaction == on_signal) return 0;
  const int bus = sig == SIGBUS;
  const int n = atomic_load_explicit(&nrecords[bus], memory_order_relaxed);
  const bool known = n > 0 && same_action(&records[bus][n - 1].action, &found);
  if (n == RECORDS && !known) return GO_ETHREAD;
  if (!known) {
    records[bus][n].action = found;
    atomic_store_explicit(&nrecords[bus], n + 1, memory_order_release);
  }
  if (sigaction(sig, &ours, NULL) == 0) return 0;
  atomic_store_explicit(&nrecords[bus], n, memory_order_release);
  return GO_ETHREAD;
}

bool os_fault_elsewhere(void) { return true; }

int os_fault_install(os_fault_handler_fn fn) {
  atomic_store_explicit(&fault_handler, fn, memory_order_release);
  const int error = install(SIGSEGV);
  return error ? error : install(SIGBUS);
}

void os_fault_pc_sp(struct os_fault *fault) {
  os_context_pc_sp(fault->context, &fault->pc, &fault->sp);
}

void os_fault_regs(const struct os_fault *fault, struct rt_regfile *out) {
  os_context_regs(fault->context, out);
}

// Room for our frames, and for a previous handler's, above what the kernel needs for the vector
// state.  Sanitizer runtimes symbolise from their handlers and need much more than we do.
enum {
  HANDLER_BYTES = 128 << 10,
  // qemu-user's frames end before the kernel's do, which are read whole: above the first of them.
  ABOVE_BYTES = (sizeof(ucontext_t) + 15) & ~15,
};

int os_sigstack_enable(struct os_sigstack *s) {
  const size_t page = os_pagesize();
  const size_t most = HANDLER_BYTES + ABOVE_BYTES + os_sigstack_state();
  const size_t bytes = (most + page - 1) / page * page;
  int error = os_signal_thread_join();
  if (error) return error;
  char *base = os_reserve(NULL, page + bytes, OS_ACCESS_READWRITE, &error);
  if (!base) return error;
  error = os_forbid(base, page);
  if (error) {
    os_release(base, page + bytes);
    return error;
  }
  const stack_t ours = {.ss_sp = base + page, .ss_size = bytes - ABOVE_BYTES};
  stack_t old;
  if (sigaltstack(&ours, &old) != 0) {
    os_release(base, page + bytes);
    return GO_ETHREAD;
  }
  *s = (struct os_sigstack){base, page + bytes, old.ss_sp, old.ss_size, old.ss_flags};
  return 0;
}

void os_sigstack_disable(struct os_sigstack *s) {
  const stack_t old = {.ss_sp = s->old_base, .ss_size = s->old_bytes, .ss_flags = s->old_flags};
  // A signal may still come: better to leave the memory than to have the kernel miss it.
  if (sigaltstack(&old, NULL) == 0) os_release(s->base, s->bytes);
}
