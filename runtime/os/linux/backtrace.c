// Backtraces for fatal reports on Linux: the unwinder of C++ over our CFI.  Not backtrace(3), which
// loads that unwinder at its first call: it would allocate memory in the fault handler.
#include <dlfcn.h>
#include <stdio.h>
#include <unwind.h>
#include "runtime/os/linux/context.h"
#include "runtime/os/os.h"

enum { MAX_FRAMES = 64 };

struct trace {
  uintptr_t pc[MAX_FRAMES];
  int n;
};

static _Unwind_Reason_Code note(struct _Unwind_Context *context, void *p) {
  struct trace *t = p;
  const uintptr_t pc = _Unwind_GetIP(context);
  if (t->n == MAX_FRAMES || pc == 0) return _URC_NORMAL_STOP;
  t->pc[t->n++] = pc;
  return _URC_NO_REASON;
}

static void print_frame(int i, uintptr_t pc) {
  char line[512];
  Dl_info at = {0};
  int n;
  // A return address may be the first of the next function: ask for the call itself.
  if (dladdr((void *)(pc - (i > 0)), &at) && at.dli_sname)
    n = snprintf(line, sizeof line, "  #%d %#zx %s+%#zx (%s+%#zx)\n", i, pc, at.dli_sname,
                 pc - (uintptr_t)at.dli_saddr, at.dli_fname, pc - (uintptr_t)at.dli_fbase);
  else
    n = snprintf(line, sizeof line, "  #%d %#zx (%s+%#zx)\n", i, pc,
                 at.dli_fname ? at.dli_fname : "?", pc - (uintptr_t)at.dli_fbase);
  os_print(line, (size_t)(n < (int)sizeof line ? n : (int)sizeof line - 1));
}

void os_backtrace(void *context) {
  struct trace t = {.n = 0};
  _Unwind_Backtrace(note, &t);
  uintptr_t pc = 0, sp;
  int first = 1;  // 0 is this function
  if (context) {
    // The handler's own frames come first: start where the context was interrupted.
    os_context_pc_sp(context, &pc, &sp);
    for (first = 0; first < t.n && t.pc[first] != pc; first++) continue;
    if (first == t.n) {
      print_frame(0, pc);  // the unwinder could not pass the signal frame
      return;
    }
  }
  for (int i = first; i < t.n; i++) print_frame(i - first, t.pc[i]);
}
