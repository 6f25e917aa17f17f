// Memory from Linux, beside posix/memory.c: mremap(2), madvise(2).
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>
#include "runtime/go.h"
#include "runtime/os/os.h"
#include "runtime/os/posix/pages.h"

// Newer than Debian 12's headers; values from include/uapi/asm-generic/mman-common.h.
enum {
  LINUX_MADV_POPULATE_WRITE = 23,  // Linux 5.14
  LINUX_MADV_GUARD_INSTALL = 102,  // Linux 6.13
  LINUX_MADV_GUARD_REMOVE = 103,
};

// mmap, mprotect and mremap say ENOMEM both when memory is short and when the process has
// vm.max_map_count mappings (mmap(2)).  They differ in this: at the limit a mapping cannot be
// split in three, however small it is.
int os_map_error(int otherwise) {
  if (errno != ENOMEM) return otherwise;
  const size_t page = os_pagesize();
  char *probe = mmap(NULL, 3 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED) return GO_EMAPCOUNT;
  const bool splits = mprotect(probe + page, page, PROT_NONE) == 0;
  munmap(probe, 3 * page);
  return splits ? otherwise : GO_EMAPCOUNT;
}

static int advise(void *addr, size_t bytes, int advice) {
  if (!os_to_pages(addr, &bytes)) return GO_EGUARD;
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
  os_touch_pages(addr, bytes);
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
  if (!os_to_pages(from, &bytes) || !os_to_pages(to, &bytes)) return GO_EMAP;
  const int saved = errno;
  int code = GO_EMAP;
  if (moves_pages()) code = move_pages(to, from, bytes) ? 0 : os_map_error(GO_EMAP);
  errno = saved;
  return code;
}
