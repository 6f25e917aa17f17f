// kernel.c: the kernel's side of a stack: what it writes there, and the signals it sends.  Each
// returns 0 if all is right.
#include "bench/hazards/cases/cases.h"
#include "bench/hazards/hazard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/go.h"

// ---- A buffer that has never been touched ------------------------------------------------------
enum { BYTES = 1500 };

static int file;

int kernel_prepare_file(void) {
  unsigned char bytes[BYTES];
  memset(bytes, 3, sizeof bytes);
  file = memfd_create("hazards", 0);
  return file >= 0 && write(file, bytes, sizeof bytes) == BYTES ? 0 : -1;
}

static inline uint64_t check(const unsigned char *p, long n) {
  HIDE(p);
  uint64_t sum = 0;
  for (int i = 0; i < BYTES; i++)
    sum += p[i];
  return n != BYTES || sum != 3 * BYTES;
}

// No function is called, whose return address would have been the first to reach so far down.
uint64_t read_by_instruction(uint64_t n) {
  unsigned char buffer[BYTES];
  register long offset __asm__("r10") = (long)n;
  long done = SYS_pread64;
  __asm__ volatile("syscall"
                   : "+a"(done)
                   : "D"((long)file), "S"(buffer), "d"((long)BYTES), "r"(offset)
                   : "rcx", "r11", "memory");
  return check(buffer, done);
}

uint64_t read_by_libc(uint64_t n) {
  unsigned char buffer[BYTES];
  return check(buffer, pread(file, buffer, BYTES, (off_t)n));
}

uint64_t read_by_go_read(uint64_t n) {
  unsigned char buffer[BYTES];
  return check(buffer, go_pread(file, buffer, BYTES, (int64_t)n));
}

// ---- Signal handlers of the program ------------------------------------------------------------
static volatile sig_atomic_t calls;

static void count_call(int sig) {
  (void)sig;
  calls = calls + 1;
}

static uint64_t raise_with(int flags) {
  struct sigaction ours, old;
  memset(&ours, 0, sizeof ours);
  ours.sa_handler = count_call;
  ours.sa_flags = flags;
  const int before = calls;
  if (sigaction(SIGUSR1, &ours, &old) != 0)
    return 1;
  syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
  return calls != before + 1;
}

uint64_t handler_on_stack(uint64_t n) { return raise_with((int)n); }
uint64_t handler_on_sigaltstack(uint64_t n) { return raise_with((int)n | SA_ONSTACK); }

// ---- What a growth must leave alone ------------------------------------------------------------
uint64_t errno_and_mask(uint64_t n) {
  sigset_t set, old, during;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &set, &old);
  errno = (int)n;
  hazard_grow();
  const int kept = errno;
  pthread_sigmask(SIG_SETMASK, &old, &during);
  return kept != (int)n || !sigismember(&during, SIGUSR2) || sigismember(&during, SIGSEGV) ||
         sigismember(&during, SIGUSR1);
}

// ---- Faults elsewhere: they go to the handler that was there before ----------------------------
// Two pages without access, which the handler opens.  Faults come back until it has.
static volatile unsigned char *closed;
static long page;
static volatile sig_atomic_t faults;

static void open_page(long i) {
  faults = faults + 1;
  mprotect((void *)(closed + i * page), (size_t)page, PROT_READ | PROT_WRITE);
}

static void on_fault_info(int sig, siginfo_t *si, void *context) {
  (void)sig;
  (void)context;
  open_page(((unsigned char *)si->si_addr - closed) / page);
}

static void on_fault(int sig) {
  (void)sig;
  open_page(0);
}

static void on_fault_twice(int sig, siginfo_t *si, void *context) {
  if ((unsigned char *)si->si_addr < closed + page)
    closed[page] = 1;
  on_fault_info(sig, si, context);
}

static int prepare_fault(int flags, void (*fn)(int), void (*info)(int, siginfo_t *, void *)) {
  struct sigaction before;
  memset(&before, 0, sizeof before);
  before.sa_flags = flags;
  if (info)
    before.sa_sigaction = info;
  else
    before.sa_handler = fn;
  page = sysconf(_SC_PAGESIZE);
  void *p = mmap(NULL, 2 * (size_t)page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED)
    return -1;
  closed = p;
  return sigaction(SIGSEGV, &before, NULL);
}

int kernel_prepare_sigaction(void) { return prepare_fault(SA_SIGINFO, NULL, on_fault_info); }
int kernel_prepare_signal(void) { return prepare_fault(0, on_fault, NULL); }
int kernel_prepare_nested(void) {
  return prepare_fault(SA_SIGINFO | SA_NODEFER, NULL, on_fault_twice);
}
int kernel_prepare_ignored(void) { return prepare_fault(0, SIG_IGN, NULL); }

// Grows, faults elsewhere n times, and grows again.
static uint64_t fault_elsewhere(uint64_t n) {
  const int before = faults;
  mprotect((void *)closed, 2 * (size_t)page, PROT_NONE);
  hazard_grow();
  closed[0] = 1;
  hazard_grow();
  return faults != before + (int)n || closed[0] != 1;
}

uint64_t fault_with_sigaction(uint64_t n) { return fault_elsewhere(n); }
uint64_t fault_with_signal(uint64_t n) { return fault_elsewhere(n); }
uint64_t fault_in_handler(uint64_t n) { return fault_elsewhere(n); }

// Must end the process: see hazard.dies_of.
uint64_t fault_by_default(uint64_t n) {
  hazard_grow();
  hazard_dies_now();
  *(volatile char *)n = 1;
  return 1;
}

// A mapping beyond the end of its file.
static void on_bus(int sig, siginfo_t *si, void *context) {
  (void)sig;
  (void)si;
  (void)context;
  faults = faults + 1;
  if (ftruncate(file, 2 * page) != 0)
    _exit(1);
}

int kernel_prepare_sigbus(void) {
  struct sigaction before;
  memset(&before, 0, sizeof before);
  before.sa_flags = SA_SIGINFO;
  before.sa_sigaction = on_bus;
  page = sysconf(_SC_PAGESIZE);
  file = memfd_create("hazards", 0);
  void *p = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (file < 0 || p == MAP_FAILED)
    return -1;
  closed = p;
  return sigaction(SIGBUS, &before, NULL);
}

uint64_t fault_by_sigbus(uint64_t n) {
  const int before = faults;
  if (ftruncate(file, 0) != 0)
    return 1;
  hazard_grow();
  closed[0] = 1;
  hazard_grow();
  return faults != before + (int)n || closed[0] != 1;
}
