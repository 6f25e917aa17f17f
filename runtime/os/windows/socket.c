// TCP sockets on Windows: Winsock 2.
#include "runtime/os/socket.h"

#include <errno.h>
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
#include "runtime/go.h"
#include "runtime/os/os.h"
#include "runtime/os/sockaddr.h"
#include "runtime/os/windows/errno.h"
#include "runtime/os/windows/netpoll.h"

// A SOCKET is a handle, of which 32 bits count (learn.microsoft.com, "Interprocess Communication
// Between 32-bit and 64-bit Applications"): a descriptor is one.

static BOOL CALLBACK start(INIT_ONCE *once, void *unused, void **context) {
  WSADATA data;
  (void)once, (void)unused, (void)context;
  return WSAStartup(MAKEWORD(2, 2), &data) == 0;
}

static void start_once(void) {
  static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
  InitOnceExecuteOnce(&once, start, NULL, NULL);
}

static int failure(void) {
  const int error = WSAGetLastError();
  return error == WSAEWOULDBLOCK ? GO_EAGAIN : GO_ESYSTEM - os_errno_of((unsigned long)error);
}

// The same, where the caller is going to wait for fd then.
static int failure_of(int fd, uint32_t mode) {
  const int error = failure();
  if (error == GO_EAGAIN) os_netpoll_arm(fd, mode);
  return error;
}

// ---- Addresses -------------------------------------------------------------------------------

bool os_addr_parse(const char *text, struct os_addr *out) {
  start_once();
  return addr_parse(text, out);
}

void os_addr_print(const struct os_addr *a, bool port, char out[OS_ADDR_BYTES]) {
  start_once();
  addr_print(a, port, out);
}

int os_lookup(const char *host, const char *service, struct os_addr *out, int most) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
  struct addrinfo *list;
  start_once();
  const int answer = getaddrinfo(host, service, &hints, &list);
  if (answer == EAI_MEMORY) return GO_ENOMEM;
  if (answer != 0) return GO_ENOHOST;
  const int n = found(list, out, most);
  freeaddrinfo(list);
  return n;
}

// ---- Sockets ---------------------------------------------------------------------------------

static bool set(SOCKET s, int level, int option, int value) {
  return setsockopt(s, level, option, (const char *)&value, sizeof value) == 0;
}

// Makes s what all sockets here are; false: WSAGetLastError tells.
static bool settle(SOCKET s) {
  u_long on = 1;
  SetHandleInformation((HANDLE)s, HANDLE_FLAG_INHERIT, 0);
  return ioctlsocket(s, FIONBIO, &on) == 0;
}

static int shut(SOCKET s) {
  const int error = failure();
  closesocket(s);
  return error;
}

static int tcp_socket(const struct os_addr *a, SOCKET *out) {
  start_once();
  *out = WSASocketW(a->v6 ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                    WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
  if (*out == INVALID_SOCKET) return failure();
  return settle(*out) ? 0 : shut(*out);
}

// What SO_REUSEADDR is for elsewhere is so without it; here it would let others take the port.
int os_tcp_listen(const struct os_addr *a, int *fd) {
  union sockaddr_any at;
  const int bytes = to_system(a, &at);
  SOCKET s;
  const int error = tcp_socket(a, &s);
  if (error) return error;
  if (!set(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1) ||
      (a->v6 && !set(s, IPPROTO_IPV6, IPV6_V6ONLY, 0)) || bind(s, &at.any, bytes) != 0 ||
      listen(s, SOMAXCONN) != 0)
    return shut(s);
  *fd = (int)s;
  return 0;
}

int os_tcp_accept(int listener, int *fd) {
  for (;;) {
    if (os_netpoll_ended(listener)) return GO_ESYSTEM - EINVAL;
    const SOCKET s = accept((SOCKET)listener, NULL, NULL);
    if (s == INVALID_SOCKET) {
      // The connection has gone again; the next may be sound.
      if (WSAGetLastError() == WSAECONNRESET) continue;
      return failure_of(listener, OS_POLLIN);
    }
    if (!settle(s)) return shut(s);
    *fd = (int)s;
    return 0;
  }
}

int os_tcp_connect(const struct os_addr *a, int *fd) {
  union sockaddr_any to;
  const int bytes = to_system(a, &to);
  SOCKET s;
  const int error = tcp_socket(a, &s);
  if (error) return error;
  if (connect(s, &to.any, bytes) != 0 && WSAGetLastError() != WSAEWOULDBLOCK) return shut(s);
  *fd = (int)s;
  return 0;
}

int os_tcp_connected(int fd) {
  int error;
  int bytes = sizeof error;
  if (getsockopt((SOCKET)fd, SOL_SOCKET, SO_ERROR, (char *)&error, &bytes) != 0) return failure();
  if (error) return GO_ESYSTEM - os_errno_of((unsigned long)error);
  union sockaddr_any s;
  bytes = sizeof s;
  if (getpeername((SOCKET)fd, &s.any, &bytes) == 0) return 0;
  if (WSAGetLastError() != WSAENOTCONN) return failure();
  os_netpoll_arm(fd, OS_POLLOUT);
  return GO_EAGAIN;
}

static int at_most(size_t bytes) { return bytes < INT32_MAX ? (int)bytes : INT32_MAX; }

int64_t os_tcp_recv(int fd, void *buffer, size_t bytes) {
  const int n = recv((SOCKET)fd, buffer, at_most(bytes), 0);
  // It has what there was, and may wait next without asking again.
  if (n > 0 && (size_t)n < bytes) os_netpoll_arm(fd, OS_POLLIN);
  if (n >= 0) return n;
  return WSAGetLastError() == WSAESHUTDOWN ? 0 : failure_of(fd, OS_POLLIN);
}

int64_t os_tcp_send(int fd, const void *buffer, size_t bytes) {
  const int n = send((SOCKET)fd, buffer, at_most(bytes), 0);
  return n >= 0 ? n : failure_of(fd, OS_POLLOUT);
}

static bool listens(SOCKET s) {
  BOOL answer = FALSE;
  int bytes = sizeof answer;
  return getsockopt(s, SOL_SOCKET, SO_ACCEPTCONN, (char *)&answer, &bytes) == 0 && answer;
}

// Who waits to read learns of it; the driver would not say.
int os_tcp_shutdown(int fd, bool read, bool write) {
  if (!read && !write) return 0;
  if (read && listens((SOCKET)fd)) {
    os_netpoll_end(fd);
    return 0;
  }
  const int how = read && write ? SD_BOTH : read ? SD_RECEIVE : SD_SEND;
  if (shutdown((SOCKET)fd, how) != 0) return failure();
  if (read) os_netpoll_post(fd, OS_POLLIN);
  if (write) os_netpoll_post(fd, OS_POLLOUT);
  return 0;
}

int os_tcp_nodelay(int fd, bool on) {
  return set((SOCKET)fd, IPPROTO_TCP, TCP_NODELAY, on) ? 0 : failure();
}

int os_tcp_addr(int fd, bool peer, struct os_addr *out) {
  union sockaddr_any s;
  int bytes = sizeof s;
  if ((peer ? getpeername : getsockname)((SOCKET)fd, &s.any, &bytes) != 0) return failure();
  *out = from_system(&s);
  return 0;
}

void os_tcp_close(int fd) { closesocket((SOCKET)fd); }
