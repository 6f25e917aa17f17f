// Backtraces on Linux, most of them for last words: the unwinder of C++ over our CFI, and
// libbacktrace for names and lines.  Not backtrace(3), which loads that unwinder at its first call:
// it would allocate memory in the fault handler.  libbacktrace maps what it needs.
#include <backtrace.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unwind.h>
#include "runtime/os/os.h"

enum { MAX_FRAMES = 100, LINE_BYTES = 512 };

// ---- Names -------------------------------------------------------------------------------------

static struct backtrace_state *symbols(void) {
  static struct backtrace_state *_Atomic state;
  struct backtrace_state *s = atomic_load(&state);
  if (!s) {
    s = backtrace_create_state(NULL, 1, NULL, NULL);
    atomic_store(&state, s);
  }
  return s;
}

struct symbol {
  char name[160];
  uintptr_t start;  // 0: unknown
};

static void found_symbol(void *p, uintptr_t pc, const char *name, uintptr_t start, uintptr_t size) {
  struct symbol *s = p;
  (void)pc, (void)size;
  if (!name) return;
  snprintf(s->name, sizeof s->name, "%s", name);
  char *promoted = strstr(s->name, ".llvm.");  // ThinLTO's mark of a static function
  if (promoted) *promoted = 0;
  s->start = start;
}

// Innermost first: the last is the function itself.
static int found_function(void *p, uintptr_t pc, const char *file, int number, const char *name) {
  (void)file, (void)number;
  found_symbol(p, pc, name, 0, 0);
  return 0;
}

static void no_symbol(void *p, const char *message, int error) {
  (void)p, (void)message, (void)error;
}

// The symbol table of each object; where it was stripped, the dynamic one.
static bool look_up(uintptr_t pc, struct symbol *s) {
  *s = (struct symbol){.start = 0};
  if (symbols()) backtrace_syminfo(symbols(), pc, found_symbol, no_symbol, s);
  Dl_info at;
  if (!s->name[0] && dladdr((void *)pc, &at) && at.dli_sname)
    found_symbol(s, pc, at.dli_sname, (uintptr_t)at.dli_saddr, 0);
  return s->name[0] != 0;
}

// The file that pc lies in; NULL: none.
static const char *object_of(uintptr_t pc, uintptr_t *base) {
  Dl_info at;
  if (!dladdr((void *)pc, &at) || !at.dli_fname) return NULL;
  *base = (uintptr_t)at.dli_fbase;
  const char *slash = strrchr(at.dli_fname, '/');
  return slash ? slash + 1 : at.dli_fname;
}

void os_symbol(uintptr_t pc, char *out, size_t bytes) {
  struct symbol s;
  uintptr_t base;
  const bool found = look_up(pc, &s);
  // Where the tables were stripped, debug information may lie elsewhere.
  if (!found && symbols()) backtrace_pcinfo(symbols(), pc, found_function, no_symbol, &s);
  const char *object = s.name[0] ? NULL : object_of(pc, &base);
  if (s.name[0])
    snprintf(out, bytes, "%s", s.name);
  else if (object)
    snprintf(out, bytes, "%s+%#zx", object, pc - base);
  else
    snprintf(out, bytes, "%#zx", pc);
}

// ---- Lines -------------------------------------------------------------------------------------

struct line {
  char text[LINE_BYTES];
  size_t n;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *l, const char *format, ...) {
  va_list values;
  va_start(values, format);
  const int n = vsnprintf(l->text + l->n, sizeof l->text - l->n, format, values);
  va_end(values);
  l->n += (size_t)n;
  if (l->n >= sizeof l->text) l->n = sizeof l->text - 1;
}

// Innermost first: functions that were inlined where the call is, then the one they are in.
static int found_line(void *p, uintptr_t pc, const char *file, int number, const char *function) {
  struct line *l = p;
  (void)pc, (void)function;
  if (!file) return 0;
  const char *base = strrchr(file, '/');
  add(l, "%s%s:%d", l->n > 0 ? " in " : "", base ? base + 1 : file, number);
  return 0;
}

static int found_outermost(void *p, uintptr_t pc, const char *file, int number, const char *name) {
  struct line *l = p;
  l->n = 0;
  return found_line(p, pc, file, number, name);
}

void os_line(uintptr_t pc, char *out, size_t bytes) {
  struct line l = {.n = 0};
  if (symbols()) backtrace_pcinfo(symbols(), pc, found_outermost, no_symbol, &l);
  snprintf(out, bytes, "%s", l.text);
}

// pc: as the unwinder says it: after a call, that is where the call returns to; call: within the
// instruction that is being run.
static void print_frame(int i, uintptr_t pc, uintptr_t call) {
  struct line l = {.n = 0}, where = {.n = 0};
  struct symbol s;
  add(&l, "  #%d %#zx ", i, pc);
  if (look_up(call, &s)) {
    add(&l, "%s+%#zx", s.name, pc - s.start);
  } else {
    Dl_info at = {0};
    dladdr((void *)call, &at);
    add(&l, "%s+%#zx", at.dli_fname ? at.dli_fname : "?", pc - (uintptr_t)at.dli_fbase);
  }
  if (symbols()) backtrace_pcinfo(symbols(), call, found_line, no_symbol, &where);
  if (where.n > 0) add(&l, " %s", where.text);
  l.text[l.n < sizeof l.text - 1 ? l.n++ : l.n - 1] = '\n';
  os_print(l.text, l.n);
}

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
  if (t->n > 0 || pc == t->from) print_frame(t->n++, pc, before_insn ? pc : pc - 1);
  return _URC_NO_REASON;
}

void os_backtrace(uintptr_t from) {
  struct trace t = {from, 0};
  _Unwind_Backtrace(frame, &t);
  if (t.n == 0) print_frame(0, from, from);  // the unwinder did not get there
}

// ---- Callers -----------------------------------------------------------------------------------

// With it, the unwinder of GCC 12 and later finds the CFI of an address without a lock (glibc 2.35,
// whose manual calls it async-signal-safe; musl.c); before, it took the dynamic linker's.
struct dl_find_object;
int _dl_find_object(void *pc, struct dl_find_object *out);
#pragma weak _dl_find_object

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
  return _dl_find_object != NULL;
}

void os_callers(uintptr_t from, uintptr_t *out, int most, int *n) {
  struct callers c = {from, out, most, n, 0};
  _Unwind_Backtrace(caller, &c);
}
