// fcntl.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_FCNTL_H_
#define STACKLAB_DECLARATIONS_FCNTL_H_

#include <sys/types.h>

int open(const char *path, int flags, ...);
int fcntl(int fd, int command, ...);

#define O_WRONLY 0x0001
#define O_NONBLOCK 0x0004
#define O_CREAT 0x0200
#define O_TRUNC 0x0400
#define O_CLOEXEC 0x01000000
#define F_SETFD 2
#define F_GETFL 3
#define F_SETFL 4
#define FD_CLOEXEC 1

#endif
