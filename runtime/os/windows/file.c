// Reading and writing on Windows, by the C library's descriptors and the system's calls.
#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <sys/stat.h>
#include <windows.h>
#include "runtime/go.h"
#include "runtime/os/os.h"
#include "runtime/os/windows/errno.h"

// The most that one call takes: a DWORD, in whole pages.
enum { MOST_BYTES = 1 << 30 };

// An explicit offset moves the file's own position in Windows: it is put back, which another thread
// can see that uses it meanwhile.
static int64_t transfer(int fd, void *buffer, size_t bytes, int64_t offset, bool write) {
  const HANDLE file = (HANDLE)_get_osfhandle(fd);
  if (file == INVALID_HANDLE_VALUE) return GO_ESYSTEM - EBADF;
  const DWORD ask = bytes < MOST_BYTES ? (DWORD)bytes : MOST_BYTES;
  const LARGE_INTEGER none = {.QuadPart = 0};
  LARGE_INTEGER before;
  OVERLAPPED at = {.Offset = (DWORD)offset, .OffsetHigh = (DWORD)(offset >> 32)};
  if (offset >= 0 && !SetFilePointerEx(file, none, &before, FILE_CURRENT))
    return GO_ESYSTEM - ESPIPE;
  DWORD n = 0;
  OVERLAPPED *const where = offset >= 0 ? &at : NULL;
  const bool done = write ? WriteFile(file, buffer, ask, &n, where)
                          : ReadFile(file, buffer, ask, &n, where);
  const DWORD error = done ? ERROR_SUCCESS : GetLastError();
  if (offset >= 0) SetFilePointerEx(file, before, NULL, FILE_BEGIN);
  // The end of a file, and of a pipe that nobody writes to, are no errors of read(2).
  if (error == ERROR_HANDLE_EOF || (!write && error == ERROR_BROKEN_PIPE)) return 0;
  return error ? GO_ESYSTEM - os_errno_of(error) : (int64_t)n;
}

int64_t os_read(int fd, void *buffer, size_t bytes, int64_t offset) {
  return transfer(fd, buffer, bytes, offset, false);
}

int64_t os_write(int fd, const void *buffer, size_t bytes, int64_t offset) {
  return transfer(fd, (void *)buffer, bytes, offset, true);
}

int os_create(const char *path) {
  const int fd = _open(path, _O_WRONLY | _O_CREAT | _O_TRUNC | _O_BINARY | _O_NOINHERIT,
                       _S_IREAD | _S_IWRITE);
  return fd >= 0 ? fd : GO_ESYSTEM - errno;
}

void os_close(int fd) { _close(fd); }
