// sys/sysctl.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_SYS_SYSCTL_H_
#define STACKLAB_DECLARATIONS_SYS_SYSCTL_H_

#include <sys/types.h>

int sysctlbyname(const char *name, void *old, size_t *old_bytes, void *value, size_t bytes);

#endif
