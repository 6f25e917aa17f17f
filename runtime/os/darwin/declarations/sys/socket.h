// sys/socket.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_SYS_SOCKET_H_
#define STACKLAB_DECLARATIONS_SYS_SOCKET_H_

#include <sys/types.h>

struct sockaddr {
  uint8_t sa_len, sa_family;
  char sa_data[14];
};

int socket(int family, int type, int protocol);
int bind(int fd, const struct sockaddr *address, socklen_t bytes);
int listen(int fd, int backlog);
int accept(int fd, struct sockaddr *address, socklen_t *bytes);
int connect(int fd, const struct sockaddr *address, socklen_t bytes);
int getpeername(int fd, struct sockaddr *address, socklen_t *bytes);
int getsockname(int fd, struct sockaddr *address, socklen_t *bytes);
int getsockopt(int fd, int level, int option, void *value, socklen_t *bytes);
int setsockopt(int fd, int level, int option, const void *value, socklen_t bytes);
ssize_t recv(int fd, void *buffer, size_t bytes, int flags);
ssize_t send(int fd, const void *buffer, size_t bytes, int flags);
int shutdown(int fd, int how);

#define AF_INET 2
#define AF_INET6 30
#define SOCK_STREAM 1
#define SOL_SOCKET 0xffff
#define SO_REUSEADDR 0x0004
#define SO_ERROR 0x1007
#define SO_NOSIGPIPE 0x1022
#define SOMAXCONN 128
#define SHUT_RD 0
#define SHUT_WR 1
#define SHUT_RDWR 2

#endif
