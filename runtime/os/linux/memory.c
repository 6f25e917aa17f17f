// Memory from Linux: mmap(2), mprotect(2), mremap(2), madvise(2).  errno is left as it was, since
// some of this runs in the fault handler.
#include <errno.h>
#include <stdatomic.h>
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

size_t os_pagesize(void) {
  static _Atomic size_t cached;  // every thread would store the same value
  size_t bytes = atomic_load_explicit(&cached, memory_order_relaxed);
  if (bytes == 0) {
    bytes = (size_t)sysconf(_SC_PAGESIZE);
    atomic_store_explicit(&cached, bytes, memory_order_relaxed);
  }
  return bytes;
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
  void *p = mmap(hint, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    *error = map_error(GO_EMAP);
    p = NULL;
  }
  errno = saved;
  return p;
}

void os_release(void *addr, size_t bytes) {
  const int saved = errno;
  munmap(addr, bytes);
  errno = saved;
}

static int protect(void *addr, size_t bytes, int prot) {
  const int saved = errno;
  const int code = mprotect(addr, bytes, prot) == 0 ? 0 : map_error(GO_EGUARD);
  errno = saved;
  return code;
}

int os_commit(void *addr, size_t bytes) { return protect(addr, bytes, PROT_READ | PROT_WRITE); }

int os_forbid(void *addr, size_t bytes) { return protect(addr, bytes, PROT_NONE); }

static int advise(void *addr, size_t bytes, int advice) {
  const int saved = errno;
  const int code = madvise(addr, bytes, advice) == 0 ? 0 : GO_EGUARD;
  errno = saved;
  return code;
}

int os_guard_install(void *addr, size_t bytes) {
  return advise(addr, bytes, LINUX_MADV_GUARD_INSTALL);
}

int os_guard_remove(void *addr, size_t bytes) {
  return advise(addr, bytes, LINUX_MADV_GUARD_REMOVE);
}

bool os_guard_supported(void) {
  static _Atomic int cached;  // 0 unknown, 1 yes, 2 no
  int answer = atomic_load_explicit(&cached, memory_order_relaxed);
  if (answer == 0) {
    int error;
    void *page = os_reserve(NULL, os_pagesize(), OS_ACCESS_READWRITE, &error);
    if (!page) return false;
    const int saved = errno;
    answer = madvise(page, os_pagesize(), LINUX_MADV_GUARD_INSTALL) == 0 ? 1 : 2;
    const bool final = answer == 1 || errno == EINVAL;  // else: short of memory, ask again
    errno = saved;
    os_release(page, os_pagesize());
    if (final) atomic_store_explicit(&cached, answer, memory_order_relaxed);
  }
  return answer == 1;
}

void os_discard(void *addr, size_t bytes) { advise(addr, bytes, MADV_DONTNEED); }

void os_populate(void *addr, size_t bytes) {
  if (advise(addr, bytes, LINUX_MADV_POPULATE_WRITE) == 0) return;
  for (size_t i = 0; i < bytes; i += os_pagesize()) {
    volatile char *page = (volatile char *)addr + i;
    *page = *page;
  }
}

int os_movepages(void *to, void *from, size_t bytes) {
  const int saved = errno;
  int code = 0;
  // DONTUNMAP keeps the old mapping, now empty: the slot stays ours.
  if (mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to) ==
      MAP_FAILED)
    code = map_error(GO_EMAP);
  errno = saved;
  return code;
}
