// platform.h: what tests ask of the system beside the runtime, on Windows; see tests/posix.
#ifndef STACKLAB_TESTS_WINDOWS_PLATFORM_H_
#define STACKLAB_TESTS_WINDOWS_PLATFORM_H_

#include <fcntl.h>
#include <io.h>
#include <stdlib.h>

#include <cstddef>
#include <cstdint>
#include <string>

inline void SetEnv(const char *name, const std::string &value) {
  if (_putenv_s(name, value.c_str()) != 0) abort();
}

// Of EXPECT_EXIT: the process has ended itself by abort().
inline bool Aborted(int status) { return status == 3; }

// Bytes of [lo, hi) that are in memory: nobody can tell, the working set is not what has memory.
inline size_t Resident(uintptr_t, uintptr_t) { return 0; }

// Nobody counts those of memory that is new.
inline uint64_t PageFaults() { return 0; }

inline void Pipe(int ends[2]) {
  if (_pipe(ends, 4096, _O_BINARY) != 0) abort();
}

// Bytes that fit in no buffer of the system's.  Under Wine each call of a socket's is one of a
// server that all processes share.
constexpr size_t kLargeStream = 1 << 20;

#endif
