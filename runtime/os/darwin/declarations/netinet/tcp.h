// netinet/tcp.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_NETINET_TCP_H_
#define STACKLAB_DECLARATIONS_NETINET_TCP_H_

#define TCP_NODELAY 1

#endif
