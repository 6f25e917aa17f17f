// mach-o/getsect.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_MACH_O_GETSECT_H_
#define STACKLAB_DECLARATIONS_MACH_O_GETSECT_H_

#include <stdint.h>

struct mach_header_64;
uint8_t *getsectiondata(const struct mach_header_64 *header, const char *segment,
                        const char *section, unsigned long *bytes);

#endif
