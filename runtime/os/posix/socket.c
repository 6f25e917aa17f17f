// TCP sockets: tcp(7), ip(7), ipv6(7) of Linux; tcp(4), ip(4), ip6(4) of macOS.
#include "runtime/os/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include "runtime/go.h"
#include "runtime/os/posix/sockets.h"
#include "runtime/os/sockaddr.h"

static int failure(void) {
  return errno == EAGAIN || errno == EWOULDBLOCK ? GO_EAGAIN : GO_ESYSTEM - errno;
}

// ---- Addresses -------------------------------------------------------------------------------

bool os_addr_parse(const char *text, struct os_addr *out) { return addr_parse(text, out); }

void os_addr_print(const struct os_addr *a, bool port, char out[OS_ADDR_BYTES]) {
  addr_print(a, port, out);
}

int os_lookup(const char *host, const char *service, struct os_addr *out, int most) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
  struct addrinfo *list;
  const int answer = getaddrinfo(host, service, &hints, &list);
  if (answer == EAI_SYSTEM) return GO_ESYSTEM - errno;
  if (answer == EAI_MEMORY) return GO_ENOMEM;
  if (answer != 0) return GO_ENOHOST;
  const int n = found(list, out, most);
  freeaddrinfo(list);
  return n;
}

// ---- Sockets ---------------------------------------------------------------------------------

static int tcp_socket(const struct os_addr *a) {
  return os_socket_open(a->v6 ? AF_INET6 : AF_INET);
}

static int set(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value);
}

int os_tcp_listen(const struct os_addr *a, int *fd) {
  union sockaddr_any s;
  const socklen_t bytes = to_system(a, &s);
  const int made = tcp_socket(a);
  if (made < 0) return failure();
  if (set(made, SOL_SOCKET, SO_REUSEADDR, 1) != 0 ||
      (a->v6 && set(made, IPPROTO_IPV6, IPV6_V6ONLY, 0) != 0) ||
      bind(made, &s.any, bytes) != 0 || listen(made, SOMAXCONN) != 0) {
    const int error = failure();
    close(made);
    return error;
  }
  *fd = made;
  return 0;
}

int os_tcp_accept(int listener, int *fd) {
  for (;;) {
    *fd = os_socket_accept(listener);
    if (*fd >= 0) return 0;
    // accept(2): errors of the new connection are passed on; the next may be sound.
    if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO) return failure();
  }
}

int os_tcp_connect(const struct os_addr *a, int *fd) {
  union sockaddr_any s;
  const socklen_t bytes = to_system(a, &s);
  const int made = tcp_socket(a);
  if (made < 0) return failure();
  if (connect(made, &s.any, bytes) != 0 && errno != EINPROGRESS && errno != EINTR) {
    const int error = GO_ESYSTEM - errno;  // EAGAIN: no local port is free
    close(made);
    return error;
  }
  *fd = made;
  return 0;
}

int os_tcp_connected(int fd) {
  int error;
  socklen_t bytes = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0) return failure();
  if (error) return GO_ESYSTEM - error;
  union sockaddr_any s;
  bytes = sizeof s;
  if (getpeername(fd, &s.any, &bytes) == 0) return 0;
  return errno == ENOTCONN ? GO_EAGAIN : failure();
}

int64_t os_tcp_recv(int fd, void *buffer, size_t bytes) {
  ssize_t n;
  do n = recv(fd, buffer, bytes, 0);
  while (n < 0 && errno == EINTR);
  return n >= 0 ? n : failure();
}

int64_t os_tcp_send(int fd, const void *buffer, size_t bytes) {
  ssize_t n;
  do n = send(fd, buffer, bytes, os_socket_send_flags);
  while (n < 0 && errno == EINTR);
  return n >= 0 ? n : failure();
}

int os_tcp_shutdown(int fd, bool read, bool write) {
  if (!read && !write) return 0;
  const int how = read && write ? SHUT_RDWR : read ? SHUT_RD : SHUT_WR;
  return shutdown(fd, how) == 0 ? 0 : failure();
}

int os_tcp_nodelay(int fd, bool on) {
  return set(fd, IPPROTO_TCP, TCP_NODELAY, on) == 0 ? 0 : failure();
}

int os_tcp_addr(int fd, bool peer, struct os_addr *out) {
  union sockaddr_any s;
  socklen_t bytes = sizeof s;
  if ((peer ? getpeername : getsockname)(fd, &s.any, &bytes) != 0) return failure();
  *out = from_system(&s);
  return 0;
}

void os_tcp_close(int fd) { close(fd); }
