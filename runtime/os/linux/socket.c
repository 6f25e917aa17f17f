// What of sockets differs on Linux: one call makes them as they are to be.
#include <stddef.h>
#include <sys/socket.h>
#include "runtime/os/posix/sockets.h"

const int os_socket_send_flags = MSG_NOSIGNAL;

int os_socket_open(int family) {
  return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int os_socket_accept(int listener) {
  return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
