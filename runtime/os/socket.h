// socket.h: TCP sockets of the operating system; part of the os contract (os.h).  None of these
// blocks, but os_lookup; the descriptors they make are for os_netpoll_open.
//
// Errors are GO_EAGAIN where the call would have to wait, else GO_ESYSTEM - errno.
#ifndef STACKLAB_RUNTIME_OS_SOCKET_H_
#define STACKLAB_RUNTIME_OS_SOCKET_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct os_addr {
  bool v6;
  uint8_t ip[16];  // the first 4 for IPv4; network order
  uint16_t port;
  uint32_t scope;  // interface of a link-local IPv6 address
};

enum { OS_ADDR_BYTES = 64 };  // of a printed address and port, with the final 0

// os_addr_parse reads a numeric address without a port; false: it is a name.  os_addr_print writes
// "1.2.3.4:80" or "[::1]:80", or without the port "1.2.3.4" or "::1".
bool os_addr_parse(const char *text, struct os_addr *out);
void os_addr_print(const struct os_addr *a, bool port, char out[OS_ADDR_BYTES]);

// os_lookup stores up to `most` addresses of a host and returns how many, in the order in which
// they should be tried (getaddrinfo(3)).  service: a port number or a name of /etc/services.
// Blocks, and needs a large stack.  GO_ENOHOST, GO_ENOMEM, GO_ESYSTEM - errno.
int os_lookup(const char *host, const char *service, struct os_addr *out, int most);

// os_tcp_listen makes a listener with SO_REUSEADDR; an IPv6 wildcard takes IPv4 as well.
int os_tcp_listen(const struct os_addr *a, int *fd);
int os_tcp_accept(int listener, int *fd);
// os_tcp_connect begins to connect; os_tcp_connected tells how that went: 0, GO_EAGAIN: not yet.
int os_tcp_connect(const struct os_addr *a, int *fd);
int os_tcp_connected(int fd);
// Bytes done; os_tcp_recv: 0 at the end of the stream.  A peer that is gone raises no signal.
int64_t os_tcp_recv(int fd, void *buffer, size_t bytes);
int64_t os_tcp_send(int fd, const void *buffer, size_t bytes);
int os_tcp_shutdown(int fd, bool read, bool write);
int os_tcp_nodelay(int fd, bool on);
int os_tcp_addr(int fd, bool peer, struct os_addr *out);
void os_tcp_close(int fd);

#ifdef __cplusplus
}
#endif
#endif
