// echo_client.c: the load of tools/servers echo.  Plays ping-pong with an echo server over many TCP
// connections from one thread, on epoll(7), without the runtime: the same client for every server.
//
// Each connection has one message under way, so that a server which prefers some connections shows
// in the quantiles.  A message carries its number; an echo that differs in a byte is an error.
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

static const char HELP[] =
    "usage: echo_client PORT CONNECTIONS BYTES SECONDS\n"
    "Sends messages to 127.0.0.1:PORT and waits for their echo; 0.5 s go unmeasured.\n"
    "Prints one JSON object: messages, seconds, quantiles of the round trip in microseconds.\n";

enum { MOST_CONNECTIONS = 50000, MOST_BYTES = 65536, MOST_SECONDS = 3600, MOST_US = 4 << 20 };

static const int64_t WARMUP_NS = 500000000;

struct connection {
  int fd;
  int64_t sent_ns;  // when the message that is under way left
  uint64_t number;  // of that message
  size_t got;       // bytes of its echo
};

static char message[MOST_BYTES], echo[MOST_BYTES];
static uint32_t count_by_us[MOST_US];  // round trips; the last also those that took longer

_Noreturn static void die(const char *what, const char *why) {
  fprintf(stderr, "echo_client: %s: %s\n", what, why);
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static long number_of(const char *text, long least, long most) {
  char *end;
  errno = 0;
  const long n = strtol(text, &end, 10);
  if (errno || end == text || *end || n < least || n > most) {
    fprintf(stderr, "echo_client: not a number from %ld to %ld: %s\n", least, most, text);
    exit(2);
  }
  return n;
}

static int connect_to(in_port_t port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket", strerror(errno));
  if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) die("connect", strerror(errno));
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

// One small message is always taken whole: the socket's buffer is empty then.
static void send_next(struct connection *c, size_t bytes) {
  c->number++;
  c->got = 0;
  memcpy(message, &c->number, sizeof c->number);
  c->sent_ns = now_ns();
  if (send(c->fd, message, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
    die("send", errno ? strerror(errno) : "taken in part");
}

// Returns true when the echo is there whole.
static bool receive(struct connection *c, size_t bytes) {
  const ssize_t n = recv(c->fd, echo + c->got, bytes - c->got, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return false;
  if (n < 0) die("recv", strerror(errno));
  if (n == 0) die("recv", "the server has closed a connection");
  // Others use `echo` before the rest comes: this piece is checked now.
  memcpy(message, &c->number, sizeof c->number);
  if (memcmp(echo + c->got, message + c->got, (size_t)n) != 0)
    die("recv", "this is not what was sent");
  c->got += (size_t)n;
  return c->got == bytes;
}

static double quantile_us(uint64_t total, double q) {
  uint64_t below = 0;
  for (size_t us = 0; us < MOST_US; us++) {
    below += count_by_us[us];
    if ((double)below >= q * (double)total) return (double)us;
  }
  return MOST_US;
}

static void run(int poller, int64_t seconds, size_t bytes) {
  const int64_t begin = now_ns() + WARMUP_NS, end = begin + seconds * INT64_C(1000000000);
  uint64_t messages = 0;
  int64_t now = 0;
  while (now < end) {
    enum { MOST = 256 };
    struct epoll_event events[MOST];
    const int n = epoll_wait(poller, events, MOST, 10000);
    if (n == 0) die("epoll_wait", "no echo for 10 s");
    for (int i = 0; i < n; i++) {
      struct connection *c = events[i].data.ptr;
      if (!receive(c, bytes)) continue;
      now = now_ns();
      if (now >= begin && now < end) {
        const int64_t us = (now - c->sent_ns) / 1000;
        count_by_us[us < MOST_US ? us : MOST_US - 1]++;
        messages++;
      }
      send_next(c, bytes);
    }
  }
  printf("{\"messages\": %" PRIu64 ", \"seconds\": %" PRId64
         ", \"p50_us\": %.0f, \"p99_us\": %.0f, \"max_us\": %.0f}\n",
         messages, seconds, quantile_us(messages, 0.5), quantile_us(messages, 0.99),
         quantile_us(messages, 1));
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--help") == 0) {
    fputs(HELP, stdout);
    return 0;
  }
  if (argc != 5) {
    fputs("echo_client: wants 4 arguments; see --help\n", stderr);
    return 2;
  }
  const in_port_t port = (in_port_t)number_of(argv[1], 1, 65535);
  const size_t n = (size_t)number_of(argv[2], 1, MOST_CONNECTIONS);
  const size_t bytes = (size_t)number_of(argv[3], sizeof(uint64_t), MOST_BYTES);
  const int64_t seconds = number_of(argv[4], 1, MOST_SECONDS);
  struct connection *all = calloc(n, sizeof *all);
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  if (!all || poller < 0) die("no room", strerror(errno));
  for (size_t i = 0; i < bytes; i++) message[i] = (char)(i * 31);
  for (size_t i = 0; i < n; i++) {
    all[i] = (struct connection){.fd = connect_to(port), .number = i << 32};
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &all[i]};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, all[i].fd, &ev) != 0) die("epoll_ctl", strerror(errno));
  }
  for (size_t i = 0; i < n; i++) send_next(&all[i], bytes);
  run(poller, seconds, bytes);
  free(all);
  return 0;
}
