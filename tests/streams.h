// streams.h: pairs of connected streams, and what goes through them.
#ifndef STACKLAB_TESTS_STREAMS_H_
#define STACKLAB_TESTS_STREAMS_H_

#include <string>

#include "tests/tcp.h"

inline go_tcp *Connect(go_tcp *listener) {
  go_tcp *t = nullptr;
  if (go_tcp_connect(Local(listener).c_str(), 0, &t) != GO_OK) abort();
  return t;
}

// Both ends of a new connection.
struct Pair {
  go_tcp *a, *b;
};

inline Pair Connected() {
  go_tcp *l = Listen();
  Pair p = {Connect(l), nullptr};
  p.b = Accept(l);
  go_tcp_close(l);
  return p;
}

inline void Close(const Pair &p) {
  go_tcp_close(p.a);
  go_tcp_close(p.b);
}

inline int64_t Write(go_tcp *t, const std::string &s) {
  return go_tcp_write(t, s.data(), s.size());
}

inline std::string ReadAll(go_tcp *t) {
  std::string all;
  char buffer[1000];
  for (int64_t n; (n = go_tcp_read(t, buffer, sizeof buffer)) != 0;) {
    if (n < 0) return "error " + std::to_string(n);
    all.append(buffer, static_cast<size_t>(n));
  }
  return all;
}

inline void Echo(go_tcp *t) {
  char buffer[2000];
  for (int64_t n; (n = go_tcp_read(t, buffer, sizeof buffer)) > 0;)
    if (go_tcp_write(t, buffer, static_cast<size_t>(n)) != n) break;
  go_tcp_close(t);
}

// A listener that echoes on `n` connections.
inline go_tcp *EchoServer(int n, const char *at = "127.0.0.1:0") {
  go_tcp *l = Listen(at);
  Go([=] {
    for (int i = 0; i < n; i++) {
      go_tcp *t = Accept(l);
      Go([=] { Echo(t); });
    }
    go_tcp_close(l);
  });
  return l;
}

inline std::string Pattern(size_t bytes) {
  std::string s(bytes, 0);
  uint32_t x = 1;
  for (char &c : s) c = static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
  return s;
}

// Writes all, half-closes, and reads all of the echo while it writes.
inline std::string RoundTrip(go_tcp *t, const std::string &text) {
  std::string back;
  go_waitgroup written = {};
  go_waitgroup_add(&written, 1);
  Go([&] {
    if (Write(t, text) == static_cast<int64_t>(text.size())) go_tcp_shutdown(t, GO_TCP_WRITE);
    go_waitgroup_done(&written);
  });
  back = ReadAll(t);
  go_waitgroup_wait(&written);
  return back;
}

#endif
