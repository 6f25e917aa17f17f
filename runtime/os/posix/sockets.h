// sockets.h: what posix/socket.c asks of the system: sockets that do not block, that no child
// inherits, and whose peer may go without a signal.
#ifndef STACKLAB_RUNTIME_OS_POSIX_SOCKETS_H_
#define STACKLAB_RUNTIME_OS_POSIX_SOCKETS_H_

// A descriptor, or -1 with errno set.
int os_socket_open(int family);  // a stream
int os_socket_accept(int listener);

extern const int os_socket_send_flags;  // for send(2)

#endif
