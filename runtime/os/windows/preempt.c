// Interrupting threads: not yet on Windows.  And whose code is whose.
#include <windows.h>
#include "runtime/go.h"
#include "runtime/os/os.h"

// The linker puts these at the ends of the section (win64_switch.S).
extern const char rt_text_lo[], rt_text_hi[];

bool os_runtime_text(uintptr_t pc) {
  return pc >= (uintptr_t)rt_text_lo && pc < (uintptr_t)rt_text_hi;
}

bool os_preempt_supported(void) { return false; }

int os_preempt_install(os_preempt_handler_fn fn) {
  (void)fn;
  return GO_ETHREAD;
}

void os_thread_preempt(const struct os_thread *t) { (void)t; }

bool os_own_text(uintptr_t pc) {
  (void)pc;
  return false;
}

void os_preempt_call(const struct os_fault *at, void (*fn)(void), size_t redzone) {
  (void)at, (void)fn, (void)redzone;
}
