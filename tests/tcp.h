// tcp.h: goroutines that are waited for, and connections, for the tests of streams.
#ifndef STACKLAB_TESTS_TCP_H_
#define STACKLAB_TESTS_TCP_H_

#include <string>

#include "tests/goroutine.h"

inline go_config Config(int procs = 2, const char *growth = "reserve") {
  go_config c = SmallStacks(growth);
  c.maxprocs = Gomaxprocs(procs);
  return c;
}

inline go_waitgroup done;

inline void Go(Body fn) {
  auto *body = new Body(std::move(fn));
  go_waitgroup_add(&done, 1);
  const int error = go_spawn(
      nullptr,
      [](void *p) {
        auto *b = static_cast<Body *>(p);
        (*b)();
        delete b;
        go_waitgroup_done(&done);
      },
      body);
  if (error != GO_OK) abort();
}

inline void Join() { go_waitgroup_wait(&done); }

inline go_tcp *Listen(const char *at = "127.0.0.1:0") {
  go_tcp *l = nullptr;
  if (go_tcp_listen(at, &l) != GO_OK) abort();
  return l;
}

inline std::string Local(go_tcp *t) {
  char text[GO_TCP_ADDRESS];
  if (go_tcp_local(t, text, sizeof text) != GO_OK) abort();
  return text;
}

inline go_tcp *Accept(go_tcp *listener) {
  go_tcp *t = nullptr;
  if (go_tcp_accept(listener, &t) != GO_OK) abort();
  return t;
}

#endif
