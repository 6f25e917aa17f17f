// Threads, waiting and process services from Windows.
#include <process.h>
#include <stdlib.h>
#include <windows.h>
#include "runtime/arch/arch.h"
#include "runtime/go.h"
#include "runtime/os/os.h"
#include "runtime/os/windows/stack_end.h"

struct start {
  void (*fn)(void *);
  void *arg;
};

static unsigned __stdcall run_start(void *p) {
  const struct start s = *(struct start *)p;
  free(p);
  s.fn(s.arg);
  return 0;
}

// Not CreateThread: the C library keeps something for each thread that was begun like this.
int os_thread_start(struct os_thread *t, void (*fn)(void *), void *arg) {
  struct start *s = malloc(sizeof *s);
  if (!s) return GO_ETHREAD;
  *s = (struct start){fn, arg};
  t->handle = _beginthreadex(NULL, 0, run_start, s, 0, NULL);
  if (t->handle) return 0;
  free(s);
  return GO_ETHREAD;
}

void os_thread_join(struct os_thread *t) {
  WaitForSingleObject((HANDLE)t->handle, INFINITE);
  CloseHandle((HANDLE)t->handle);
}

// A number, not a handle, which somebody would have to close.
void os_thread_self(struct os_thread *t) { t->handle = GetCurrentThreadId(); }

// The bounds that a goroutine's stack would have there (stack_end.h).
void os_thread_stack(void **lo, size_t *bytes) {
  ULONG_PTR end, hi;
  GetCurrentThreadStackLimits(&end, &hi);
  *lo = (void *)(end + OS_STACK_END_BYTES);
  *bytes = hi - (ULONG_PTR)*lo;
}

// Waits end at a tick of the clock, and are counted in milliseconds: rounded up.
static DWORD milliseconds(int64_t ns) {
  const int64_t ms = (ns + 999999) / 1000000;
  return ms >= INFINITE ? INFINITE - 1 : (DWORD)ms;
}

void os_wait(_Atomic uint32_t *word, uint32_t expected) {
  WaitOnAddress((volatile void *)word, &expected, sizeof expected, INFINITE);
}

void os_wait_for(_Atomic uint32_t *word, uint32_t expected, int64_t ns) {
  WaitOnAddress((volatile void *)word, &expected, sizeof expected, ns > 0 ? milliseconds(ns) : 0);
}

void os_wake(_Atomic uint32_t *word, int n) {
  if (n == 1)
    WakeByAddressSingle((void *)word);
  else
    WakeByAddressAll((void *)word);
}

// Newer than the headers of Debian 12's mingw-w64.
#ifndef CREATE_WAITABLE_TIMER_HIGH_RESOLUTION
#define CREATE_WAITABLE_TIMER_HIGH_RESOLUTION 2
#endif

// Sleep() goes by ticks, of up to 15.6 ms; since Windows 10 1803 there are timers that do not.
void os_usleep(uint32_t us) {
  HANDLE timer = CreateWaitableTimerExW(NULL, NULL, CREATE_WAITABLE_TIMER_HIGH_RESOLUTION,
                                        TIMER_MODIFY_STATE | SYNCHRONIZE);
  LARGE_INTEGER due = {.QuadPart = -10 * (LONGLONG)us};  // from now on, in 100 ns
  if (timer && SetWaitableTimer(timer, &due, 0, NULL, NULL, FALSE))
    WaitForSingleObject(timer, INFINITE);
  else
    Sleep((us + 999) / 1000);
  if (timer) CloseHandle(timer);
}

int64_t os_nanotime(void) {
  static _Atomic int64_t cached;  // every thread would store the same value
  int64_t each = cached;
  LARGE_INTEGER now;
  if (each == 0) {
    LARGE_INTEGER frequency;
    QueryPerformanceFrequency(&frequency);
    cached = each = frequency.QuadPart;
  }
  QueryPerformanceCounter(&now);
  const int64_t s = now.QuadPart / each, rest = now.QuadPart % each;
  return s * 1000000000 + rest * 1000000000 / each + 1;
}

int os_ncpu(void) {
  DWORD_PTR ours, all;
  const int n = GetProcessAffinityMask(GetCurrentProcess(), &ours, &all)
                    ? __builtin_popcountll(ours)
                    : 1;
  return n > 0 ? n : 1;
}

const char *os_getenv(const char *name) { return getenv(name); }

void os_print(const char *message, size_t bytes) {
  const HANDLE err = GetStdHandle(STD_ERROR_HANDLE);
  while (bytes > 0) {
    DWORD n = 0;
    if (!WriteFile(err, message, (DWORD)bytes, &n, NULL) || n == 0) return;
    message += n;
    bytes -= n;
  }
}

_Noreturn void os_abort(void) { abort(); }
