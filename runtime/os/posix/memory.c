// Memory on POSIX systems: mmap(2), mprotect(2).  errno is left as it was, since some of this runs
// in the fault handler.
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "runtime/go.h"
#include "runtime/os/os.h"
#include "runtime/os/posix/pages.h"

static size_t system_pagesize(void) { return (size_t)sysconf(_SC_PAGESIZE); }

size_t os_pagesize(void) {
  static _Atomic size_t cached;  // every thread would store the same value
  size_t bytes = atomic_load_explicit(&cached, memory_order_relaxed);
  if (bytes == 0) {
    bytes = system_pagesize();
    const char *asked = getenv("GO_PAGESIZE");
    const size_t larger = asked ? strtoul(asked, NULL, 10) : 0;
    if (larger > bytes && larger <= OS_PAGESIZE_MAX && (larger & (larger - 1)) == 0)
      bytes = larger;
    atomic_store_explicit(&cached, bytes, memory_order_relaxed);
  }
  return bytes;
}

// The system's calls take whole pages: an address within one is refused, a length rounded up.  Here
// for pages that are larger than the system's.
bool os_to_pages(const void *addr, size_t *bytes) {
  const size_t page = os_pagesize();
  *bytes = (*bytes + page - 1) & ~(page - 1);
  return (uintptr_t)addr % page == 0;
}

void os_touch_pages(void *addr, size_t bytes) {
  for (size_t i = 0; i < bytes; i += os_pagesize()) {
    volatile char *page = (volatile char *)addr + i;
    *page = *page;
  }
}

void *os_reserve(void *hint, size_t bytes, enum os_access access, int *error) {
  const int saved = errno;
  const int prot = access == OS_ACCESS_READWRITE ? PROT_READ | PROT_WRITE : PROT_NONE;
  const size_t page = os_pagesize(), spare = page - system_pagesize();
  os_to_pages(NULL, &bytes);
  char *p = mmap(hint, bytes + spare, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    *error = os_map_error(GO_EMAP);
    p = NULL;
  } else if (spare > 0) {
    const size_t head = -(uintptr_t)p & (page - 1);
    if (head > 0) munmap(p, head);
    if (head < spare) munmap(p + head + bytes, spare - head);
    p += head;
  }
  errno = saved;
  return p;
}

void os_release(void *addr, size_t bytes) {
  const int saved = errno;
  os_to_pages(addr, &bytes);
  munmap(addr, bytes);
  errno = saved;
}

static int protect(void *addr, size_t bytes, int prot) {
  if (!os_to_pages(addr, &bytes)) return GO_EGUARD;
  const int saved = errno;
  const int code = mprotect(addr, bytes, prot) == 0 ? 0 : os_map_error(GO_EGUARD);
  errno = saved;
  return code;
}

int os_commit(void *addr, size_t bytes) { return protect(addr, bytes, PROT_READ | PROT_WRITE); }

int os_forbid(void *addr, size_t bytes) { return protect(addr, bytes, PROT_NONE); }

int os_stack_commit(void *lo, size_t bytes, bool paged) {
  (void)paged;  // every page is
  return os_commit(lo, bytes);
}

int os_stack_forbid(void *lo, size_t bytes) {
  os_discard(lo, bytes);
  return os_forbid(lo, bytes);
}

int os_stack_shrink(void *lo, size_t bytes) { return os_stack_forbid(lo, bytes); }

uintptr_t os_stack_limit(uintptr_t lo, uintptr_t hi) {
  (void)lo, (void)hi;
  return 0;
}

size_t os_stack_guard_least(void) { return 0; }

void *os_alloc_aligned(size_t align, size_t bytes) { return aligned_alloc(align, bytes); }

void os_free_aligned(void *p) { free(p); }
