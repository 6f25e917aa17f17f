// Names of functions on macOS, for backtraces: dladdr(3).  The symbol table has those of functions
// that are not static as well; lines are in another file, which atos(1) reads.
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include "runtime/os/posix/unwind.h"

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

void os_symbol(uintptr_t pc, char *out, size_t bytes) {
  Dl_info at = {0};
  if (!dladdr((void *)pc, &at) || !at.dli_fname)
    snprintf(out, bytes, "%#zx", (size_t)pc);
  else if (at.dli_sname)
    snprintf(out, bytes, "%s", at.dli_sname);
  else
    snprintf(out, bytes, "%s+%#zx", base_name(at.dli_fname),
             (size_t)(pc - (uintptr_t)at.dli_fbase));
}

void os_line(uintptr_t pc, char *out, size_t bytes) {
  (void)pc;
  if (bytes > 0) *out = 0;
}

void os_print_frame(int i, uintptr_t pc, uintptr_t call) {
  char line[512];
  Dl_info at = {0};
  const bool found = dladdr((void *)call, &at);
  const bool named = found && at.dli_sname;
  const uintptr_t start = (uintptr_t)(named ? at.dli_saddr : at.dli_fbase);
  const int n = snprintf(line, sizeof line, "  #%d %#zx %s+%#zx\n", i, (size_t)pc,
                         named ? at.dli_sname : found && at.dli_fname ? at.dli_fname : "?",
                         (size_t)(pc - start));
  os_print(line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

// The unwinder asks the dynamic linker, which may take its lock.
bool os_unwinds_without_lock(void) { return false; }
