// polldesc_test.cc: streams that wait in the poller: who watches it, and what comes late.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/sched/polldesc.h"
#include "runtime/sched/sched.h"
#include "tests/child.h"
#include "tests/raw_socket.h"

namespace {

// Spins, in the goroutine or off it, until something is so; not for ever.
template <typename Fn>
void Until(Fn so) {
  const int64_t late = go_nanotime() + int64_t{20} * GO_SECOND;
  while (!so() && go_nanotime() < late) continue;
}

// The only P's goroutine goes to block, and sysmon, with no P to look after, to rest.  What comes
// for another goroutine then must be seen all the same.
TEST(Polldesc, ThePollerIsWatchedWhileTheLastGoroutineBlocks) {
  static int ends[2], fd;
  static char told = 0;
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(RunFirst(Config(1), [&] {
    go_tcp *l = Listen();
    fd = RawConnect(l);
    go_tcp *t = Accept(l);
    Go([&] {
      char c;
      if (go_tcp_read(t, &c, 1) == 1) (void)!write(ends[1], &c, 1);
    });
    go_yield();
    go_blocking([](void *) {
      Until([] { return __c11_atomic_load(&rt_sched.sysmon.waiting, __ATOMIC_SEQ_CST); });
      if (send(fd, "z", 1, 0) != 1) abort();
      pollfd answer = {ends[0], POLLIN, 0};
      if (poll(&answer, 1, 20000) == 1) (void)!read(ends[0], &told, 1);
    }, nullptr);
    if (told == 0) go_tcp_close(t);
    Join();
    if (told != 0) go_tcp_close(t);
    go_tcp_close(l);
    close(fd);
  }), GO_OK);
  EXPECT_EQ(told, 'z');
  close(ends[0]);
  close(ends[1]);
}

// An M that sleeps in the poller for a stream that has been closed is no sign of life.
TEST(Polldesc, ADeadlockIsSeenWhenTheLastStreamHasGone) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer does not support fork with threads";
  const Child child = RunChild([] {
    return RunFirst(Config(2), [] {
      go_tcp *l = Listen();
      RawConnect(l);  // an end that the poller does not watch
      go_tcp *t = Accept(l);
      Go([&] {
        char c;
        go_tcp_read(t, &c, 1);
      });
      Until([] {
        return __c11_atomic_load(&rt_sched.lastpoll, __ATOMIC_SEQ_CST) == 0 &&
               __c11_atomic_load(&rt_sched.poll_until, __ATOMIC_SEQ_CST) == 0;
      });
      go_tcp_close(t);
      go_waitgroup_add(&done, 1);
      Join();
    });
  }, 20);
  EXPECT_TRUE(child.Killed(SIGABRT)) << child.Describe();
  EXPECT_NE(child.err.find("all goroutines are asleep"), std::string::npos) << child.Describe();
}

// Who waits to write is woken, too, though nothing will ever be read.
TEST(Polldesc, ACloseEndsTheWaitsOfBothSides) {
  int answers[RT_POLLMODES] = {}, woken = 0;
  ASSERT_EQ(RunFirst(Config(1), [&] {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) abort();
    const char block[4096] = {};
    while (write(ends[0], block, sizeof block) > 0) continue;
    rt_polldesc *pd = nullptr;
    if (rt_pollopen(ends[0], &pd) != 0) abort();
    for (const rt_pollmode mode : {RT_POLLREAD, RT_POLLWRITE})
      Go([&, mode] {
        if (!rt_pollref(pd)) abort();
        answers[mode] = rt_pollwait(pd, mode, rt_pollevents(pd, mode));
        woken++;
        rt_pollunref(pd);
      });
    while (rt_pollwaiters < 2) go_yield();
    rt_pollclose(pd);
    for (int i = 0; i < 10; i++) go_yield();
    const int by_close = woken;
    rt_gqueue rest = {};  // whoever still waits is not to do so for ever
    rt_pollevent(pd, OS_POLLIN | OS_POLLOUT, &rest);
    rt_waitq_readyall(&rest);
    Join();
    woken = by_close;
    close(ends[1]);
  }), GO_OK);
  EXPECT_EQ(woken, 2);
  EXPECT_EQ(answers[RT_POLLREAD], GO_ECLOSED);
  EXPECT_EQ(answers[RT_POLLWRITE], GO_ECLOSED);
}

// A timer that has fired while another deadline was being set finds another number.
TEST(Polldesc, ALateCallForAnEarlierDeadlineIsNoTimeout) {
  bool expired[2] = {};
  int set = 1;
  ASSERT_EQ(RunFirst(Config(1), [&] {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    rt_polldesc *pd = nullptr;
    if (rt_pollopen(fd, &pd) != 0) abort();
    const int64_t far = go_nanotime() + int64_t{1000} * GO_SECOND;
    set = rt_polldeadline(pd, RT_POLLREAD, far);
    rt_timer &timer = pd->side[RT_POLLREAD].timer;
    const uint64_t early = timer.seq;
    set |= rt_polldeadline(pd, RT_POLLREAD, far + 1);
    const auto call = [&](uint64_t seq) -> bool {
      timer.fn(timer.arg, seq);
      return pd->side[RT_POLLREAD].expired;
    };
    expired[0] = call(early);
    expired[1] = call(timer.seq);
    rt_pollclose(pd);
  }), GO_OK);
  EXPECT_EQ(set, 0);
  EXPECT_FALSE(expired[0]);
  EXPECT_TRUE(expired[1]);
}

// Nor is one that comes when its stream has been closed, and the memory is another's.
TEST(Polldesc, ALateCallForAClosedStreamIsNoTimeoutOfTheNext) {
  bool same = false, expired = true;
  ASSERT_EQ(RunFirst(Config(1), [&] {
    const auto open = [] {
      rt_polldesc *pd = nullptr;
      if (rt_pollopen(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), &pd) != 0) abort();
      return pd;
    };
    rt_polldesc *first = open();
    const int64_t far = go_nanotime() + int64_t{1000} * GO_SECOND;
    if (rt_polldeadline(first, RT_POLLREAD, far) != 0) abort();
    rt_timer &timer = first->side[RT_POLLREAD].timer;
    const uint64_t early = timer.seq;
    rt_pollclose(first);
    rt_polldesc *next = open();
    same = next == first;
    timer.fn(timer.arg, early);
    expired = next->side[RT_POLLREAD].expired;
    rt_pollclose(next);
  }), GO_OK);
  EXPECT_TRUE(same);
  EXPECT_FALSE(expired);
}

}  // namespace
