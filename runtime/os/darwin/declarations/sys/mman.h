// sys/mman.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_SYS_MMAN_H_
#define STACKLAB_DECLARATIONS_SYS_MMAN_H_

#include <sys/types.h>

void *mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t offset);
int munmap(void *at, size_t bytes);
int mprotect(void *at, size_t bytes, int prot);

#define PROT_NONE 0
#define PROT_READ 1
#define PROT_WRITE 2
#define MAP_PRIVATE 0x0002
#define MAP_FIXED 0x0010
#define MAP_NORESERVE 0x0040
#define MAP_ANON 0x1000
#define MAP_ANONYMOUS MAP_ANON
#define MAP_FAILED ((void *)-1)

#endif
