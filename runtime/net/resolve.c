// Names to addresses (resolve.h).  getaddrinfo(3) blocks and takes tens of kilobytes of stack.
#include "runtime/net/resolve.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "runtime/arch/arch.h"
#include "runtime/go.h"
#include "runtime/sched/sched.h"

enum { HOST_BYTES = 256, SERVICE_BYTES = 64 };  // RFC 1035, 2.3.4: a name has up to 255

struct lookup {
  char host[HOST_BYTES], service[SERVICE_BYTES];
  struct os_addr *out;
  int most;
  int answer;
};

static void lookup(void *p) {
  struct lookup *l = p;
  l->answer = os_lookup(l->host, l->service[0] ? l->service : NULL, l->out, l->most);
}

static bool copy(char *out, size_t room, const char *from, size_t bytes) {
  if (bytes >= room) return false;
  memcpy(out, from, bytes);
  out[bytes] = 0;
  return true;
}

// Takes "host:port" apart; a host without brackets has no other colon.
static bool split(const char *address, struct lookup *l) {
  const char *colon = strrchr(address, ':');
  if (!colon || !copy(l->service, sizeof l->service, colon + 1, strlen(colon + 1))) return false;
  const char *host = address;
  size_t bytes = (size_t)(colon - address);
  if (*host == '[') {
    if (bytes < 2 || host[bytes - 1] != ']') return false;
    host++;
    bytes -= 2;
  } else if (memchr(host, ':', bytes)) {
    return false;
  }
  return l->service[0] && copy(l->host, sizeof l->host, host, bytes);
}

static bool parse_port(const char *text, uint16_t *out) {
  char *end;
  if (*text < '0' || *text > '9') return false;
  const unsigned long n = strtoul(text, &end, 10);
  *out = (uint16_t)n;
  return *end == 0 && n <= UINT16_MAX;
}

// Every address of this machine.
static int wildcards(uint16_t port, struct os_addr *out) {
  os_addr_parse("::", &out[0]);
  os_addr_parse("0.0.0.0", &out[1]);  // where there is no IPv6
  out[0].port = out[1].port = port;
  return 2;
}

int rt_resolve_address(const char *address, struct os_addr *out) {
  struct lookup l = {.out = out, .most = RT_RESOLVE_MOST};
  if (!address || !split(address, &l)) return GO_EINVAL;
  uint16_t port = 0;
  const bool number = parse_port(l.service, &port);
  if (!number && !isalpha((unsigned char)l.service[0])) return GO_EINVAL;
  const bool any = l.host[0] == 0;
  if (number && any) return wildcards(port, out);
  if (number && os_addr_parse(l.host, out)) {
    out->port = port;
    return 1;
  }
  if (any) strcpy(l.host, "0.0.0.0");  // only the port is asked for
  const int error = go_blocking(lookup, &l);
  if (error) return error;
  return any && l.answer > 0 ? wildcards(out->port, out) : l.answer;
}

int go_resolve(const char *host, char (*out)[GO_TCP_ADDRESS], int most) {
  const struct rt_g *g = rt_getg();
  if (!g || g == &g->m->g0) return GO_ENOTG;
  struct os_addr found[RT_RESOLVE_MOST];
  struct lookup l = {.out = found, .most = most};
  if (!host || !out || most < 1 || most > RT_RESOLVE_MOST) return GO_EINVAL;
  if (!copy(l.host, sizeof l.host, host, strlen(host))) return GO_EINVAL;
  if (os_addr_parse(host, found)) {
    l.answer = 1;
  } else {
    const int error = go_blocking(lookup, &l);
    if (error) return error;
  }
  for (int i = 0; i < l.answer; i++) os_addr_print(&found[i], false, out[i]);
  return l.answer;
}
