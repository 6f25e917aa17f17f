// The examples, run as their users run them: what the programs print, and what the servers answer
// to a client that is no part of the runtime.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/go.h"
#include "tests/child.h"
#include "tests/goroutine.h"

namespace {

using Arguments = std::vector<std::string>;

// Becomes the example; 127 if that cannot be.
int Execute(const std::string &name, const Arguments &arguments) {
  const std::string path = "examples/" + name;
  std::vector<char *> argv = {const_cast<char *>(name.c_str())};
  for (const std::string &a : arguments) argv.push_back(const_cast<char *>(a.c_str()));
  argv.push_back(nullptr);
  execv(path.c_str(), argv.data());
  return 127;
}

// What an example prints, on stdout and stderr; or how it failed.
std::string Printed(const std::string &name, const Arguments &arguments = {},
                    const std::string &growth = "reserve") {
  const Child child = RunChild([&] {
    setenv("GO_GROWTH", growth.c_str(), 1);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    return Execute(name, arguments);
  }, 120);
  return child.Exited(0) ? child.err : child.Describe();
}

// ---- Programs that end -----------------------------------------------------------------------

TEST(Examples, HelloIsSaidByTheSecondGoroutine) {
  EXPECT_EQ(Printed("hello"), "hello, world, from goroutine 2\n");
}

TEST(Examples, SkynetAddsUpEveryLeafOnce) {
  EXPECT_EQ(Printed("skynet", {"1"}), "0\n");
  EXPECT_EQ(Printed("skynet", {"10"}), "45\n");
  EXPECT_EQ(Printed("skynet", {"4321"}), "9333360\n");  // not a full tree
}

TEST(Examples, RingPassesTheTokenThroughEachGoroutineInEachLap) {
  EXPECT_EQ(Printed("ring"), "1000 goroutines, 100 laps: 100000 hops\n");
  EXPECT_EQ(Printed("ring", {"1"}), "1 goroutines, 100 laps: 100 hops\n");
}

class EveryGrowth : public testing::TestWithParam<const char *> {};

TEST_P(EveryGrowth, PrintsTheSame) {
  const char *growth = GetParam();
  if (DeadlocksTsan(growth))
    GTEST_SKIP() << "ThreadSanitizer deadlocks in itself when its own frames fault";
  EXPECT_EQ(Printed("pipeline", {}, growth), "the squares of 1 to 1000 add up to 333833500\n");
  EXPECT_EQ(Printed("fanin", {}, growth),
            "producer 0: 1000 numbers\nproducer 1: 1000 numbers\nproducer 2: 1000 numbers\n"
            "producer 3: 1000 numbers\ntotal: 7998000\n");
  EXPECT_EQ(Printed("cond_queue", {}, growth),
            "3 producers, 2 consumers: 3000 items, sum 1501500\n"
            "never more than 8 in the queue: yes\n");
  EXPECT_EQ(Printed("scope", {}, growth),
            "4 children count the primes below 100000: 9592\n"
            "one child fails (its deadline has passed): 3 of 3 others stop\n");
  EXPECT_EQ(Printed("ring", {"50", "20"}, growth), "50 goroutines, 20 laps: 1000 hops\n");
  EXPECT_EQ(Printed("skynet", {"1000"}, growth), "499500\n");
}

INSTANTIATE_TEST_SUITE_P(Examples, EveryGrowth, testing::ValuesIn(Growths()));

// ---- Arguments -------------------------------------------------------------------------------

TEST(Arguments, HelpIsPrintedWhereThereAreArguments) {
  for (const char *name : {"ring", "skynet", "echo_server", "http_hello"})
    EXPECT_EQ(Printed(name, {"--help"}).find("usage: " + std::string(name)), 0U) << name;
}

TEST(Arguments, BadOnesAreOneLineOnStderrAndAFailure) {
  const std::vector<std::pair<std::string, Arguments>> wrong = {
      {"ring", {"0"}},
      {"ring", {"ten"}},
      {"ring", {"10", "-1"}},
      {"ring", {"10", "10", "10"}},
      {"skynet", {"99999999999999999999"}},
      {"skynet", {""}},
      {"skynet", {"10x"}},
      {"skynet", {"10", "10"}},
      {"echo_server", {"--port"}},
      {"echo_server", {"nowhere"}},
      {"echo_server", {":0", ":0"}},
      {"http_hello", {"--port", "80"}},
      {"http_hello", {"--address"}},
      {"http_hello", {"--address", "127.0.0.1:65536"}},
      {"http_hello", {"--growth", "sideways"}},
  };
  for (const auto &[name, arguments] : wrong) {
    SCOPED_TRACE(name + " " + testing::PrintToString(arguments));
    const Child child = RunChild([&, n = &name, a = &arguments] {
      dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
      return Execute(*n, *a);
    });
    EXPECT_TRUE(child.Exited(1) || child.Exited(2)) << child.Describe();
    EXPECT_EQ(child.err.find('\n'), child.err.size() - 1) << child.err;
    EXPECT_GT(child.err.size(), 10U);
  }
}

TEST(Arguments, OutputThatNobodyCanTakeIsAFailure) {
  const Child child = RunChild([] {
    dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
    return Execute("skynet", {"10"});
  });
  EXPECT_TRUE(child.Exited(1)) << child.Describe();
}

// ---- Servers and their clients ---------------------------------------------------------------

// A server, from when it listens until the end of the block.
class Server {
 public:
  explicit Server(const std::string &name, const Arguments &arguments = {}) {
    int ends[2];
    if (pipe(ends) != 0) abort();
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      close(ends[1]);
      alarm(300);
      // It never ends by itself, which is where ThreadSanitizer would fail it.
      const char *tsan = getenv("TSAN_OPTIONS");
      setenv("TSAN_OPTIONS", (std::string(tsan ? tsan : "") + ":halt_on_error=1").c_str(), 1);
      _exit(Execute(name, arguments));
    }
    close(ends[1]);
    for (char c; read(ends[0], &c, 1) == 1 && c != '\n';) said_ += c;
    close(ends[0]);
  }
  ~Server() {
    kill(pid_, SIGTERM);
    int status = 0;
    waitpid(pid_, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM)
        << "it has ended by itself: status " << status;
  }
  const std::string &said() const { return said_; }
  uint16_t port() const {
    return static_cast<uint16_t>(atoi(said_.c_str() + said_.rfind(':') + 1));
  }

 private:
  pid_t pid_;
  std::string said_;
};

class Client {
 public:
  explicit Client(const Server &server) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience = {30, 0};  // then reads fail, so that a broken server is no hang
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(server.port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<sockaddr *>(&to), sizeof to) != 0)
      ADD_FAILURE() << "cannot connect to: " << server.said();
  }
  Client(const Client &) = delete;
  ~Client() { close(fd_); }

  void Write(const std::string &text) {
    size_t done = 0;
    while (done < text.size()) {
      const ssize_t n = send(fd_, text.data() + done, text.size() - done, MSG_NOSIGNAL);
      if (n < 0) return;
      done += static_cast<size_t>(n);
    }
  }
  void EndWriting() { shutdown(fd_, SHUT_WR); }

  // Less at the end of the stream, and where it fails.
  std::string Read(size_t bytes) {
    std::string text(bytes, 0);
    size_t done = 0;
    for (ssize_t n; done < bytes && (n = recv(fd_, &text[done], bytes - done, 0)) > 0;)
      done += static_cast<size_t>(n);
    text.resize(done);
    return text;
  }
  // What is left, if the stream ends as it should.
  std::string ReadAll() {
    std::string text;
    char c;
    ssize_t n;
    while ((n = recv(fd_, &c, 1, 0)) == 1) text += c;
    return n == 0 ? text : text + " error " + std::to_string(errno);
  }

 private:
  int fd_;
};

TEST(EchoServer, SaysWhereItListens) {
  const Server any("echo_server");
  EXPECT_EQ(any.said(), "listening on 127.0.0.1:" + std::to_string(any.port()));
  EXPECT_GT(any.port(), 0);
}

TEST(EchoServer, AMebibyteInPiecesComesBackWhole) {
  const Server server("echo_server", {"127.0.0.1:0"});
  Client client(server);
  std::string sent, back;
  for (size_t i = 0; sent.size() < 1 << 20; i++) {
    std::string piece(1 + i * 7919 % 30000, 0);
    for (size_t k = 0; k < piece.size(); k++) piece[k] = static_cast<char>(i * 31 + k * k);
    client.Write(piece);
    sent += piece;
    back += client.Read(piece.size());
  }
  client.EndWriting();
  EXPECT_EQ(client.ReadAll(), "");
  EXPECT_TRUE(back == sent);
}

TEST(EchoServer, FiftyConnectionsGetWhatIsTheirs) {
  const Server server("echo_server");
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 50; i++) clients.push_back(std::make_unique<Client>(server));
  for (size_t i = 0; i < clients.size(); i++) clients[i]->Write("I am " + std::to_string(i));
  for (size_t i = clients.size(); i-- > 0;) {
    clients[i]->EndWriting();
    EXPECT_EQ(clients[i]->ReadAll(), "I am " + std::to_string(i));
  }
}

// ---- HTTP ------------------------------------------------------------------------------------

const char kGet[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const char kHello[] =
    "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\n"
    "hello, world\n";
const char kHelloAndClose[] =
    "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n"
    "Connection: close\r\n\r\nhello, world\n";

std::string Refused(const std::string &status) {
  return "HTTP/1.1 " + status + "\r\nDate: D\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
}

enum { kDateBytes = 29 };

// The text with a D for each date.
std::string Undated(std::string text) {
  for (size_t at = 0; (at = text.find("\nDate: ", at)) != std::string::npos; at++)
    text.replace(at + 7, kDateBytes, "D");
  return text;
}

// What as many bytes hold as `expected` would have with its dates.
std::string Answer(Client *client, const std::string &expected) {
  size_t bytes = expected.size();
  for (size_t at = 0; (at = expected.find("\nDate: ", at)) != std::string::npos; at++)
    bytes += kDateBytes - 1;
  return Undated(client->Read(bytes));
}

// All that a connection of its own gets for a request, up to the server's end of it.
std::string AnswerAndEnd(const Server &server, const std::string &request) {
  Client client(server);
  client.Write(request);
  return Undated(client.ReadAll());
}

class Http : public testing::TestWithParam<std::string> {
 protected:
  const Server server_{"http_hello", {"--address", "127.0.0.1:0", "--growth", GetParam()}};
};

INSTANTIATE_TEST_SUITE_P(HttpHello, Http, testing::Values("reserve", "checkpoint"));

TEST_P(Http, AConnectionIsKeptForTheNextRequest) {
  Client client(server_);
  for (int i = 0; i < 2; i++) {
    client.Write(kGet);
    EXPECT_EQ(Answer(&client, kHello), kHello);
  }
  client.EndWriting();
  EXPECT_EQ(client.ReadAll(), "");
}

TEST_P(Http, RequestsThatComeByTheByteAreAnswered) {
  Client client(server_);
  for (const char c : std::string(kGet)) client.Write(std::string(1, c));
  EXPECT_EQ(Answer(&client, kHello), kHello);
}

TEST_P(Http, PipelinedRequestsAreAnsweredInOrder) {
  Client client(server_);
  client.Write(std::string(kGet) + "GET /nowhere HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n" +
               "GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n" + kGet);
  std::string kept = kHello;
  kept.insert(kept.find("\r\n\r\n"), "\r\nConnection: keep-alive");
  EXPECT_EQ(Undated(client.ReadAll()), kHello + kept + kHelloAndClose);
}

// More answers than the server gathers, to more requests than it reads at once.
TEST_P(Http, AThousandPipelinedRequestsAreAnswered) {
  Client client(server_);
  std::string requests, answers;
  for (int i = 0; i < 1000; i++) {
    requests += kGet;
    answers += kHello;
  }
  client.Write(requests);
  EXPECT_EQ(Answer(&client, answers), answers);
}

TEST_P(Http, HeadIsAnsweredWithoutABody) {
  Client client(server_);
  client.Write("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string all = kHello, head = all.substr(0, all.find("hello"));
  EXPECT_EQ(Answer(&client, head), head);
  client.Write(kGet);
  EXPECT_EQ(Answer(&client, kHello), kHello);
}

TEST_P(Http, TheConnectionEndsWhenTheClientSaysSoOrIsOld) {
  EXPECT_EQ(AnswerAndEnd(server_, "GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"),
            kHelloAndClose);
  EXPECT_EQ(AnswerAndEnd(server_, "GET / HTTP/1.0\r\n\r\n"), kHelloAndClose);
}

TEST_P(Http, MalformedRequestsAre400) {
  const std::string refused = Refused("400 Bad Request");
  for (const char *bad : {"GARBAGE\r\n", "GET /\r\n", "GET  / HTTP/1.1\r\n", "GET / HTTP/1.1 \r\n",
                          "G@T / HTTP/1.1\r\n", "GET / HTTP/x.1\r\n", " GET / HTTP/1.1\r\n",
                          "GET /\r/ HTTP/1.1\r\n", "GET / HTTP/1.1\r\n\r\n",
                          "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
                          "GET / HTTP/1.1\r\nno colon\r\n", "GET / HTTP/1.1\r\nHost : h\r\n",
                          "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
                          "GET / HTTP/1.1\r\nContent-Length: -1\r\n",
                          "GET / HTTP/1.1\r\nContent-Length: 9223372036854775808\r\n"})
    EXPECT_EQ(AnswerAndEnd(server_, bad), refused) << bad;
}

TEST_P(Http, AHeadOfMoreThan8KiBIs431) {
  const std::string begin = "GET / HTTP/1.1\r\nHost: h\r\nCookie: ", end = "\r\n\r\n";
  const size_t rest = 8192 - begin.size() - end.size();
  Client client(server_);
  client.Write(begin + std::string(rest, 'x') + end);
  EXPECT_EQ(Answer(&client, kHello), kHello);
  const std::string refused = Refused("431 Request Header Fields Too Large");
  EXPECT_EQ(AnswerAndEnd(server_, begin + std::string(rest + 1, 'x') + end), refused);
  EXPECT_EQ(AnswerAndEnd(server_, begin + std::string(100000, 'x')), refused);
  // Behind another request it comes in other pieces.
  EXPECT_EQ(AnswerAndEnd(server_, kGet + begin + std::string(rest + 1, 'x') + end),
            kHello + refused);
  std::string lines = begin + "\r\n";
  for (int i = 0; i < 2000; i++) lines += "A: b\r\n";
  EXPECT_EQ(AnswerAndEnd(server_, lines), refused);
}

TEST_P(Http, OtherMethodsAreRefusedAndTheirBodiesSkipped) {
  Client client(server_);
  client.Write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20000\r\n\r\n" +
               std::string(20000, '\n') + kGet);
  const std::string both =
      "HTTP/1.1 405 Method Not Allowed\r\nDate: D\r\nAllow: GET, HEAD\r\n"
      "Content-Length: 0\r\n\r\n" + std::string(kHello);
  EXPECT_EQ(Answer(&client, both), both);
  EXPECT_EQ(AnswerAndEnd(server_, "PUT / HTTP/1.1\r\nHost: h\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n"),
            Refused("411 Length Required"));
  EXPECT_EQ(AnswerAndEnd(server_, "GET / HTTP/2.0\r\n\r\n"),
            Refused("505 HTTP Version Not Supported"));
}

TEST_P(Http, TheDateIsTheSystems) {
  const time_t before = time(nullptr);
  Client client(server_);
  client.Write("GET / HTTP/1.0\r\n\r\n");
  const std::string all = client.ReadAll();
  const std::string date = all.substr(all.find("Date: ") + 6, kDateBytes);
  tm parsed = {};
  ASSERT_NE(strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parsed), nullptr) << date;
  const time_t said = timegm(&parsed);
  EXPECT_LE(before, said);
  EXPECT_LE(said, time(nullptr));
  char printed[100];  // the day of the week, too
  strftime(printed, sizeof printed, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&said));
  EXPECT_EQ(date, printed);
}

TEST_P(Http, AHundredConnectionsAreServedAtOnce) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 100; i++) clients.push_back(std::make_unique<Client>(server_));
  for (auto &client : clients) client->Write(kGet);
  for (auto &client : clients) EXPECT_EQ(Answer(client.get(), kHello), kHello);
}

}  // namespace
