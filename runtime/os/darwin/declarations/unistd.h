// unistd.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_UNISTD_H_
#define STACKLAB_DECLARATIONS_UNISTD_H_

#include <sys/types.h>

ssize_t read(int fd, void *buffer, size_t bytes);
ssize_t write(int fd, const void *buffer, size_t bytes);
ssize_t pread(int fd, void *buffer, size_t bytes, off_t offset);
ssize_t pwrite(int fd, const void *buffer, size_t bytes, off_t offset);
int close(int fd);
long sysconf(int name);
_Noreturn void _exit(int status);

#define STDERR_FILENO 2
#define _SC_PAGESIZE 29
#define _SC_NPROCESSORS_ONLN 58

#endif
