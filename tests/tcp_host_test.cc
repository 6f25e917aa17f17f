// TCP as the rest of the system sees it: its descriptors and threads, names of ports, urgent data.
#include <dirent.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "tests/raw_socket.h"
#include "tests/streams.h"
#include "tests/tcp.h"

namespace {

int CountIn(const char *folder) {
  DIR *d = opendir(folder);
  int n = 0;
  while (const dirent *e = readdir(d)) n += e->d_name[0] != '.';
  closedir(d);
  return n;
}

// The first port above 1023 that /etc/services has a name for; false if there is none.
bool NamedPort(std::string *name, int *port) {
  bool found = false;
  for (const servent *s; !found && (s = getservent()) != nullptr;) {
    *name = s->s_name;
    *port = ntohs(static_cast<uint16_t>(s->s_port));
    found = *port > 1023 && strcmp(s->s_proto, "tcp") == 0 && isalpha((*name)[0]);
  }
  endservent();
  return found;
}

TEST(Tcp, APortMayHaveANameWhereverTheHostHasNone) {
  std::string name, at;
  int port = 0, error = 1, nobody = 0;
  if (!NamedPort(&name, &port)) GTEST_SKIP() << "no /etc/services";
  ASSERT_EQ(RunFirst(Config(1), [&] {
    go_tcp *l = nullptr;
    error = go_tcp_listen((":" + name).c_str(), &l);
    if (error == GO_OK) at = Local(l);
    go_tcp_close(l);
    nobody = go_tcp_listen(":no-such-service", &l);
  }), GO_OK);
  EXPECT_EQ(nobody, GO_ENOHOST);
  if (error == GO_ESYSTEM - EADDRINUSE) return;
  EXPECT_EQ(error, GO_OK) << name;
  const std::string where = ":" + std::to_string(port);
  EXPECT_TRUE(at == "[::]" + where || at == "0.0.0.0" + where) << at;
}

// A read stops at urgent data although more has come (tcp(7)).
TEST(Tcp, DataBehindUrgentDataIsSeen) {
  std::string got;
  ASSERT_EQ(RunFirst(Config(1), [&] {
    go_tcp *l = Listen();
    const int fd = RawConnect(l);
    go_tcp *t = Accept(l);
    if (send(fd, "before", 6, 0) != 6 || send(fd, "!", 1, MSG_OOB) != 1 ||
        send(fd, "after", 5, 0) != 5)
      abort();
    go_sleep(GO_MILLISECOND);
    go_tcp_deadline(t, GO_TCP_READ, go_nanotime() + int64_t{10} * GO_SECOND);
    char buffer[100];
    while (got.size() < 11) {
      const int64_t n = go_tcp_read(t, buffer, sizeof buffer);
      if (n <= 0) {
        got += " error " + std::to_string(n);
        break;
      }
      got.append(buffer, static_cast<size_t>(n));
    }
    close(fd);
    go_tcp_close(t);
    go_tcp_close(l);
  }), GO_OK);
  EXPECT_EQ(got, "beforeafter");
}

TEST(Tcp, WhatIsOpenAtTheEndOfARunIsClosed) {
  const Body leave = [] {
    for (int i = 0; i < 50; i++) Connected();
  };
  ASSERT_EQ(RunFirst(Config(), leave), GO_OK);
  const int before = CountIn("/proc/self/fd");
  ASSERT_EQ(RunFirst(Config(), leave), GO_OK);
  EXPECT_EQ(CountIn("/proc/self/fd"), before);
}

TEST(Tcp, WaitingHoldsNoThread) {
  int before = 0, during = 0;
  std::atomic<int> echoed = 0;
  ASSERT_EQ(RunFirst(Config(), [&] {
    enum { kConnections = 300 };
    go_tcp *l = EchoServer(kConnections);
    std::vector<go_tcp *> streams(kConnections);
    for (go_tcp *&t : streams) t = Connect(l);
    before = CountIn("/proc/self/task");
    for (go_tcp *t : streams)
      Go([&, t] {
        char c = 0;
        echoed += go_tcp_read(t, &c, 1) == 1 && c == 'x';
        go_tcp_close(t);
      });
    for (int i = 0; i < 10; i++) go_yield();
    during = CountIn("/proc/self/task");
    for (go_tcp *t : streams) Write(t, "x");
    Join();
  }), GO_OK);
  EXPECT_EQ(echoed, 300);
  EXPECT_LE(during, before + 8);  // 8: Ms that had not been needed, on a busy machine
}

}  // namespace
