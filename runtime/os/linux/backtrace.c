// Names and lines of backtraces on Linux: libbacktrace, which maps the memory that it needs.
#include <backtrace.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include "runtime/os/os.h"
#include "runtime/os/posix/unwind.h"

enum { LINE_BYTES = 512 };

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
  // ThinLTO's mark of a static function is ".llvm.N"; gcc's of a copy are ".localalias", ".part.N".
  char *mark = strchr(s->name + 1, '.');
  if (mark) *mark = 0;
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

void os_print_frame(int i, uintptr_t pc, uintptr_t call) {
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

// ---- Locks -------------------------------------------------------------------------------------

// With it, the unwinder of GCC 12 and later finds the CFI of an address without a lock (glibc 2.35,
// whose manual calls it async-signal-safe; musl.c); before, it took the dynamic linker's.
struct dl_find_object;
int _dl_find_object(void *pc, struct dl_find_object *out);
#pragma weak _dl_find_object

bool os_unwinds_without_lock(void) { return _dl_find_object != NULL; }
