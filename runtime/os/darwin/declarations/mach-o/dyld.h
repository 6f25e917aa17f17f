// mach-o/dyld.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_MACH_O_DYLD_H_
#define STACKLAB_DECLARATIONS_MACH_O_DYLD_H_

#include <stdint.h>

struct mach_header;
const struct mach_header *_dyld_get_image_header(uint32_t index);

#endif
