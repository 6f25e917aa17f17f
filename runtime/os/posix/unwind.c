// Backtraces, most of them for last words: the unwinder of C++ over our CFI.  Not backtrace(3),
// which on Linux loads that unwinder at its first call: it would allocate memory in the fault
// handler.
#include "runtime/os/posix/unwind.h"

#include <unwind.h>

enum { MAX_FRAMES = 100 };

// ---- Frames ------------------------------------------------------------------------------------

struct trace {
  uintptr_t from;  // the frames before are those of who asks
  int n;           // printed
};

// Prints each frame as it comes: the next may not be readable.
static _Unwind_Reason_Code frame(struct _Unwind_Context *context, void *p) {
  struct trace *t = p;
  int before_insn = 0;
  const uintptr_t pc = _Unwind_GetIPInfo(context, &before_insn);
  if (t->n == MAX_FRAMES || pc == 0) return _URC_NORMAL_STOP;
  if (t->n > 0 || pc == t->from) os_print_frame(t->n++, pc, before_insn ? pc : pc - 1);
  return _URC_NO_REASON;
}

void os_backtrace(uintptr_t from) {
  struct trace t = {from, 0};
  _Unwind_Backtrace(frame, &t);
  if (t.n == 0) os_print_frame(0, from, from);  // the unwinder did not get there
}

// ---- Callers -----------------------------------------------------------------------------------

struct callers {
  uintptr_t from, *out;
  int most, *n;
  int before;  // frames of who asks
};

static _Unwind_Reason_Code caller(struct _Unwind_Context *context, void *p) {
  enum { BEFORE_MOST = 32 };
  struct callers *c = p;
  int before_insn = 0;
  const uintptr_t pc = _Unwind_GetIPInfo(context, &before_insn);
  if (*c->n == 0 && pc != c->from)
    return pc == 0 || ++c->before > BEFORE_MOST ? _URC_NORMAL_STOP : _URC_NO_REASON;
  if (pc == 0) return _URC_NORMAL_STOP;
  if (*c->n < c->most) c->out[*c->n] = before_insn ? pc : pc - 1;
  return ++*c->n > c->most ? _URC_NORMAL_STOP : _URC_NO_REASON;
}

bool os_callers_init(void) {
  // What the unwinder and the linker do once, they do now.
  uintptr_t one;
  int n = 0;
  os_callers((uintptr_t)__builtin_return_address(0), &one, 1, &n);
  return os_unwinds_without_lock();
}

void os_callers(uintptr_t from, uintptr_t *out, int most, int *n) {
  struct callers c = {from, out, most, n, 0};
  _Unwind_Backtrace(caller, &c);
}
