// TCP: streams, half-close, deadlines, closing under waiters, names; what edge-triggered polling
// could lose; many connections on few threads.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <vector>

#include "tests/goroutine.h"
#include "tests/streams.h"
#include "tests/tcp.h"

namespace {

// ---- Streams ---------------------------------------------------------------------------------

TEST(ConcurrentTcp, EchoesWhatItGetsUntilTheHalfClose) {
  int right = 0;
  const std::string text = Pattern(3000);
  ASSERT_EQ(RunFirst(Config(), [&] {
    go_tcp *l = EchoServer(3);
    const std::string at = Local(l);
    for (int i = 0; i < 3; i++) {
      go_tcp *t = nullptr;
      if (go_tcp_connect(at.c_str(), 0, &t) != GO_OK) continue;
      right += RoundTrip(t, text) == text;
      go_tcp_close(t);
    }
    Join();
  }), GO_OK);
  EXPECT_EQ(right, 3);
}

class Everywhere : public testing::TestWithParam<std::tuple<int, const char *>> {};

// More than the buffers of both sockets hold: writers park, too.
TEST_P(Everywhere, LargeStreamsArriveWhole) {
  const auto [procs, growth] = GetParam();
  if (DeadlocksTsan(growth))
    GTEST_SKIP() << "ThreadSanitizer deadlocks in itself when its own frames fault";
  const std::string text = Pattern(kLargeStream);
  std::atomic<int> right = 0;
  ASSERT_EQ(RunFirst(Config(procs, growth), [&] {
    go_tcp *l = EchoServer(4);
    const std::string at = Local(l);
    for (int i = 0; i < 4; i++) {
      Go([&] {
        go_tcp *t = nullptr;
        if (go_tcp_connect(at.c_str(), 0, &t) != GO_OK) return;
        static std::atomic<int> written;
        Go([&text, t] {
          if (Write(t, text) == static_cast<int64_t>(text.size()))
            go_tcp_shutdown(t, GO_TCP_WRITE);
          written++;
        });
        right += ReadAll(t) == text;
        go_tcp_close(t);
      });
    }
    Join();
  }), GO_OK);
  EXPECT_EQ(right, 4);
}

INSTANTIATE_TEST_SUITE_P(Tcp, Everywhere,
                         testing::Combine(testing::Values(1, 2, 4),
                                          testing::ValuesIn(Growths())));

bool HasIPv6() {
  int error = 0;
  const auto listen = [&] {
    go_tcp *l = nullptr;
    error = go_tcp_listen("[::1]:0", &l);
    go_tcp_close(l);
  };
  return RunFirst(Config(1), listen) == GO_OK && error == GO_OK;
}

TEST(Tcp, IPv6AndNames) {
  if (!HasIPv6()) GTEST_SKIP() << "this machine has no IPv6";
  int connected = 0;
  std::string peer, resolved;
  int many = 0;
  ASSERT_EQ(RunFirst(Config(), [&] {
    go_tcp *l = EchoServer(2, "[::1]:0");
    go_tcp *t = nullptr;
    const std::string at = Local(l);
    for (int i = 0; i < 2; i++) {
      if (go_tcp_connect(at.c_str(), 0, &t) != GO_OK) return;
      char text[GO_TCP_ADDRESS];
      go_tcp_peer(t, text, sizeof text);
      peer = text;
      connected += RoundTrip(t, "six") == "six";
      go_tcp_close(t);
    }
    Join();
    char names[16][GO_TCP_ADDRESS];
    many = go_resolve("localhost", names, 16);
    if (many > 0) resolved = names[0];
    // By name, to every address: also by IPv4.
    l = EchoServer(1, ":0");
    const std::string port = Local(l).substr(Local(l).rfind(':'));
    if (go_tcp_connect(("localhost" + port).c_str(), 0, &t) != GO_OK) return;
    connected += RoundTrip(t, "name") == "name";
    go_tcp_close(t);
    Join();
  }), GO_OK);
  EXPECT_EQ(connected, 3);
  EXPECT_EQ(peer.substr(0, 6), "[::1]:");
  EXPECT_GE(many, 1);
  EXPECT_TRUE(resolved == "127.0.0.1" || resolved == "::1") << resolved;
}

// ---- What a single announcement may hide ----------------------------------------------------

// Data and the end of the stream come with one event; a short read must not wait for another.
TEST(Tcp, AnEndThatCameWithTheDataIsSeen) {
  std::vector<std::string> got;
  ASSERT_EQ(RunFirst(Config(1), [&] {
    for (int i = 0; i < 20; i++) {
      const Pair p = Connected();
      Write(p.a, "last words");
      go_tcp_close(p.a);
      go_sleep(GO_MILLISECOND);  // both are there, and the poller has said so, before the read
      got.push_back(ReadAll(p.b));
      go_tcp_close(p.b);
    }
  }), GO_OK);
  EXPECT_EQ(got, std::vector<std::string>(20, "last words"));
}

// One event, two connections, two acceptors: none may be left in the queue.
TEST(ConcurrentTcp, AcceptorsShareAListener) {
  std::atomic<int> accepted = 0;
  ASSERT_EQ(RunFirst(Config(), [&] {
    go_tcp *l = Listen();
    const std::string at = Local(l);
    for (int i = 0; i < 4; i++)
      Go([&] {
        go_tcp_close(Accept(l));
        accepted++;
      });
    for (int i = 0; i < 4; i++)
      Go([&] {
        go_tcp *t = nullptr;
        if (go_tcp_connect(at.c_str(), 0, &t) == GO_OK) go_tcp_close(t);
      });
    Join();
    go_tcp_close(l);
  }), GO_OK);
  EXPECT_EQ(accepted, 4);
}

TEST(ConcurrentTcp, ReadersShareAStream) {
  std::atomic<int> bytes = 0;
  ASSERT_EQ(RunFirst(Config(), [&] {
    const Pair p = Connected();
    for (int i = 0; i < 3; i++)
      Go([&] {
        char c[4];
        for (int64_t n; (n = go_tcp_read(p.b, c, sizeof c)) > 0;) bytes += static_cast<int>(n);
      });
    for (int i = 0; i < 10; i++) {
      Write(p.a, "0123456789");
      go_yield();
    }
    go_tcp_shutdown(p.a, GO_TCP_WRITE);
    Join();
    Close(p);
  }), GO_OK);
  EXPECT_EQ(bytes, 100);
}

// ---- Ends ------------------------------------------------------------------------------------

TEST(ConcurrentTcp, ClosingWakesWhoWaits) {
  std::atomic<int> closed = 0;
  ASSERT_EQ(RunFirst(Config(), [&] {
    const Pair p = Connected();
    go_tcp *l = Listen();
    std::atomic<int> begun = 0;
    for (int i = 0; i < 2; i++)
      Go([&] {
        char c;
        begun++;
        closed += go_tcp_read(p.a, &c, 1) == GO_ECLOSED;
      });
    Go([&] {
      go_tcp *t;
      begun++;
      closed += go_tcp_accept(l, &t) == GO_ECLOSED;
    });
    while (begun < 3) go_yield();
    go_tcp_close(p.a);
    go_tcp_close(l);
    Join();
    go_tcp_close(p.b);
  }), GO_OK);
  EXPECT_EQ(closed, 3);
}

TEST(Tcp, ShutdownEndsTheReadsOfOthers) {
  int64_t read = -1, accepted = 0;
  ASSERT_EQ(RunFirst(Config(), [&] {
    const Pair p = Connected();
    go_tcp *l = Listen();
    Go([&] {
      char c;
      read = go_tcp_read(p.a, &c, 1);
    });
    Go([&] {
      go_tcp *t;
      accepted = go_tcp_accept(l, &t);
    });
    for (int i = 0; i < 10; i++) go_yield();
    go_tcp_shutdown(p.a, GO_TCP_READ | GO_TCP_WRITE);
    go_tcp_shutdown(l, GO_TCP_READ);
    Join();
    Close(p);
    go_tcp_close(l);
  }), GO_OK);
  EXPECT_EQ(read, 0);
  EXPECT_EQ(accepted, GO_ESYSTEM - EINVAL);
}

TEST(Tcp, APeerThatIsGoneIsAnErrorNotASignal) {
  int64_t answer = 0;
  ASSERT_EQ(RunFirst(Config(), [&] {
    const Pair p = Connected();
    go_tcp_close(p.b);
    const std::string text = Pattern(100000);
    for (int i = 0; i < 100 && answer >= 0; i++) answer = Write(p.a, text);
    go_tcp_close(p.a);
  }), GO_OK);
  EXPECT_TRUE(answer == GO_ESYSTEM - EPIPE || answer == GO_ESYSTEM - ECONNRESET) << answer;
}

// ---- Deadlines -------------------------------------------------------------------------------

TEST(ConcurrentTcp, DeadlinesEndWaits) {
  int64_t late = 0, again = 0, past = 0, cleared = 0, accepted = 0;
  ASSERT_EQ(RunFirst(Config(), [&] {
    const Pair p = Connected();
    go_tcp *l = Listen(), *t;
    char c;
    go_tcp_deadline(p.a, GO_TCP_READ, go_nanotime() + GO_MILLISECOND);
    late = go_tcp_read(p.a, &c, 1);
    again = go_tcp_read(p.a, &c, 1);
    go_tcp_deadline(p.a, GO_TCP_READ | GO_TCP_WRITE, 1);
    past = Write(p.a, "x");
    go_tcp_deadline(l, GO_TCP_READ, go_nanotime() + GO_MILLISECOND);
    accepted = go_tcp_accept(l, &t);
    go_tcp_deadline(p.a, GO_TCP_READ | GO_TCP_WRITE, 0);
    Write(p.b, "y");
    cleared = go_tcp_read(p.a, &c, 1);
    Close(p);
    go_tcp_close(l);
  }), GO_OK);
  EXPECT_EQ(late, GO_ETIMEDOUT);
  EXPECT_EQ(again, GO_ETIMEDOUT);
  EXPECT_EQ(past, GO_ETIMEDOUT);
  EXPECT_EQ(accepted, GO_ETIMEDOUT);
  EXPECT_EQ(cleared, 1);
}

// Set by another goroutine: a reader that waits already, with a deadline or without.
TEST(ConcurrentTcp, DeadlinesReachThoseWhoWaitAlready) {
  std::atomic<int> late = 0;
  ASSERT_EQ(RunFirst(Config(), [&] {
    const Pair p = Connected();
    for (int i = 0; i < 2; i++)
      Go([&] {
        char c;
        late += go_tcp_read(p.a, &c, 1) == GO_ETIMEDOUT;
      });
    for (int i = 0; i < 5; i++) go_yield();
    go_tcp_deadline(p.a, GO_TCP_READ, go_nanotime() + int64_t{1000} * GO_SECOND);
    go_yield();
    go_tcp_deadline(p.a, GO_TCP_READ, go_nanotime() + GO_MILLISECOND);
    Join();
    Close(p);
  }), GO_OK);
  EXPECT_EQ(late, 2);
}

TEST(Tcp, AWriterThatNobodyReadsTimesOut) {
  int64_t answer = 0;
  ASSERT_EQ(RunFirst(Config(), [&] {
    const Pair p = Connected();
    go_tcp_deadline(p.a, GO_TCP_WRITE, go_nanotime() + 20 * GO_MILLISECOND);
    const std::string text = Pattern(1 << 20);
    while (answer >= 0) answer = Write(p.a, text);
    Close(p);
  }), GO_OK);
  EXPECT_EQ(answer, GO_ETIMEDOUT);
}

// ---- Errors ----------------------------------------------------------------------------------

TEST(Tcp, BadAddresses) {
  std::vector<std::string> accepted;
  int resolve[3] = {};
  ASSERT_EQ(RunFirst(Config(), [&] {
    for (const char *bad : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:8x",
                            "::1:80", "[::1:80", "[]x:80", "127.0.0.1:-1"}) {
      go_tcp *t;
      if (go_tcp_listen(bad, &t) != GO_EINVAL) accepted.push_back(bad);
      if (go_tcp_connect(bad, 0, &t) != GO_EINVAL) accepted.push_back(bad);
    }
    go_tcp *t;
    if (go_tcp_listen(nullptr, &t) != GO_EINVAL) accepted.push_back("NULL");
    char names[1][GO_TCP_ADDRESS];
    resolve[0] = go_resolve("no such host", names, 1);
    resolve[1] = go_resolve(std::string(300, 'x').c_str(), names, 1);
    resolve[2] = go_resolve("localhost", names, 17);
  }), GO_OK);
  EXPECT_EQ(accepted, std::vector<std::string>());
  EXPECT_EQ(resolve[0], GO_ENOHOST);
  EXPECT_EQ(resolve[1], GO_EINVAL);
  EXPECT_EQ(resolve[2], GO_EINVAL);
  go_tcp *t;
  EXPECT_EQ(go_tcp_listen(":0", &t), GO_ENOTG);
  EXPECT_EQ(go_tcp_read(nullptr, nullptr, 0), GO_ENOTG);
}

TEST(Tcp, NobodyListensOrSomebodyDoes) {
  int refused = 0, late = 0, taken = 0;
  ASSERT_EQ(RunFirst(Config(), [&] {
    go_tcp *l = Listen(), *t;
    const std::string at = Local(l);
    taken = go_tcp_listen(at.c_str(), &t);
    late = go_tcp_connect(at.c_str(), 1, &t);
    go_tcp_close(l);
    refused = go_tcp_connect(at.c_str(), 0, &t);
  }), GO_OK);
  EXPECT_EQ(taken, GO_ESYSTEM - EADDRINUSE);
  EXPECT_EQ(refused, GO_ESYSTEM - ECONNREFUSED);
  EXPECT_EQ(late, GO_ETIMEDOUT);
}

}  // namespace
