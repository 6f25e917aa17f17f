// Memory from macOS: mmap(2), mprotect(2).  Neither advice that leaves zero pages behind nor one
// that forbids pages exists, nor does mremap.
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/sysctl.h>
#include "runtime/go.h"
#include "runtime/os/os.h"
#include "runtime/os/posix/pages.h"

// macOS limits no process's mappings by number.
int os_map_error(int otherwise) { return otherwise; }

int os_guard_install(void *addr, size_t bytes) {
  (void)addr, (void)bytes;
  return GO_EGUARD;
}

int os_guard_remove(void *addr, size_t bytes) {
  (void)addr, (void)bytes;
  return GO_EGUARD;
}

bool os_guard_supported(void) { return false; }

// madvise(2)'s MADV_FREE leaves what was there until the system wants it: map afresh instead.
void os_discard(void *addr, size_t bytes) {
  if (!os_to_pages(addr, &bytes)) return;
  const int saved = errno;
  mmap(addr, bytes, PROT_READ | PROT_WRITE,
       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  errno = saved;
}

void os_populate(void *addr, size_t bytes) { os_touch_pages(addr, bytes); }

// mach_vm_remap(3) shares pages and does not move them: callers copy.
int os_movepages(void *to, void *from, size_t bytes) {
  (void)to, (void)from, (void)bytes;
  return GO_EMAP;
}

// What memory_pressure(1) prints: how much is left, in percent.
bool os_memory_short(const char *root) {
  int level;
  size_t bytes = sizeof level;
  (void)root;
  return sysctlbyname("kern.memorystatus_level", &level, &bytes, NULL, 0) == 0 && level < 10;
}
