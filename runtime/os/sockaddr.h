// sockaddr.h: addresses as sockets have them, alike on POSIX and Windows.  For a system's socket.c,
// after the headers of its sockets.
#ifndef STACKLAB_RUNTIME_OS_SOCKADDR_H_
#define STACKLAB_RUNTIME_OS_SOCKADDR_H_

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "runtime/go.h"
#include "runtime/os/socket.h"

union sockaddr_any {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

// The bytes of *out that count.
static socklen_t to_system(const struct os_addr *a, union sockaddr_any *out) {
  *out = (union sockaddr_any){0};
  if (a->v6) {
    out->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(a->port)};
    out->v6.sin6_scope_id = a->scope;  // in Windows' a member of a union
    memcpy(&out->v6.sin6_addr, a->ip, 16);
    return sizeof out->v6;
  }
  out->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(a->port)};
  memcpy(&out->v4.sin_addr, a->ip, 4);
  return sizeof out->v4;
}

static struct os_addr from_system(const union sockaddr_any *s) {
  struct os_addr a = {.v6 = s->any.sa_family == AF_INET6};
  if (a.v6) {
    memcpy(a.ip, &s->v6.sin6_addr, 16);
    a.port = ntohs(s->v6.sin6_port);
    a.scope = s->v6.sin6_scope_id;
  } else {
    memcpy(a.ip, &s->v4.sin_addr, 4);
    a.port = ntohs(s->v4.sin_port);
  }
  return a;
}

// os_addr_parse and os_addr_print.

static bool addr_parse(const char *text, struct os_addr *out) {
  *out = (struct os_addr){0};
  if (inet_pton(AF_INET, text, out->ip) == 1) return true;
  out->v6 = true;
  return inet_pton(AF_INET6, text, out->ip) == 1;
}

static void addr_print(const struct os_addr *a, bool port, char out[OS_ADDR_BYTES]) {
  char ip[INET6_ADDRSTRLEN];
  inet_ntop(a->v6 ? AF_INET6 : AF_INET, a->ip, ip, sizeof ip);
  if (port)
    snprintf(out, OS_ADDR_BYTES, a->v6 ? "[%s]:%u" : "%s:%u", ip, a->port);
  else
    snprintf(out, OS_ADDR_BYTES, "%s", ip);
}

// What getaddrinfo has found, of IPv4 and IPv6: how many, or GO_ENOHOST.
static int found(const struct addrinfo *list, struct os_addr *out, int most) {
  int n = 0;
  for (const struct addrinfo *i = list; i && n < most; i = i->ai_next) {
    union sockaddr_any s = {0};
    if (i->ai_addrlen > sizeof s) continue;
    memcpy(&s, i->ai_addr, i->ai_addrlen);
    if (s.any.sa_family == AF_INET || s.any.sa_family == AF_INET6) out[n++] = from_system(&s);
  }
  return n > 0 ? n : GO_ENOHOST;
}

#endif
