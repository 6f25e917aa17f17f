// memory.h: what the kernel says of the memory at an address.
#ifndef STACKLAB_TESTS_MEMORY_H_
#define STACKLAB_TESTS_MEMORY_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "runtime/os/os.h"

inline volatile char &Byte(uintptr_t at) { return *reinterpret_cast<volatile char *>(at); }

// Whether the kernel finds the byte accessible: asking grows no stack.
inline bool Accessible(uintptr_t at) {
  static const std::vector<int> ends = [] {
    std::vector<int> fds(2);
    if (pipe(fds.data()) != 0) abort();
    return fds;
  }();
  char c;
  return write(ends[1], reinterpret_cast<void *>(at), 1) == 1 && read(ends[0], &c, 1) == 1;
}

// Bytes of the pages of [lo, hi) that are in memory.  Page by page, since a page that is not mapped
// fails the whole call; so does an inaccessible one in qemu-user.
inline size_t Resident(uintptr_t lo, uintptr_t hi) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  size_t resident = 0;
  for (uintptr_t at = lo / page * page; at < hi; at += page) {
    unsigned char in = 0;
    if (mincore(reinterpret_cast<void *>(at), page, &in) == 0 && (in & 1)) resident += page;
  }
  return resident;
}

// Whether this system moves pages; where it does not, they are copied.
inline bool PagesMove() {
  int error;
  const size_t page = os_pagesize();
  char *two = static_cast<char *>(os_reserve(nullptr, 2 * page, OS_ACCESS_READWRITE, &error));
  const bool moved = os_movepages(two, two + page, page) == 0;
  os_release(two, 2 * page);
  return moved;
}

#endif
