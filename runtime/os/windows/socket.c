// TCP sockets on Windows: Winsock 2.
#include "runtime/os/socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
#include "runtime/go.h"
#include "runtime/os/os.h"
#include "runtime/os/windows/errno.h"
#include "runtime/os/windows/netpoll.h"

// A SOCKET is a handle, of which 32 bits count (learn.microsoft.com, "Interprocess Communication
// Between 32-bit and 64-bit Applications"): a descriptor is one.

union sockaddr_any {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

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

static int to_system(const struct os_addr *a, union sockaddr_any *out) {
  *out = (union sockaddr_any){0};
  if (a->v6) {
    out->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(a->port)};
    out->v6.sin6_scope_id = a->scope;
    memcpy(&out->v6.sin6_addr, a->ip, 16);
    return sizeof out->v6;
  }
  out->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(a->port)};
  memcpy(&out->v4.sin_addr, a->ip, 4);
  return sizeof out->v4;
}

static struct os_addr from_system(const union sockaddr_any *s) {
  struct os_addr a = {.v6 = s->any.sa_family == AF_INET6};
  if (a.v6) {
    memcpy(a.ip, &s->v6.sin6_addr, 16);
    a.port = ntohs(s->v6.sin6_port);
    a.scope = s->v6.sin6_scope_id;
  } else {
    memcpy(a.ip, &s->v4.sin_addr, 4);
    a.port = ntohs(s->v4.sin_port);
  }
  return a;
}

bool os_addr_parse(const char *text, struct os_addr *out) {
  start_once();
  *out = (struct os_addr){0};
  if (inet_pton(AF_INET, text, out->ip) == 1) return true;
  out->v6 = true;
  return inet_pton(AF_INET6, text, out->ip) == 1;
}

void os_addr_print(const struct os_addr *a, bool port, char out[OS_ADDR_BYTES]) {
  char ip[INET6_ADDRSTRLEN];
  start_once();
  inet_ntop(a->v6 ? AF_INET6 : AF_INET, a->ip, ip, sizeof ip);
  if (port)
    snprintf(out, OS_ADDR_BYTES, a->v6 ? "[%s]:%u" : "%s:%u", ip, a->port);
  else
    snprintf(out, OS_ADDR_BYTES, "%s", ip);
}

int os_lookup(const char *host, const char *service, struct os_addr *out, int most) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
  struct addrinfo *list;
  start_once();
  const int answer = getaddrinfo(host, service, &hints, &list);
  if (answer == EAI_MEMORY) return GO_ENOMEM;
  if (answer != 0) return GO_ENOHOST;
  int n = 0;
  for (const struct addrinfo *i = list; i && n < most; i = i->ai_next) {
    union sockaddr_any s = {0};
    if (i->ai_addrlen > sizeof s) continue;
    memcpy(&s, i->ai_addr, i->ai_addrlen);
    if (s.any.sa_family == AF_INET || s.any.sa_family == AF_INET6) out[n++] = from_system(&s);
  }
  freeaddrinfo(list);
  return n > 0 ? n : GO_ENOHOST;
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
