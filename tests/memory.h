// memory.h: what the kernel says of the memory at an address.
#ifndef STACKLAB_TESTS_MEMORY_H_
#define STACKLAB_TESTS_MEMORY_H_

#include <cstddef>
#include <cstdint>

#include "platform.h"
#include "runtime/os/os.h"

inline volatile char &Byte(uintptr_t at) { return *reinterpret_cast<volatile char *>(at); }

// Rounded up to whole pages: what the system gives, takes and guards.
inline size_t WholePages(size_t bytes) {
  const size_t page = os_pagesize();
  return (bytes + page - 1) / page * page;
}

// Writes to all pages of [lo, hi), which begins with one, such that they are in memory to the end
// of the last, however small those of the system are.
inline void FillPages(uintptr_t lo, uintptr_t hi, char value) {
  for (uintptr_t at = lo; at < lo + WholePages(hi - lo); at += 4096) Byte(at) = value;
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
