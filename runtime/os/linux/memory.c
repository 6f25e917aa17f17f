// Memory from Linux: mmap(2), mprotect(2), mremap(2), madvise(2).  errno is left as it was, since
// some of this runs in the fault handler.
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "runtime/go.h"
#include "runtime/os/os.h"

// Newer than Debian 12's headers; values from include/uapi/asm-generic/mman-common.h.
enum {
  LINUX_MADV_POPULATE_WRITE = 23,  // Linux 5.14
  LINUX_MADV_GUARD_INSTALL = 102,  // Linux 6.13
  LINUX_MADV_GUARD_REMOVE = 103,
};

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
static bool to_pages(const void *addr, size_t *bytes) {
  const size_t page = os_pagesize();
  *bytes = (*bytes + page - 1) & ~(page - 1);
  return (uintptr_t)addr % page == 0;
}

// mmap, mprotect and mremap say ENOMEM both when memory is short and when the process has
// vm.max_map_count mappings (mmap(2)).  They differ in this: at the limit a mapping cannot be
// split in three, however small it is.
static int map_error(int otherwise) {
  if (errno != ENOMEM) return otherwise;
  const size_t page = os_pagesize();
  char *probe = mmap(NULL, 3 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED) return GO_EMAPCOUNT;
  const bool splits = mprotect(probe + page, page, PROT_NONE) == 0;
  munmap(probe, 3 * page);
  return splits ? otherwise : GO_EMAPCOUNT;
}

void *os_reserve(void *hint, size_t bytes, enum os_access access, int *error) {
  const int saved = errno;
  const int prot = access == OS_ACCESS_READWRITE ? PROT_READ | PROT_WRITE : PROT_NONE;
  const size_t page = os_pagesize(), spare = page - system_pagesize();
  to_pages(NULL, &bytes);
  char *p = mmap(hint, bytes + spare, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    *error = map_error(GO_EMAP);
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
  to_pages(addr, &bytes);
  munmap(addr, bytes);
  errno = saved;
}

static int protect(void *addr, size_t bytes, int prot) {
  if (!to_pages(addr, &bytes)) return GO_EGUARD;
  const int saved = errno;
  const int code = mprotect(addr, bytes, prot) == 0 ? 0 : map_error(GO_EGUARD);
  errno = saved;
  return code;
}

int os_commit(void *addr, size_t bytes) { return protect(addr, bytes, PROT_READ | PROT_WRITE); }

int os_forbid(void *addr, size_t bytes) { return protect(addr, bytes, PROT_NONE); }

int os_stack_commit(void *lo, size_t bytes, bool paged) {
  (void)paged;  // every page is
  return os_commit(lo, bytes);
}

int os_stack_forbid(void *lo, size_t bytes) { return os_forbid(lo, bytes); }

int os_stack_shrink(void *lo, size_t bytes) { return os_forbid(lo, bytes); }

uintptr_t os_stack_limit(uintptr_t lo, uintptr_t hi) {
  (void)lo, (void)hi;
  return 0;
}

size_t os_stack_guard_least(void) { return 0; }

void *os_alloc_aligned(size_t align, size_t bytes) { return aligned_alloc(align, bytes); }

void os_free_aligned(void *p) { free(p); }

static int advise(void *addr, size_t bytes, int advice) {
  if (!to_pages(addr, &bytes)) return GO_EGUARD;
  const int saved = errno;
  const int code = madvise(addr, bytes, advice) == 0 ? 0 : GO_EGUARD;
  errno = saved;
  return code;
}

bool os_guard_supported(void) {
  static _Atomic int cached;  // 0 unknown, 1 yes, 2 no
  int answer = atomic_load_explicit(&cached, memory_order_relaxed);
  if (answer == 0) {
    int error;
    void *page = os_reserve(NULL, os_pagesize(), OS_ACCESS_READWRITE, &error);
    if (!page) return false;
    const int saved = errno;
    const bool said = madvise(page, os_pagesize(), LINUX_MADV_GUARD_INSTALL) == 0;
    const bool final = said || errno == EINVAL;  // else: short of memory, ask again
    // qemu-user says yes to any advice and does nothing.
    answer = said && access(page, F_OK) == -1 && errno == EFAULT ? 1 : 2;
    errno = saved;
    os_release(page, os_pagesize());
    if (final) atomic_store_explicit(&cached, answer, memory_order_relaxed);
  }
  return answer == 1;
}

int os_guard_install(void *addr, size_t bytes) {
  return os_guard_supported() ? advise(addr, bytes, LINUX_MADV_GUARD_INSTALL) : GO_EGUARD;
}

int os_guard_remove(void *addr, size_t bytes) {
  return advise(addr, bytes, LINUX_MADV_GUARD_REMOVE);
}

void os_discard(void *addr, size_t bytes) { advise(addr, bytes, MADV_DONTNEED); }

void os_populate(void *addr, size_t bytes) {
  if (advise(addr, bytes, LINUX_MADV_POPULATE_WRITE) == 0) return;
  for (size_t i = 0; i < bytes; i += os_pagesize()) {
    volatile char *page = (volatile char *)addr + i;
    *page = *page;
  }
}

// DONTUNMAP keeps the old mapping, now empty: the slot stays ours.  Linux 5.7.
static bool move_pages(void *to, void *from, size_t bytes) {
  return mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to) !=
         MAP_FAILED;
}

// qemu-user moves the pages and then takes the old place for unmapped.
static bool moves_pages(void) {
  static _Atomic int cached;  // 0 unknown, 1 yes, 2 no
  int answer = atomic_load_explicit(&cached, memory_order_relaxed);
  if (answer == 0) {
    int error;
    const size_t page = os_pagesize();
    char *two = os_reserve(NULL, 2 * page, OS_ACCESS_READWRITE, &error);
    if (!two) return true;  // ask again
    answer = move_pages(two, two + page, page) && access(two + page, F_OK) == -1 && errno == EFAULT
                 ? 2 : 1;
    os_release(two, 2 * page);
    atomic_store_explicit(&cached, answer, memory_order_relaxed);
  }
  return answer == 1;
}

int os_movepages(void *to, void *from, size_t bytes) {
  if (!to_pages(from, &bytes) || !to_pages(to, &bytes)) return GO_EMAP;
  const int saved = errno;
  const int code = !moves_pages() ? GO_EMAP : move_pages(to, from, bytes) ? 0 : map_error(GO_EMAP);
  errno = saved;
  return code;
}
