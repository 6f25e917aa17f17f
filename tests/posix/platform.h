// platform.h: what tests ask of the system beside the runtime; tests/windows has the same.
#ifndef STACKLAB_TESTS_POSIX_PLATFORM_H_
#define STACKLAB_TESTS_POSIX_PLATFORM_H_

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

inline void SetEnv(const char *name, const std::string &value) {
  if (setenv(name, value.c_str(), 1) != 0) abort();
}

// Of EXPECT_EXIT: the process has ended itself by abort().
inline bool Aborted(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT; }

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

// Bytes of addresses that the process has mapped.
inline size_t AddressSpace() {
  size_t pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (!f || fscanf(f, "%zu", &pages) != 1) abort();
  fclose(f);
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// Pages that the process has got since it began; 0: nobody counts.
inline uint64_t PageFaults() {
  struct rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) != 0) abort();
  return static_cast<uint64_t>(usage.ru_minflt);
}

inline void Pipe(int ends[2]) {
  if (pipe(ends) != 0) abort();
}

constexpr size_t kLargeStream = 8 << 20;  // bytes that fit in no buffer of the system's

#endif
