// Ctrl+Break on Windows, which is what a person at a terminal has for SIGQUIT.  The system calls
// its handler on a thread of its own.
#include <stdatomic.h>
#include <windows.h>
#include "runtime/go.h"
#include "runtime/os/os.h"

static void (*_Atomic quit_handler)(uintptr_t pc);

static BOOL WINAPI on_control(DWORD event) {
  if (event != CTRL_BREAK_EVENT) return FALSE;
  atomic_load_explicit(&quit_handler, memory_order_acquire)(0);
  return TRUE;
}

int os_quit_install(void (*fn)(uintptr_t pc)) {
  static _Atomic bool installed;
  atomic_store_explicit(&quit_handler, fn, memory_order_release);
  if (atomic_exchange(&installed, true)) return 0;
  if (SetConsoleCtrlHandler(on_control, TRUE)) return 0;
  atomic_store(&installed, false);
  return GO_ETHREAD;
}

// No other thread can be made to call it.
bool os_thread_quit(const struct os_thread *t) {
  (void)t;
  return false;
}

_Noreturn void os_quit(void) { ExitProcess(STATUS_CONTROL_C_EXIT); }
