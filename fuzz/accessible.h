// accessible.h: accessible_posix.c, accessible_windows.c.
#ifndef STACKLAB_FUZZ_ACCESSIBLE_H_
#define STACKLAB_FUZZ_ACCESSIBLE_H_

#include <stdbool.h>
#include <stdint.h>

// accessible tells whether the byte at an address can be read, without a fault where it cannot.
bool accessible(uintptr_t at);

#endif
