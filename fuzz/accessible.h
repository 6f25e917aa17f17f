// accessible.h: what the system says of an address.
#ifndef STACKLAB_FUZZ_ACCESSIBLE_H_
#define STACKLAB_FUZZ_ACCESSIBLE_H_

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// accessible tells whether the byte at that address can be read.  Asking changes nothing.
bool accessible(uintptr_t at);

#ifdef __cplusplus
}
#endif
#endif
