// What of sockets differs on macOS: no socket begins without blocking, and none forgoes SIGPIPE by
// a flag of send(2).  Descriptors leak into a child that another thread starts between two calls.
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "runtime/os/posix/sockets.h"

const int os_socket_send_flags = 0;

// Closes fd if it cannot be made as it is to be.
static int prepare(int fd) {
  const int on = 1;
  if (fd < 0) return fd;
  const int flags = fcntl(fd, F_GETFL);
  if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
      fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
      setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on) == 0)
    return fd;
  const int saved = errno;
  close(fd);
  errno = saved == EINVAL ? ECONNABORTED : saved;  // setsockopt(2): the peer is gone already
  return -1;
}

int os_socket_open(int family) { return prepare(socket(family, SOCK_STREAM, 0)); }

int os_socket_accept(int listener) { return prepare(accept(listener, NULL, NULL)); }
