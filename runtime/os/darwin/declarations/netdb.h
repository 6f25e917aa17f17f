// netdb.h of macOS, as far as the runtime needs it; see README beside it.
#ifndef STACKLAB_DECLARATIONS_NETDB_H_
#define STACKLAB_DECLARATIONS_NETDB_H_

#include <sys/socket.h>

struct addrinfo {
  int ai_flags, ai_family, ai_socktype, ai_protocol;
  socklen_t ai_addrlen;
  char *ai_canonname;
  struct sockaddr *ai_addr;
  struct addrinfo *ai_next;
};

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **out);
void freeaddrinfo(struct addrinfo *list);

#define AI_ADDRCONFIG 0x0400
#define EAI_MEMORY 6
#define EAI_SYSTEM 11

#endif
