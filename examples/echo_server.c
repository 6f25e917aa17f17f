// echo_server.c: sends everything back that it gets over TCP, one goroutine per connection.
#include <string.h>
#include "examples/check.h"

static const char HELP[] =
    "usage: echo_server [address]\n"
    "Echoes what it gets on \"host:port\" [127.0.0.1:0, any free port] until it is killed.\n";

// In the heap, and so is the buffer: a goroutine's stack stays small.
struct connection {
  struct go_tcp *stream;
  char buffer[16384];
};

static void echo(void *arg) {
  struct connection *c = arg;
  int64_t n;
  while ((n = go_tcp_read(c->stream, c->buffer, sizeof c->buffer)) > 0)
    if (go_tcp_write(c->stream, c->buffer, (size_t)n) < 0) break;
  go_tcp_close(c->stream);  // at the end of the stream, or because the peer is gone
  free(c);
}

// Without memory for one more connection, the ones that there are go on.
static void serve(struct go_tcp *stream) {
  struct connection *c = malloc(sizeof *c);
  if (c) {
    c->stream = stream;
    if (go_spawn(NULL, echo, c) == GO_OK) return;
    free(c);
  }
  go_tcp_close(stream);
}

static void listen_on(void *address) {
  struct go_tcp *listener, *stream;
  check(go_tcp_listen(address, &listener), address);
  char local[GO_TCP_ADDRESS];
  check(go_tcp_local(listener, local, sizeof local), "go_tcp_local");
  say("listening on %s\n", local);
  for (;;) {
    if (go_tcp_accept(listener, &stream) == GO_OK)
      serve(stream);
    else  // gone again, or too many open files: the next try may do better
      check(go_sleep(10 * GO_MILLISECOND), "go_sleep");
  }
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--help") == 0) {
    say("%s", HELP);
    return 0;
  }
  if (argc > 1 && argv[1][0] == '-') misuse("echo_server", "no such option", argv[1]);
  if (argc > 2) misuse("echo_server", "one argument too many", argv[2]);
  check(go_run(NULL, listen_on, argc > 1 ? argv[1] : "127.0.0.1:0"), "go_run");
  return 0;
}
