// Backtraces for fatal reports on Linux: glibc's unwinder (backtrace(3)) over our CFI.
#include <dlfcn.h>
#include <execinfo.h>
#include <stdio.h>
#include "runtime/os/linux/context.h"
#include "runtime/os/os.h"

enum { MAX_FRAMES = 64 };

static void print_frame(int i, uintptr_t pc) {
  char line[512];
  Dl_info at = {0};
  int n;
  if (dladdr((void *)pc, &at) && at.dli_sname)
    n = snprintf(line, sizeof line, "  #%d %#zx %s+%#zx (%s+%#zx)\n", i, pc, at.dli_sname,
                 pc - (uintptr_t)at.dli_saddr, at.dli_fname, pc - (uintptr_t)at.dli_fbase);
  else
    n = snprintf(line, sizeof line, "  #%d %#zx (%s+%#zx)\n", i, pc,
                 at.dli_fname ? at.dli_fname : "?", pc - (uintptr_t)at.dli_fbase);
  os_print(line, (size_t)(n < (int)sizeof line ? n : (int)sizeof line - 1));
}

void os_backtrace(void *context) {
  void *frames[MAX_FRAMES];
  const int n = backtrace(frames, MAX_FRAMES);
  uintptr_t pc = 0, sp;
  int first = 1;  // 0 is this function
  if (context) {
    // The handler's own frames come first: start where the context was interrupted.
    os_context_pc_sp(context, &pc, &sp);
    for (first = 0; first < n && (uintptr_t)frames[first] != pc; first++) continue;
    if (first == n) {
      print_frame(0, pc);  // the unwinder could not pass the signal frame
      return;
    }
  }
  for (int i = first; i < n; i++) print_frame(i - first, (uintptr_t)frames[i]);
}
