// netpoll.h: what the sockets of Windows tell its poller.
#ifndef STACKLAB_RUNTIME_OS_WINDOWS_NETPOLL_H_
#define STACKLAB_RUNTIME_OS_WINDOWS_NETPOLL_H_

#include <stdbool.h>
#include <stdint.h>

// os_netpoll_arm asks for one event of fd, of OS_POLLIN or OS_POLLOUT: when it is ready, or at once
// if it is.  Whoever has found it not ready calls this, before he waits.  Nothing, if that has been
// asked already, or if fd is not watched.
void os_netpoll_arm(int fd, uint32_t mode);

// os_netpoll_post makes such an event, whatever fd is.
void os_netpoll_post(int fd, uint32_t mode);

// os_netpoll_end notes that a listener is to accept nobody any more, as shutdown(2) has it, and
// os_netpoll_ended tells: Winsock has no such thing.
void os_netpoll_end(int fd);
bool os_netpoll_ended(int fd);

#endif
