// Parts of runtime/os/darwin and posix, run here: compiled with its own declarations, over a system
// that this file makes up.  It shows what they ask of macOS and what they make of the answers, not
// that macOS answers so.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <ucontext.h>
#include <unistd.h>
#include "runtime/arch/arch.h"
#include "runtime/go.h"
#include "runtime/os/os.h"
#include "runtime/os/posix/context.h"
#include "runtime/os/posix/signals.h"
#include "tests/darwin_units.h"

// ---- The system --------------------------------------------------------------------------------

static int error;
int *__error(void) { return &error; }

enum { KQ = 77 };
static struct kevent changes[8], pending[8];
static int nchanges, npending, fail_at = -1;
static const struct timespec *limit_given;
static struct timespec limit_seen;

int kqueue(void) { return KQ; }

int kevent(int kq, const struct kevent *in, int nin, struct kevent *out, int nout,
           const struct timespec *limit) {
  CHECK(kq == KQ);
  if (nin == 1) {
    if (nchanges == fail_at) {
      fail_at = -1;
      error = ENOENT;
      return -1;
    }
    changes[nchanges++] = *in;
    return 0;
  }
  limit_given = limit;
  if (limit) limit_seen = *limit;
  const int n = npending < nout ? npending : nout;
  memcpy(out, pending, (size_t)n * sizeof *out);
  return n;
}

static uint32_t waited_us, wait_operation, wake_operation;
int __ulock_wait(uint32_t operation, void *word, uint64_t expected, uint32_t timeout_us);
int __ulock_wait(uint32_t operation, void *word, uint64_t expected, uint32_t timeout_us) {
  CHECK(*(uint32_t *)word == expected);
  wait_operation = operation;
  waited_us = timeout_us;
  return 0;
}
int __ulock_wake(uint32_t operation, void *word, uint64_t thread);
int __ulock_wake(uint32_t operation, void *word, uint64_t thread) {
  CHECK(*(uint32_t *)word == 5 && thread == 0);
  wake_operation = operation;
  return 0;
}

static int fds_closed, fds_marked;
int fcntl(int fd, int command, ...) {
  CHECK(fd == KQ && command == 2);
  return fds_marked++ * 0;
}
int close(int fd) {
  CHECK(fd == KQ);
  return fds_closed++ * 0;
}

static char stack_of_thread[256];
void *pthread_get_stackaddr_np(pthread_t t) {
  CHECK(t == pthread_self());
  return stack_of_thread + sizeof stack_of_thread;  // its high end
}
size_t pthread_get_stacksize_np(pthread_t t) {
  CHECK(t == pthread_self());
  return sizeof stack_of_thread;
}

void (*installed)(int sig, siginfo_t *si, void *context);
static void (*installed_quit)(int sig, siginfo_t *si, void *context);
int sigaction(int sig, const struct sigaction *action, struct sigaction *old) {
  CHECK(sig == SIGTRAP || sig == SIGQUIT);
  if (old) *old = (struct sigaction){.sa_handler = SIG_DFL};
  if (action) *(sig == SIGTRAP ? &installed : &installed_quit) = action->sa_sigaction;
  return 0;
}
int sigemptyset(sigset_t *set) { return *set = 0; }
int sigaddset(sigset_t *set, int sig) {
  *set |= 1u << (sig - 1);
  return 0;
}
static sigset_t unblocked;
int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
  CHECK(how == SIG_UNBLOCK && !old);
  unblocked |= *set;
  return 0;
}
static int raised;
int raise(int sig) {
  raised = sig;
  return 0;
}

// ---- Polling -----------------------------------------------------------------------------------

static void changed(int i, uintptr_t ident, int filter, unsigned flags) {
  CHECK(changes[i].ident == ident && changes[i].filter == filter && changes[i].flags == flags);
}

static void test_descriptors(void) {
  int data;
  CHECK(os_netpoll_init() == 0 && nchanges == 1 && fds_marked == 1);
  changed(0, 0, EVFILT_USER, EV_ADD | EV_CLEAR);
  CHECK(os_netpoll_open(9, &data) == 0 && nchanges == 3);
  changed(1, 9, EVFILT_READ, EV_ADD | EV_CLEAR);
  changed(2, 9, EVFILT_WRITE, EV_ADD | EV_CLEAR);
  CHECK(changes[1].udata == &data && changes[2].udata == &data);
  nchanges = 0;
  CHECK(os_netpoll_close(9) == 0 && nchanges == 2);
  changed(0, 9, EVFILT_READ, EV_DELETE);
  changed(1, 9, EVFILT_WRITE, EV_DELETE);
  // Half a registration is taken back.
  nchanges = 0;
  fail_at = 1;
  CHECK(os_netpoll_open(9, &data) == -ENOENT && nchanges == 2);
  changed(1, 9, EVFILT_READ, EV_DELETE);
}

static uint32_t mode_of(int filter, unsigned flags) {
  static int data;
  struct os_pollevent out[2];
  npending = 1;
  pending[0] = (struct kevent){.filter = (int16_t)filter, .flags = (uint16_t)flags, .udata = &data};
  CHECK(os_netpoll(out, 2, -1) == 1 && out[0].data == &data && !limit_given);
  return out[0].mode;
}

static void test_events(void) {
  struct os_pollevent out[2];
  const uint32_t all = OS_POLLIN | OS_POLLOUT | OS_POLLHUP;
  CHECK(mode_of(EVFILT_READ, EV_CLEAR) == OS_POLLIN);
  CHECK(mode_of(EVFILT_WRITE, EV_CLEAR) == OS_POLLOUT);
  CHECK(mode_of(EVFILT_READ, EV_EOF) == all && mode_of(EVFILT_WRITE, EV_EOF) == all);
  CHECK(mode_of(EVFILT_READ, EV_OOBAND) == (OS_POLLIN | OS_POLLHUP));
  // A break is for one who sleeps: who only looks passes it on.
  pending[0] = (struct kevent){.filter = EVFILT_USER};
  nchanges = 0;
  CHECK(os_netpoll(out, 2, 1500000001) == 0 && nchanges == 0);
  CHECK(limit_seen.tv_sec == 1 && limit_seen.tv_nsec == 500000001);
  CHECK(os_netpoll(out, 2, 0) == 0 && nchanges == 1);
  CHECK(changes[0].filter == EVFILT_USER && changes[0].fflags == NOTE_TRIGGER);
  os_netpoll_done();
  CHECK(fds_closed == 1);
}

// ---- Waiting -----------------------------------------------------------------------------------

static void test_waiting(void) {
  enum { COMPARE = 1, WAKE_ALL = 0x100, NO_ERRNO = 0x1000000 };
  _Atomic uint32_t word = 5;
  os_wait(&word, 5);
  CHECK(wait_operation == (COMPARE | NO_ERRNO) && waited_us == 0);  // 0: for ever
  // Never 0, never less than was asked for.
  const struct {
    int64_t ns;
    uint32_t us;
  } limits[] = {{0, 1}, {1, 1}, {1000, 1}, {1001, 2}, {20000000, 20000}, {INT64_MAX, UINT32_MAX}};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    os_wait_for(&word, 5, limits[i].ns);
    CHECK(waited_us == limits[i].us);
  }
  void *lo;
  size_t bytes;
  os_thread_stack(&lo, &bytes);
  CHECK(lo == stack_of_thread && bytes == sizeof stack_of_thread);
  os_wake(&word, 1);
  CHECK(wake_operation == (COMPARE | NO_ERRNO));
  os_wake(&word, 2);
  CHECK(wake_operation == (COMPARE | NO_ERRNO | WAKE_ALL));
}

// ---- Registers ---------------------------------------------------------------------------------

uint64_t adjust(void *context) {
  const struct rt_wordmove mv = {1ull << 32, OLD + 0x1000, DELTA};
  struct rt_regfile regs;
  os_context_regs(context, &regs);
  return rt_regfile_adjust(&regs, &mv);
}

static uint64_t word_at(const unsigned char *p) {
  uint64_t w;
  memcpy(&w, p, 8);
  return w;
}

void dress(unsigned char *p, size_t bytes) {
  for (size_t i = 0; i < bytes; i += 8) memcpy(p + i, &OLD, 8);
}
bool all_are(const unsigned char *p, size_t bytes, uint64_t w) {
  for (size_t i = 0; i < bytes; i += 8)
    if (word_at(p + i) != w) return false;
  return true;
}

void test_calls(ucontext_t *uc, uint64_t *pc, uint64_t *sp, size_t below) {
  static _Alignas(16) unsigned char stack[4096];
  uintptr_t at, to;
  *pc = 0x1234;
  *sp = (uintptr_t)stack + sizeof stack - 8;
  os_context_pc_sp(uc, &at, &to);
  CHECK(at == 0x1234 && to == *sp);
  CHECK(rt_arch_redzone_bytes == 128 || below > 8);
  os_context_call(uc, 0x5678, 128);
  CHECK(*pc == 0x5678 && *sp <= (uintptr_t)stack + sizeof stack - 8 - 128 - below);
  CHECK(rt_asyncpreempt_bytes() >= below);
}

// ---- Last words --------------------------------------------------------------------------------

static bool thread_is_ours;
bool os_signal_thread_is_ours(void) { return thread_is_ours; }

static char printed[100];
void os_print(const char *message, size_t bytes) {
  CHECK(bytes < sizeof printed);
  memcpy(printed, message, bytes);
}

static int quits;
static void count_quit(uintptr_t pc) {
  CHECK(pc == OLD);
  quits++;
}

// Whose handler needs thread-local variables is not called where a signal may not use them.
static void test_quit(void) {
  static _Alignas(16) unsigned char registers[4096];
  ucontext_t uc = {.uc_mcontext = (mcontext_t)registers};
  dress(registers, sizeof registers);
  CHECK(os_quit_install(count_quit) == 0);
  thread_is_ours = true;
  installed_quit(SIGQUIT, NULL, &uc);
  CHECK(quits == 1 && raised == 0);
  thread_is_ours = false;
  installed_quit(SIGQUIT, NULL, &uc);
}

// Where test_quit ends.
_Noreturn void exit(int status);
void _exit(int status) {
  CHECK(quits == 1 && raised == SIGQUIT && !installed_quit && unblocked == 1u << (SIGQUIT - 1));
  CHECK(memcmp(printed, "stacklab: SIGQUIT, ", 19) == 0 && status != 0);
  exit(0);
}

int main(void) {
  test_descriptors();
  test_events();
  test_waiting();
  test_registers();
  test_quit();
  return 1;
}
