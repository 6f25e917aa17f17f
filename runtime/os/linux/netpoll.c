// Waiting for descriptors, with a time limit, interruptible: epoll(7) and eventfd(2).
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "runtime/go.h"
#include "runtime/os/os.h"

static struct {
  int epoll, event;
} poller = {-1, -1};

int os_netpoll_init(void) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct epoll_event ev = {.events = EPOLLIN};  // level: a wake-up stays until the sleeper has it
  if (epoll < 0 || event < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, event, &ev) != 0) {
    if (epoll >= 0) close(epoll);
    if (event >= 0) close(event);
    return GO_EPOLL;
  }
  poller.epoll = epoll;
  poller.event = event;
  return 0;
}

void os_netpoll_done(void) {
  close(poller.epoll);
  close(poller.event);
  poller.epoll = poller.event = -1;
}

int os_netpoll_open(int fd, void *data) {
  const uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
  struct epoll_event ev = {.events = events, .data.ptr = data};
  return epoll_ctl(poller.epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

int os_netpoll_close(int fd) {
  struct epoll_event ev;
  return epoll_ctl(poller.epoll, EPOLL_CTL_DEL, fd, &ev) == 0 ? 0 : -errno;
}

// musl does not declare it, and musl.c defines it.  Not syscall(2), through which ThreadSanitizer
// would not see that what was written before epoll_ctl is there after an event.
int epoll_pwait2(int epoll, struct epoll_event *events, int most, const struct timespec *limit,
                 const sigset_t *mask);

// epoll_pwait2(2) counts in nanoseconds; kernels before 5.11 have milliseconds, rounded up.
static int wait(struct epoll_event *events, int most, int64_t ns) {
  static _Atomic bool too_old;
  if (!too_old) {
    const struct timespec limit = {ns / 1000000000, ns % 1000000000};
    const int n = epoll_pwait2(poller.epoll, events, most, ns < 0 ? NULL : &limit, NULL);
    // EPERM: from a container's filter that knows older kernels only.
    if (n >= 0 || (errno != ENOSYS && errno != EPERM)) return n;
    too_old = true;
  }
  const int64_t ms = ns < 0 ? -1 : (ns + 999999) / 1000000;
  return epoll_wait(poller.epoll, events, most, ms > INT32_MAX ? INT32_MAX : (int)ms);
}

int os_netpoll(struct os_pollevent *out, int most, int64_t ns) {
  enum { MOST = 128 };
  struct epoll_event events[MOST];
  const int n = wait(events, most < MOST ? most : MOST, ns);
  int kept = 0;
  for (int i = 0; i < n; i++) {
    const struct epoll_event *e = &events[i];
    if (!e->data.ptr) {  // os_netpoll_break: only who sleeps takes it back
      uint64_t count;
      if (ns != 0) (void)!read(poller.event, &count, sizeof count);
      continue;
    }
    uint32_t mode = 0;
    if (e->events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) mode |= OS_POLLIN;
    if (e->events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) mode |= OS_POLLOUT;
    if (e->events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
      mode |= OS_POLLHUP;
    out[kept++] = (struct os_pollevent){e->data.ptr, mode};
  }
  return kept;
}

void os_netpoll_break(void) {
  const uint64_t one = 1;
  (void)!write(poller.event, &one, sizeof one);
}
