// Blocking calls: the goroutine keeps its thread, and gives the others its place.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <vector>

#include "runtime/arch/arch.h"
#include "runtime/sched/sched.h"
#include "tests/call_at.h"
#include "tests/goroutine.h"
#include "tests/syscall_cases.h"
#include "tests/tcp.h"

namespace {

// A system call that blocks the thread for a while.
void Block(int ms) { poll(nullptr, 0, ms); }

void Spawn(Body *body) { ASSERT_EQ(go_spawn(nullptr, CallBody, body), GO_OK); }

TEST(Blocking, LetsOthersRunMeanwhile) {
  std::atomic<int> yields{0}, during{0};
  std::atomic<bool> end{false};
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    static Body other;
    other = [&] {
      while (!end) {
        yields++;
        go_yield();
      }
    };
    Spawn(&other);
    const Body wait = [&] {
      while (yields < 1000) Block(1);
      during = yields.load();
    };
    go_blocking(CallBody, const_cast<Body *>(&wait));
    end = true;
  }), GO_OK);
  EXPECT_GE(during, 1000);
}

// Each waits for all the others: they must have a thread each.
TEST(Blocking, AsManyAtOnceAsThereAreCalls) {
  constexpr int kCalls = 20;
  for (const int procs : {1, 2, 4}) {
    static pthread_barrier_t barrier;
    static go_waitgroup done;
    pthread_barrier_init(&barrier, nullptr, kCalls);
    ASSERT_EQ(RunFirst(Procs(procs), [&] {
      go_waitgroup_add(&done, kCalls);
      for (int i = 0; i < kCalls; i++) {
        go_spawn(nullptr, [](void *) {
          go_blocking([](void *) { pthread_barrier_wait(&barrier); }, nullptr);
          go_waitgroup_done(&done);
        }, nullptr);
      }
      go_waitgroup_wait(&done);
    }), GO_OK);
    pthread_barrier_destroy(&barrier);
  }
}

TEST(Blocking, HasTheThreadsStackAndSeesTheCallersLocals) {
  for (int i = 0; go_growth_name(i); i++) {
    int local = 7;
    ASSERT_EQ(RunFirst(Procs(1, go_growth_name(i)), [&] {
      int here = 5;
      struct Arg {
        int *here, *out;
      } arg = {&here, &local};
      go_blocking([](void *p) {
        volatile char large[1 << 20];
        for (size_t k = 0; k < sizeof large; k += 4096) large[k] = 1;
        const Arg *a = static_cast<Arg *>(p);
        *a->out = *a->here + large[4096];
      }, &arg);
    }), GO_OK);
    EXPECT_EQ(local, 6) << go_growth_name(i);
  }
}

TEST(Blocking, RefusesTheRuntimeInside) {
  int spawn = 0, nested = 0, outside = go_blocking([](void *) {}, nullptr), none = 0;
  uint64_t self = 1;
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    none = go_blocking(nullptr, nullptr);
    const Body inside = [&] {
      spawn = go_spawn(nullptr, [](void *) {}, nullptr);
      nested = go_blocking([](void *) {}, nullptr);
      self = go_self();
      go_yield();
    };
    go_blocking(CallBody, const_cast<Body *>(&inside));
  }), GO_OK);
  EXPECT_EQ(outside, GO_ENOTG);
  EXPECT_EQ(none, GO_EINVAL);
  EXPECT_EQ(spawn, GO_ENOTG);
  EXPECT_EQ(nested, GO_ENOTG);
  EXPECT_EQ(self, 0u);
}

// Nobody hands the P on here but sysmon.
TEST(Entersyscall, LosesItsPlaceWhenTheCallLasts) {
  std::atomic<bool> ran{false};
  bool seen = false;
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    static Body other;
    other = [&] { ran = true; };
    Spawn(&other);
    go_entersyscall();
    while (!ran) Block(1);
    seen = true;
    go_exitsyscall();
  }), GO_OK);
  EXPECT_TRUE(seen);
}

// Two threads in calls, one P, which the second has had meanwhile: whoever comes back first takes
// it, and is where it runs.
TEST(Entersyscall, WhoTakesThePlaceOfAnotherCallCanBeInterrupted) {
  int taken = 0, wrong = 0;
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    static std::atomic<bool> inside, out;
    static go_waitgroup done;
    for (int i = 0; i < 50; i++) {
      inside = out = false;
      go_waitgroup_add(&done, 1);
      go_spawn(nullptr, [](void *) {
        go_entersyscall();
        inside = true;
        while (!out) Block(1);
        go_exitsyscall();
        go_waitgroup_done(&done);
      }, nullptr);
      const struct rt_m *m = rt_getg()->m;
      go_entersyscall();
      while (!inside) sched_yield();
      go_exitsyscall();
      // Elsewhere only if sysmon has handed the place on.
      taken += rt_getg()->m == m;
      wrong += rt_getg()->m->p->m != rt_getg()->m;
      out = true;
      go_waitgroup_wait(&done);
    }
  }), GO_OK);
  EXPECT_GT(taken, 0);
  EXPECT_EQ(wrong, 0);
}

TEST(Entersyscall, ManyShortCallsFromManyGoroutines) {
  for (const int procs : {1, 2, 4}) {
    static std::atomic<int> calls;
    static go_waitgroup done;
    calls = 0;
    ASSERT_EQ(RunFirst(Procs(procs), [&] {
      go_waitgroup_add(&done, 50);
      for (int i = 0; i < 50; i++) {
        go_spawn(nullptr, [](void *) {
          for (int k = 0; k < 200; k++) {
            go_entersyscall();
            if (k % 50 == 0) Block(1);
            calls++;
            go_exitsyscall();
            if (k % 3 == 0) go_yield();
          }
          go_waitgroup_done(&done);
        }, nullptr);
      }
      go_waitgroup_wait(&done);
    }), GO_OK);
    EXPECT_EQ(calls, 50 * 200);
  }
}

TEST(Entersyscall, SurvivesChangesOfGomaxprocs) {
  static std::atomic<bool> end;
  static go_waitgroup done;
  end = false;
  ASSERT_EQ(RunFirst(Procs(4), [&] {
    go_waitgroup_add(&done, 8);
    for (int i = 0; i < 8; i++) {
      go_spawn(nullptr, [](void *) {
        while (!end) {
          go_entersyscall();
          Block(1);
          go_exitsyscall();
          go_yield();
        }
        go_waitgroup_done(&done);
      }, nullptr);
    }
    for (int k = 0; k < 200; k++) {
      go_gomaxprocs(1 + k % 5);
      go_entersyscall();
      Block(1);
      go_exitsyscall();
    }
    end = true;
    go_waitgroup_wait(&done);
  }), GO_OK);
}

TEST(Entersyscall, BelongsToGoroutines) {
  EXPECT_EQ(go_entersyscall(), GO_ENOTG);
  EXPECT_EQ(go_exitsyscall(), GO_ENOTG);
  char c;
  EXPECT_EQ(go_read(0, &c, 1), GO_ENOTG);
}

// ---- Files -----------------------------------------------------------------------------------

TEST(Files, AReadWaitsWithoutHoldingOthersUp) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  char got[6] = {};
  int64_t n = 0, put = 0;
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    static Body writer;
    static go_waitgroup written;
    writer = [&] {
      put = go_write(ends[1], "hello", 5);
      go_waitgroup_done(&written);
    };
    go_waitgroup_add(&written, 1);
    Spawn(&writer);
    n = go_read(ends[0], got, 5);
    go_waitgroup_wait(&written);
  }), GO_OK);
  EXPECT_EQ(n, 5);
  EXPECT_EQ(put, 5);
  EXPECT_STREQ(got, "hello");
  close(ends[0]);
  close(ends[1]);
}

TEST(Files, PositionsAndErrors) {
  char name[] = "/tmp/syscall_test.XXXXXX";
  const int fd = mkstemp(name);
  ASSERT_GE(fd, 0);
  unlink(name);
  char got[4] = {};
  int64_t wrote = 0, read = 0, bad = 0, negative = 0, beyond = 1;
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    wrote = go_pwrite(fd, "abcdef", 6, 2);
    read = go_pread(fd, got, 3, 4);
    bad = go_read(-1, got, 1);
    negative = go_pread(fd, got, 1, -1);
    beyond = go_pread(fd, got + 3, 1, 100);
  }), GO_OK);
  EXPECT_EQ(wrote, 6);
  EXPECT_EQ(read, 3);
  EXPECT_STREQ(got, "cde");
  EXPECT_EQ(bad, GO_ESYSTEM - EBADF);
  EXPECT_STREQ(go_strerror(static_cast<int>(bad)), strerror(EBADF));
  EXPECT_EQ(negative, GO_EINVAL);
  EXPECT_EQ(beyond, 0);
  close(fd);
}

constexpr size_t kLarge = 40000;  // more than the first stack has

__attribute__((noinline)) int64_t ReadByCall(int fd, unsigned *sum) {
  char buffer[kLarge];
  const int64_t n = go_read(fd, buffer, kLarge);
  for (int64_t i = 0; i < n; i++) *sum += static_cast<unsigned char>(buffer[i]);
  return n;
}

TEST(Files, ABufferThatTheStackHasYetToGrowFor) {
  for (int i = 0; go_growth_name(i); i++) {
    int64_t n = 0;
    unsigned sum = 0;
    const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    std::vector<char> want(kLarge);
    ASSERT_EQ(pread(fd, want.data(), kLarge, 0), static_cast<ssize_t>(kLarge));
    unsigned expected = 0;
    for (const char c : want) expected += static_cast<unsigned char>(c);
    ASSERT_EQ(RunFirst(Procs(1, go_growth_name(i)), [&] {
      const Body reads = [&] { n = ReadByCall(fd, &sum); };
      if (GrowsOnFault(go_growth_name(i)))
        reads();
      else
        go_call_on_stack(kLarge + 4096, CallBody, const_cast<Body *>(&reads));
    }), GO_OK);
    EXPECT_EQ(n, static_cast<int64_t>(kLarge)) << go_growth_name(i);
    EXPECT_EQ(sum, expected) << go_growth_name(i);
    close(fd);
  }
}

// Why the wrapper is there: docs/hazards.md.
TEST(Files, ABareSystemCallGetsEfaultThere) {
  if (kThreadSanitizer) GTEST_SKIP() << "TSan's frames are checked: the stack grows on entry";
  long bare = 0;
  const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  for (const char *growth : Growths()) {
    if (!GrowsOnFault(growth)) continue;
    ASSERT_EQ(RunFirst(Procs(1, growth), [&] { bare = case_read_below(fd, kLarge); }), GO_OK);
    EXPECT_EQ(bare, -EFAULT) << growth;
  }
  ASSERT_EQ(RunFirst(Procs(1, "reserve"), [&] { bare = case_read_below(fd, kLarge); }), GO_OK);
  EXPECT_EQ(bare, static_cast<long>(kLarge));
  close(fd);
}

// A frame that has skipped the guard: the kernel would fill what lies below, and stop at the guard.
constexpr size_t kSkips = 200 << 10;

struct Skipping {
  std::function<int64_t(char *buffer, size_t bytes)> read;
  int64_t n;
  uint64_t wrong;
};

// With SP so far below, and nothing touched in between.
uint64_t Reads(uint64_t arg) {
  auto *s = reinterpret_cast<Skipping *>(arg);
  char *const buffer = reinterpret_cast<char *>(rt_getsp()) + 4096;
  s->n = s->read(buffer, kSkips - 8192);
  for (int64_t i = 0; i < s->n; i++) s->wrong += buffer[i] != 'x';
  return 0;
}

void ExpectWholeAfterASkip(std::function<int64_t(char *, size_t)> read) {
  for (int i = 0; go_growth_name(i); i++) {
    if (!GrowsOnFault(go_growth_name(i))) continue;
    Skipping s = {read, 0, 0};
    ASSERT_EQ(RunFirst(Procs(1, go_growth_name(i)), [&] {
      case_call_at((rt_getsp() - kSkips) & ~uintptr_t{15}, Reads, reinterpret_cast<uint64_t>(&s));
    }), GO_OK);
    EXPECT_EQ(s.n, static_cast<int64_t>(kSkips - 8192)) << go_growth_name(i);
    EXPECT_EQ(s.wrong, 0u) << go_growth_name(i);
  }
}

class SkippedGuard : public testing::Test {
 protected:
  void SetUp() override {
    fd_ = memfd_create("x", MFD_CLOEXEC);
    const std::vector<char> x(kSkips, 'x');
    ASSERT_EQ(pwrite(fd_, x.data(), x.size(), 0), static_cast<ssize_t>(x.size()));
  }
  void TearDown() override { close(fd_); }
  int fd_;
};

TEST_F(SkippedGuard, IsNotInTheWayOfARead) {
  ExpectWholeAfterASkip([&](char *buffer, size_t n) { return go_pread(fd_, buffer, n, 0); });
}

TEST_F(SkippedGuard, IsNotInTheWayOfABlockingCall) {
  ExpectWholeAfterASkip([&](char *buffer, size_t n) {
    struct Call {
      int fd;
      char *buffer;
      size_t n;
      ssize_t got;
    } call = {fd_, buffer, n, 0};
    go_blocking([](void *arg) {
      auto *c = static_cast<Call *>(arg);
      c->got = pread(c->fd, c->buffer, c->n, 0);
    }, &call);
    return int64_t{call.got};
  });
}

TEST_F(SkippedGuard, IsNotInTheWayOfAStream) {
  static go_tcp *from;
  ExpectWholeAfterASkip([](char *buffer, size_t n) {
    go_tcp *const listener = Listen(), *to = nullptr;
    if (go_tcp_connect(Local(listener).c_str(), 0, &to) != GO_OK) abort();
    from = Accept(listener);
    const go_spawn_options reserve = {"reserve", 0, 0};
    go_spawn(&reserve, [](void *p) {
      static const std::vector<char> x(kSkips, 'x');
      if (go_tcp_write(static_cast<go_tcp *>(p), x.data(), x.size()) < 0) abort();
    }, to);
    size_t done = 0;
    for (int64_t got = 1; got > 0 && done < n; done += got > 0 ? static_cast<size_t>(got) : 0)
      got = go_tcp_read(from, buffer + done, n - done);
    return static_cast<int64_t>(done);
  });
}

// ---- Deadlock --------------------------------------------------------------------------------

void Sleep() {
  static go_waitgroup never;
  go_waitgroup_add(&never, 1);
  go_waitgroup_wait(&never);
}

TEST(DeadlockDeathTest, IsSeenAfterASystemCall) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(RunFirst(Procs(2), [] {
    go_spawn(nullptr, [](void *) {
      go_blocking([](void *) { Block(30); }, nullptr);
    }, nullptr);
    Sleep();
  }), testing::KilledBySignal(SIGABRT), "all goroutines are asleep: deadlock");
}

TEST(Deadlock, IsNotSeenWhileACallLasts) {
  static go_waitgroup wg;
  wg = {};
  for (const int procs : {1, 2}) {
    ASSERT_EQ(RunFirst(Procs(procs), [] {
      go_waitgroup_add(&wg, 1);
      go_spawn(nullptr, [](void *) {
        go_blocking([](void *) { Block(60); }, nullptr);
        go_waitgroup_done(&wg);
      }, nullptr);
      go_waitgroup_wait(&wg);
    }), GO_OK);
  }
}

}  // namespace
