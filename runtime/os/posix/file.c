// Reading and writing: read(2), write(2) and their kin.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "runtime/go.h"
#include "runtime/os/os.h"

int64_t os_read(int fd, void *buffer, size_t bytes, int64_t offset) {
  ssize_t n;
  do {
    n = offset < 0 ? read(fd, buffer, bytes) : pread(fd, buffer, bytes, offset);
  } while (n < 0 && errno == EINTR);
  return n >= 0 ? n : GO_ESYSTEM - errno;
}

int64_t os_write(int fd, const void *buffer, size_t bytes, int64_t offset) {
  ssize_t n;
  do {
    n = offset < 0 ? write(fd, buffer, bytes) : pwrite(fd, buffer, bytes, offset);
  } while (n < 0 && errno == EINTR);
  return n >= 0 ? n : GO_ESYSTEM - errno;
}

int os_create(const char *path) {
  int fd;
  do {
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  } while (fd < 0 && errno == EINTR);
  return fd >= 0 ? fd : GO_ESYSTEM - errno;
}

void os_close(int fd) { close(fd); }
