// parked.c: parks many goroutines and waits, so that tools/servers can read from outside what they
// cost.  It says a line at each step and goes on after a line of its stdin; times are in ns since
// the step before:
//
//     begun
//     parked GOROUTINES TIME [REASON]    all wait; with a reason, go_spawn has refused the others
//     guards LOOKED TOUCHED CAUGHT READABLE
//     ended TIME                         the channel is closed, and all have ended; not of others
//     gone TIME                          go_run has returned
//
// Between "parked" and "guards" it writes to the guards of 1,000 goroutines that chance has chosen
// (to the highest byte, the lowest, and one between), counts the faults, and reads the lowest byte
// of their stacks, which must not fault.
//
// Connections come from a child process, made before there is a second thread; it takes a new
// address of 127.0.0.0/8 for each 20,000, since one has fewer ports than goroutines are wanted.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "examples/check.h"

static const char HELP[] =
    "usage: parked sleep|chan|tcp GOROUTINES\n"
    "Parks goroutines that sleep, receive from a channel, or read from a TCP connection each;\n"
    "touches the guards of some; ends them.  Says each step, and waits for a line before each.\n";

enum { MOST = 1000000, PER_ADDRESS = 20000, LOOKED = 1000, NAMED = 5, GUARD = 64 << 10 };

static void (*wait_here)(void *);
static long goroutines;
static struct go_chan *channel;
static int to_child[2];
static _Atomic long tickets, arrived, ended;

// Those whose guards will be touched, by the order in which they begin.
static bool chosen[MOST];
static uintptr_t looked[LOOKED];  // the lowest byte of each one's stack
static _Atomic int nlooked;

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

static void arrive(void) {
  if (chosen[atomic_fetch_add(&tickets, 1)]) {
    struct go_stack_bounds bounds;
    check(go_stack_bounds(&bounds), "go_stack_bounds");
    looked[atomic_fetch_add(&nlooked, 1)] = bounds.lo;
  }
  atomic_fetch_add(&arrived, 1);
}

static void sleeper(void *arg) {
  (void)arg;
  arrive();
  check(go_sleep(24 * 3600LL * GO_SECOND), "go_sleep");
}

static void receiver(void *arg) {
  (void)arg;
  char byte;
  arrive();
  if (go_chan_recv(channel, &byte) != GO_ECLOSED) check(GO_EINVAL, "go_chan_recv");
  atomic_fetch_add(&ended, 1);
}

static void reader(void *stream) {
  char byte;
  arrive();
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

// Spawns until one is refused, or all are there: how many, and *error.
static long spawn_all(int *error) {
  *error = GO_OK;
  for (long i = 0; i < goroutines; i++) {
    *error = go_spawn(NULL, wait_here, NULL);
    if (*error) return i;
  }
  return goroutines;
}

// ---- Guards -----------------------------------------------------------------------------------

static uint64_t state;  // of random_below: splitmix64, whose numbers need no more than a seed

static long random_below(long n) {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return (long)((z ^ z >> 31) % (uint64_t)n);
}

// Each set of so many is equally likely (Knuth, TAOCP 3.4.2, algorithm S).
static void choose(void) {
  long left = goroutines < LOOKED ? goroutines : LOOKED;
  for (long i = 0; i < goroutines; i++)
    if (random_below(goroutines - i) < left) {
      chosen[i] = true;
      left--;
    }
}

static _Thread_local struct touch {
  sigjmp_buf back;
  const volatile char *volatile at;  // NULL: no fault is expected
} touch;

// The runtime hands on what is none of its own stacks' business.
static void on_fault(int sig, siginfo_t *info, void *context) {
  (void)context;
  if (touch.at && info->si_addr == touch.at) siglongjmp(touch.back, 1);
  signal(sig, SIG_DFL);  // and the instruction faults again
}

static bool faults(uintptr_t address, bool store) {
  volatile char *at = (volatile char *)address;
  const bool fault = sigsetjmp(touch.back, 1) != 0;
  if (!fault) {
    touch.at = at;
    if (store)
      *at = 1;
    else
      (void)*at;
  }
  touch.at = NULL;
  return fault;
}

// On the thread's own stack.
static void touch_guards(void *arg) {
  (void)arg;
  const int n = atomic_load(&nlooked);
  int touched = 0, caught = 0, readable = 0;
  for (int i = 0; i < n; i++) {
    const uintptr_t below[] = {1, 1 + (uintptr_t)random_below(GUARD), GUARD};
    for (int k = 0; k < 3; k++) {
      const bool fault = faults(looked[i] - below[k], true);
      touched++;
      caught += fault;
      if (!fault && touched - caught <= NAMED)
        fprintf(stderr, "parked: a store %lu bytes below a stack did not fault\n",
                (unsigned long)below[k]);
    }
    readable += !faults(looked[i], false);
  }
  say("guards %d %d %d %d\n", n, touched, caught, readable);
}

// ---- Steps ------------------------------------------------------------------------------------

static int64_t since;  // the last step ended

static void read_line(void *arg) {
  (void)arg;
  for (char c = 0; c != '\n';)
    if (read(STDIN_FILENO, &c, 1) != 1) break;
  since = go_nanotime();
}

static int64_t elapsed(void) { return go_nanotime() - since; }

static void park_all(void *arg) {
  (void)arg;
  if (wait_here == receiver) check(go_chan_new(1, 0, &channel), "go_chan_new");
  state = (uint64_t)go_nanotime();
  choose();
  say("begun\n");
  go_blocking(read_line, NULL);
  long n = goroutines;
  int refused = GO_OK;
  if (wait_here == reader)
    spawn_readers();
  else
    n = spawn_all(&refused);
  while (atomic_load(&arrived) < n) go_yield();
  go_yield();  // the last one has counted itself, and parks
  const int64_t time = elapsed();
  say("parked %ld %lld%s%s\n", n, (long long)time, refused ? " " : "",
      refused ? go_strerror(refused) : "");
  go_blocking(read_line, NULL);
  go_blocking(touch_guards, NULL);
  go_blocking(read_line, NULL);
  if (wait_here != receiver) return;
  check(go_chan_close(channel), "go_chan_close");
  while (atomic_load(&ended) < n) go_yield();
  say("ended %lld\n", (long long)elapsed());
  since = go_nanotime();
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
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGSEGV, &action, NULL) != 0) die("sigaction");
  const struct go_config config = {.stack_guard = GUARD};
  check(go_run(&config, park_all, NULL), "go_run");
  say("gone %lld\n", (long long)elapsed());
  return 0;
}
