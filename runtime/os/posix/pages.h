// pages.h: what the parts of a system's memory share, and what posix/memory.c asks of it.
#ifndef STACKLAB_RUNTIME_OS_POSIX_PAGES_H_
#define STACKLAB_RUNTIME_OS_POSIX_PAGES_H_

#include <stdbool.h>
#include <stddef.h>

// os_to_pages rounds a length up to pages; false: addr is not at the beginning of one.
bool os_to_pages(const void *addr, size_t *bytes);

// os_touch_pages makes pages resident by writing to each what is there.
void os_touch_pages(void *addr, size_t bytes);

// os_map_error returns GO_EMAPCOUNT if errno says that the process may have no more mappings, which
// is the system's to know; else `otherwise`.
int os_map_error(int otherwise);

#endif
