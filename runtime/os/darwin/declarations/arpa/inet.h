// arpa/inet.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_ARPA_INET_H_
#define STACKLAB_DECLARATIONS_ARPA_INET_H_

#include <netinet/in.h>

// Both processors are little-endian.
#define htons(n) __builtin_bswap16(n)
#define ntohs(n) __builtin_bswap16(n)

int inet_pton(int family, const char *text, void *out);
const char *inet_ntop(int family, const void *address, char *out, socklen_t bytes);

#endif
