// memory.h: what the kernel says of the memory at an address.
#ifndef STACKLAB_TESTS_MEMORY_H_
#define STACKLAB_TESTS_MEMORY_H_

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
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

// Bytes of [lo, hi), whole pages, that are in memory.
inline size_t Resident(uintptr_t lo, uintptr_t hi) {
  const size_t page = os_pagesize();
  std::vector<unsigned char> in((hi - lo) / page);
  if (mincore(reinterpret_cast<void *>(lo), hi - lo, in.data()) != 0) abort();
  return page * static_cast<size_t>(
                    std::count_if(in.begin(), in.end(), [](unsigned char c) { return c & 1; }));
}

#endif
