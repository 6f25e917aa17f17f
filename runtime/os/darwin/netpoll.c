// Waiting for descriptors, with a time limit, interruptible: kqueue(2).
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/event.h>
#include <unistd.h>
#include "runtime/go.h"
#include "runtime/os/os.h"

static int poller = -1;

static int change(uintptr_t ident, int filter, int flags, uint32_t fflags, void *data) {
  const struct kevent k = {.ident = ident,
                           .filter = (int16_t)filter,
                           .flags = (uint16_t)flags,
                           .fflags = fflags,
                           .udata = data};
  return kevent(poller, &k, 1, NULL, 0, NULL) == 0 ? 0 : -errno;
}

int os_netpoll_init(void) {
  poller = kqueue();
  if (poller < 0) return GO_EPOLL;
  if (fcntl(poller, F_SETFD, FD_CLOEXEC) != 0 ||
      change(0, EVFILT_USER, EV_ADD | EV_CLEAR, 0, NULL) != 0) {
    os_netpoll_done();
    return GO_EPOLL;
  }
  return 0;
}

void os_netpoll_done(void) {
  close(poller);
  poller = -1;
}

int os_netpoll_open(int fd, void *data) {
  const int error = change((uintptr_t)fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, data);
  if (error) return error;
  const int writing = change((uintptr_t)fd, EVFILT_WRITE, EV_ADD | EV_CLEAR, 0, data);
  if (writing) change((uintptr_t)fd, EVFILT_READ, EV_DELETE, 0, NULL);
  return writing;
}

int os_netpoll_close(int fd) {
  const int error = change((uintptr_t)fd, EVFILT_READ, EV_DELETE, 0, NULL);
  const int writing = change((uintptr_t)fd, EVFILT_WRITE, EV_DELETE, 0, NULL);
  return error ? error : writing;
}

// A connection that has ended, or failed, says so by one of its filters, not always by both.
static uint32_t mode_of(const struct kevent *k) {
  uint32_t mode = k->filter == EVFILT_READ ? OS_POLLIN : OS_POLLOUT;
  if (k->flags & (EV_EOF | EV_ERROR)) mode |= OS_POLLIN | OS_POLLOUT | OS_POLLHUP;
  if (k->flags & EV_OOBAND) mode |= OS_POLLHUP;
  return mode;
}

int os_netpoll(struct os_pollevent *out, int most, int64_t ns) {
  enum { MOST = 128 };
  struct kevent events[MOST];
  const struct timespec limit = {(long)(ns / 1000000000), (long)(ns % 1000000000)};
  const int n = kevent(poller, NULL, 0, events, most < MOST ? most : MOST, ns < 0 ? NULL : &limit);
  int kept = 0;
  for (int i = 0; i < n; i++) {
    if (events[i].udata)
      out[kept++] = (struct os_pollevent){events[i].udata, mode_of(&events[i])};
    else if (ns == 0)  // it was meant for one who sleeps, and is gone now
      os_netpoll_break();
  }
  return kept;
}

void os_netpoll_break(void) {
  const int saved = errno;
  change(0, EVFILT_USER, 0, NOTE_TRIGGER, NULL);
  errno = saved;
}
