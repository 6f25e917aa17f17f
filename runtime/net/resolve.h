// resolve.h: from "host:port" to addresses.
#ifndef STACKLAB_RUNTIME_NET_RESOLVE_H_
#define STACKLAB_RUNTIME_NET_RESOLVE_H_

#include "runtime/os/socket.h"

enum { RT_RESOLVE_MOST = 16 };

// rt_resolve_address stores the addresses of "host:port", at most RT_RESOLVE_MOST, and returns how
// many.  Goroutine; parks for names.  GO_EINVAL, GO_ENOHOST, GO_ENOMEM, GO_ESYSTEM - errno.
int rt_resolve_address(const char *address, struct os_addr *out);

#endif
