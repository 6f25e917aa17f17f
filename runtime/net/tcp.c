// TCP: sockets of the system, waited for by the poller.  A go_tcp is a poll descriptor.
#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include "runtime/arch/arch.h"
#include "runtime/go.h"
#include "runtime/net/resolve.h"
#include "runtime/os/socket.h"
#include "runtime/sched/polldesc.h"
#include "runtime/sched/sched.h"

static_assert((int)GO_TCP_ADDRESS == (int)OS_ADDR_BYTES, "one room for a printed address");

struct go_tcp {
  struct rt_polldesc pd;
};

static bool on_goroutine(void) {
  const struct rt_g *g = rt_getg();
  return g && g != &g->m->g0;
}

// Begins an operation: 0, and then end() is due.
static int begin(struct go_tcp *t) {
  if (!on_goroutine()) return GO_ENOTG;
  if (!t) return GO_EINVAL;
  rt_stackreach(rt_getg());
  return rt_pollref(&t->pd) ? 0 : GO_ECLOSED;
}

static void end(struct go_tcp *t) { rt_pollunref(&t->pd); }

// ---- Made ------------------------------------------------------------------------------------

// Takes fd.
static int adopt(int fd, struct go_tcp **out) {
  struct rt_polldesc *pd;
  const int error = rt_pollopen(fd, &pd);
  if (error) {
    os_tcp_close(fd);
    return error;
  }
  *out = (struct go_tcp *)pd;
  return 0;
}

int go_tcp_listen(const char *address, struct go_tcp **out) {
  if (!on_goroutine()) return GO_ENOTG;
  if (!out) return GO_EINVAL;
  struct os_addr at[RT_RESOLVE_MOST];
  const int n = rt_resolve_address(address, at);
  if (n < 0) return n;
  int fd, error = GO_ENOHOST;
  for (int i = 0; i < n; i++) {
    error = os_tcp_listen(&at[i], &fd);
    // Without IPv6, "every address" is IPv4's.
    if (error != GO_ESYSTEM - EAFNOSUPPORT && error != GO_ESYSTEM - EADDRNOTAVAIL) break;
  }
  return error ? error : adopt(fd, out);
}

int go_tcp_accept(struct go_tcp *l, struct go_tcp **out) {
  int error = begin(l);
  if (error) return error;
  int fd = -1;
  if (l->pd.side[RT_POLLREAD].expired) error = GO_ETIMEDOUT;
  while (!error) {
    const uint32_t events = rt_pollevents(&l->pd, RT_POLLREAD);
    error = os_tcp_accept(l->pd.fd, &fd);
    if (error != GO_EAGAIN) break;
    error = rt_pollwait(&l->pd, RT_POLLREAD, events);
  }
  end(l);
  if (error) return error;
  os_tcp_nodelay(fd, true);
  return adopt(fd, out);
}

static int connect_to(const struct os_addr *a, int64_t deadline, struct go_tcp **out) {
  int fd;
  int error = os_tcp_connect(a, &fd);
  if (error) return error;
  struct go_tcp *t;
  error = adopt(fd, &t);
  if (error) return error;
  if (deadline) error = rt_polldeadline(&t->pd, RT_POLLWRITE, deadline);
  if (t->pd.side[RT_POLLWRITE].expired) error = GO_ETIMEDOUT;
  while (!error) {
    const uint32_t events = rt_pollevents(&t->pd, RT_POLLWRITE);
    error = os_tcp_connected(fd);
    if (error != GO_EAGAIN) break;
    error = rt_pollwait(&t->pd, RT_POLLWRITE, events);
  }
  if (!error && deadline) error = rt_polldeadline(&t->pd, RT_POLLWRITE, 0);
  if (error) {
    go_tcp_close(t);
    return error;
  }
  os_tcp_nodelay(fd, true);
  *out = t;
  return 0;
}

int go_tcp_connect(const char *address, int64_t deadline, struct go_tcp **out) {
  if (!on_goroutine()) return GO_ENOTG;
  if (!out || deadline < 0) return GO_EINVAL;
  struct os_addr to[RT_RESOLVE_MOST];
  const int n = rt_resolve_address(address, to);
  if (n < 0) return n;
  int error = GO_ENOHOST;
  for (int i = 0; i < n; i++) {
    error = connect_to(&to[i], deadline, out);
    if (!error || error == GO_ETIMEDOUT) break;
  }
  return error;
}

// ---- Used ------------------------------------------------------------------------------------

// A read that got less than it asked for has emptied the socket (epoll(7)): until the next event
// there is no use in asking the system.  A hang-up may have come with the last one.
static bool is_drained(const struct go_tcp *t, uint32_t events) {
  return t->pd.side[RT_POLLREAD].drained == events && !atomic_load(&t->pd.hangup);
}

int64_t go_tcp_read(struct go_tcp *t, void *buffer, size_t bytes) {
  if (!buffer && bytes > 0) return GO_EINVAL;
  int error = begin(t);
  if (error) return error;
  int64_t n = 0;
  struct rt_pollside *side = &t->pd.side[RT_POLLREAD];
  if (side->expired) n = GO_ETIMEDOUT;
  while (n == 0 && bytes > 0) {
    const uint32_t events = rt_pollevents(&t->pd, RT_POLLREAD);
    n = is_drained(t, events) ? GO_EAGAIN : os_tcp_recv(t->pd.fd, buffer, bytes);
    if (n > 0 && (size_t)n < bytes) side->drained = events;
    if (n != GO_EAGAIN) break;
    n = rt_pollwait(&t->pd, RT_POLLREAD, events);
  }
  end(t);
  return n;
}

int64_t go_tcp_write(struct go_tcp *t, const void *buffer, size_t bytes) {
  if (!buffer && bytes > 0) return GO_EINVAL;
  int error = begin(t);
  if (error) return error;
  size_t done = 0;
  if (t->pd.side[RT_POLLWRITE].expired) error = GO_ETIMEDOUT;
  while (done < bytes && !error) {
    const uint32_t events = rt_pollevents(&t->pd, RT_POLLWRITE);
    const int64_t n = os_tcp_send(t->pd.fd, (const char *)buffer + done, bytes - done);
    if (n >= 0)
      done += (size_t)n;
    else
      error = n == GO_EAGAIN ? rt_pollwait(&t->pd, RT_POLLWRITE, events) : (int)n;
  }
  end(t);
  return error ? error : (int64_t)bytes;
}

int go_tcp_shutdown(struct go_tcp *t, int directions) {
  if (directions & ~(GO_TCP_READ | GO_TCP_WRITE)) return GO_EINVAL;
  int error = begin(t);
  if (error) return error;
  error = os_tcp_shutdown(t->pd.fd, directions & GO_TCP_READ, directions & GO_TCP_WRITE);
  end(t);
  return error;
}

void go_tcp_close(struct go_tcp *t) {
  if (t && on_goroutine()) rt_pollclose(&t->pd);
}

int go_tcp_deadline(struct go_tcp *t, int directions, int64_t deadline) {
  if (directions & ~(GO_TCP_READ | GO_TCP_WRITE) || deadline < 0) return GO_EINVAL;
  int error = begin(t);
  if (error) return error;
  if (directions & GO_TCP_READ) error = rt_polldeadline(&t->pd, RT_POLLREAD, deadline);
  if (!error && (directions & GO_TCP_WRITE))
    error = rt_polldeadline(&t->pd, RT_POLLWRITE, deadline);
  end(t);
  return error;
}

int go_tcp_nodelay(struct go_tcp *t, int on) {
  int error = begin(t);
  if (error) return error;
  error = os_tcp_nodelay(t->pd.fd, on != 0);
  end(t);
  return error;
}

static int print_addr(struct go_tcp *t, bool peer, char *out, size_t bytes) {
  if (!out || bytes < GO_TCP_ADDRESS) return GO_EINVAL;
  int error = begin(t);
  if (error) return error;
  struct os_addr a;
  error = os_tcp_addr(t->pd.fd, peer, &a);
  if (!error) os_addr_print(&a, true, out);
  end(t);
  return error;
}

int go_tcp_local(struct go_tcp *t, char *out, size_t bytes) {
  return print_addr(t, false, out, bytes);
}

int go_tcp_peer(struct go_tcp *t, char *out, size_t bytes) {
  return print_addr(t, true, out, bytes);
}
