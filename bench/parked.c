// parked.c: parks many goroutines and waits, so that tools/servers parked can read from outside
// what they cost.  It says "begun" before the first and "parked" once all are, and goes on after
// each with a line of its stdin.
//
// Connections come from a child process, made before there is a second thread; it takes a new
// address of 127.0.0.0/8 for each 20,000, since one has fewer ports than goroutines are wanted.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "examples/check.h"

static const char HELP[] =
    "usage: parked sleep|chan|tcp GOROUTINES\n"
    "Parks goroutines that sleep, receive from a channel, or read from a TCP connection each.\n"
    "Says \"begun\" and \"parked\", and waits for a line after each.\n";

enum { MOST = 1000000, PER_ADDRESS = 20000 };

static void (*wait_here)(void *);
static long goroutines;
static struct go_chan *channel;
static int to_child[2];
static _Atomic long arrived;

// ---- The client -------------------------------------------------------------------------------

_Noreturn static void die(const char *what) {
  fprintf(stderr, "parked: %s: %s\n", what, strerror(errno));
  _exit(1);
}

static void connect_from(uint32_t address, in_port_t port) {
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = port};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  if (fd < 0) die("socket");
  // The port is chosen when both ends are known: it may be in use for another server.
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0) die("bind");
  if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) die("connect");
}

// Makes the connections once it is told the port, and keeps them until the parent is gone.
static void start_client(void) {
  if (pipe(to_child) != 0) die("pipe");
  const pid_t parent = getpid(), pid = fork();
  if (pid < 0) die("fork");
  if (pid > 0) {
    close(to_child[0]);
    return;
  }
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) die("prctl");
  close(to_child[1]);
  in_port_t port;
  if (read(to_child[0], &port, sizeof port) != sizeof port) _exit(0);
  for (long i = 0; i < goroutines; i++)
    connect_from(INADDR_LOOPBACK + (uint32_t)(i / PER_ADDRESS), port);
  for (;;) pause();
}

// ---- Goroutines that wait ---------------------------------------------------------------------

static void sleeper(void *arg) {
  (void)arg;
  atomic_fetch_add(&arrived, 1);
  check(go_sleep(24 * 3600LL * GO_SECOND), "go_sleep");
}

static void receiver(void *arg) {
  (void)arg;
  char byte;
  atomic_fetch_add(&arrived, 1);
  check(go_chan_recv(channel, &byte), "go_chan_recv");
}

static void reader(void *stream) {
  char byte;
  atomic_fetch_add(&arrived, 1);
  go_tcp_read(stream, &byte, 1);
  go_tcp_close(stream);
}

static void spawn_readers(void) {
  struct go_tcp *listener, *stream;
  check(go_tcp_listen("127.0.0.1:0", &listener), "listen");
  char local[GO_TCP_ADDRESS];
  check(go_tcp_local(listener, local, sizeof local), "go_tcp_local");
  const in_port_t port = htons((in_port_t)atoi(strrchr(local, ':') + 1));
  if (write(to_child[1], &port, sizeof port) != sizeof port) die("write");
  for (long i = 0; i < goroutines; i++) {
    // A client that gives up must not leave us waiting.
    const int64_t deadline = go_nanotime() + 30LL * GO_SECOND;
    check(go_tcp_deadline(listener, GO_TCP_READ, deadline), "go_tcp_deadline");
    check(go_tcp_accept(listener, &stream), "accept");
    check(go_spawn(NULL, reader, stream), "go_spawn");
  }
}

static void read_line(void *arg) {
  (void)arg;
  for (char c = 0; c != '\n';)
    if (read(STDIN_FILENO, &c, 1) != 1) break;
}

static void report(const char *what) {
  say("%s\n", what);
  go_blocking(read_line, NULL);
}

static void park_all(void *arg) {
  (void)arg;
  if (wait_here == receiver) check(go_chan_new(1, 0, &channel), "go_chan_new");
  report("begun");
  if (wait_here == reader) {
    spawn_readers();
  } else {
    for (long i = 0; i < goroutines; i++) check(go_spawn(NULL, wait_here, NULL), "go_spawn");
  }
  while (atomic_load(&arrived) < goroutines) go_yield();
  go_yield();  // the last one has counted itself, and parks
  report("parked");
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--help") == 0) {
    say("%s", HELP);
    return 0;
  }
  if (argc != 3) misuse("parked", "wants two arguments", argc > 1 ? argv[argc - 1] : "none");
  if (strcmp(argv[1], "sleep") == 0) wait_here = sleeper;
  if (strcmp(argv[1], "chan") == 0) wait_here = receiver;
  if (strcmp(argv[1], "tcp") == 0) wait_here = reader;
  if (!wait_here) misuse("parked", "no such way to wait", argv[1]);
  goroutines = number("parked", argv[2], MOST);
  if (wait_here == reader) start_client();
  check(go_run(NULL, park_all, NULL), "go_run");
  return 0;
}
