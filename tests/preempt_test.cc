// Asynchronous preemption: nobody starves, and whoever is interrupted does not notice.
#include <alloca.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "tests/child.h"
#include "tests/goroutine.h"
#include "tests/storm.h"

namespace {

go_waitgroup done;

// ---- Nobody starves --------------------------------------------------------------------------

TEST(Preempt, ATightLoopLetsOthersRun) {
  SKIP_IF_SANITIZED();
  static std::atomic<bool> stop;
  static std::vector<int64_t> gaps;
  for (const int procs : {1, 2}) {
    stop = false;
    gaps.clear();
    const uint64_t before = Stats().preemptions;
    ASSERT_EQ(RunFirst(Procs(procs), [procs] {
      go_waitgroup_add(&done, procs);
      for (int i = 0; i < procs; i++) {
        Go([](void *) {
          while (!stop) __asm__ volatile("");
          go_waitgroup_done(&done);
        });
      }
      for (int i = 0; i < 30; i++) {
        const int64_t was = go_nanotime();
        go_yield();
        gaps.push_back(go_nanotime() - was);
      }
      stop = true;
      go_waitgroup_wait(&done);
    }), GO_OK);
    std::sort(gaps.begin(), gaps.end());
    printf("GOMAXPROCS %d: kept from running for %.1f ms (median), %.1f ms (most)\n", procs,
           static_cast<double>(gaps[15]) / 1e6, static_cast<double>(gaps.back()) / 1e6);
    EXPECT_GT(Stats().preemptions, before);
  }
}

TEST(Preempt, SleepersWakeBesideTightLoops) {
  SKIP_IF_SANITIZED();
  static std::atomic<bool> stop;
  stop = false;
  ASSERT_EQ(RunFirst(Procs(1), [] {
    Go([](void *) {
      while (!stop) __asm__ volatile("");
    });
    for (int i = 0; i < 5; i++) go_sleep(GO_MILLISECOND);
    stop = true;
  }), GO_OK);
}

TEST(Preempt, CanBeTurnedOff) {
  go_config config = Procs(1);
  config.asyncpreempt = "off";
  static volatile bool ran;
  ran = false;
  bool seen = true;
  const uint64_t before = Stats().preemptions;
  ASSERT_EQ(RunFirst(config, [&] {
    Go([](void *) { ran = true; });
    const int64_t until = go_nanotime() + 40 * GO_MILLISECOND;
    while (go_nanotime() < until) continue;
    seen = ran;
  }), GO_OK);
  EXPECT_FALSE(seen);
  EXPECT_EQ(Stats().preemptions, before);
}

// A goroutine that is about to block its thread leaves it to those that were interrupted there.
TEST(Preempt, ThoseInterruptedGoOnWhileTheirThreadIsWanted) {
  SKIP_IF_SANITIZED();
  static std::atomic<uint64_t> turns;
  static std::atomic<bool> stop;
  turns = 0;
  stop = false;
  ASSERT_EQ(RunFirst(Procs(1), [] {
    Go([](void *) {
      while (!stop) turns++;
    });
    while (turns == 0) go_yield();
    // It was interrupted, or we would not run.
    go_blocking([](void *) {
      const uint64_t now = turns;
      while (turns < now + 1000000) sched_yield();
    }, nullptr);
    stop = true;
  }), GO_OK);
}

// A P above GOMAXPROCS that runs on, since its M has somebody who was interrupted there, and all Ps
// below idle: that is not everybody, and the two still interrupt each other.
TEST(Preempt, ThoseAboveALoweredGomaxprocsAreInterrupted) {
  SKIP_IF_SANITIZED();
  const Child child = RunChild([] {
    static std::atomic<bool> lowered, seen;
    return RunFirst(Procs(2), [] {
      go_preempt_off();
      go_waitgroup_add(&done, 2);
      Go([](void *) {  // on the other P
        Go([](void *) {
          go_gomaxprocs(1);
          lowered = true;
          while (!seen) __asm__ volatile("");
          go_waitgroup_done(&done);
        });
        while (!lowered) __asm__ volatile("");
        seen = true;
        go_waitgroup_done(&done);
      });
      while (!lowered) __asm__ volatile("");
      go_preempt_on();
      go_waitgroup_wait(&done);
    });
  }, 20);
  EXPECT_TRUE(child.Exited(0)) << child.Describe();
}

// ---- Whoever is interrupted does not notice ----------------------------------------------------

// Ordinary C, vectorised, summing in registers while it is interrupted all the time.
__attribute__((noinline)) double Sum(const double *v, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += v[i] * 0.5;
  return sum;
}

TEST(Preempt, SumsInRegistersStayRight) {
  SKIP_IF_SANITIZED();
  static std::vector<double> v(4000);
  std::iota(v.begin(), v.end(), 1.0);
  static double expected;
  expected = Sum(v.data(), 4000);
  static std::atomic<uint64_t> sums, wrong;
  sums = wrong = 0;
  ASSERT_EQ(RunFirst(Procs(1, "signal+checkpoint"), [] {
    const Storm storm(20000);
    go_waitgroup_add(&done, 4);
    for (int i = 0; i < 4; i++) {
      Go([](void *) {
        while (!preempt_stop) {
          if (Sum(v.data(), 4000) != expected) wrong++;
          sums++;
        }
        go_waitgroup_done(&done);
      });
    }
    go_waitgroup_wait(&done);
  }), GO_OK);
  EXPECT_GT(sums, 0u);
  EXPECT_EQ(wrong, 0u);
}

TEST(Preempt, ErrnoIsTheGoroutines) {
  SKIP_IF_SANITIZED();
  static std::atomic<int> wrong;
  wrong = 0;
  ASSERT_EQ(RunFirst(Procs(1), [] {
    const Storm storm(5000);
    go_waitgroup_add(&done, 2);
    for (intptr_t i = 0; i < 2; i++) {
      Go([](void *mine) {
        const int value = 10 + static_cast<int>(reinterpret_cast<intptr_t>(mine));
        while (!preempt_stop) {
          errno = value;
          for (volatile int k = 0; k < 100; k = k + 1) continue;
          if (errno != value) wrong++;
        }
        go_waitgroup_done(&done);
      }, reinterpret_cast<void *>(i));
    }
    go_waitgroup_wait(&done);
  }), GO_OK);
  EXPECT_EQ(wrong, 0);
}

// libc is not interrupted: its locks are not held while others of the same thread want them.
TEST(Preempt, LibcIsLeftAlone) {
  SKIP_IF_SANITIZED();
  static std::atomic<int> wrong;
  wrong = 0;
  ASSERT_EQ(RunFirst(Procs(2), [] {
    const Storm storm(300);
    go_waitgroup_add(&done, 6);
    for (int i = 0; i < 6; i++) {
      Go([](void *) {
        for (unsigned n = 1; !preempt_stop; n = n * 7 % 8191) {
          setenv("PREEMPT_TEST", n % 2 ? "odd" : "even", 1);  // under a lock of libc's
          char *p = static_cast<char *>(malloc(n + 1));
          memset(p, 'x', n);
          p[n] = '\0';
          if (strlen(p) != n) wrong++;
          free(p);
        }
        go_waitgroup_done(&done);
      });
    }
    go_waitgroup_wait(&done);
  }), GO_OK);
  EXPECT_EQ(wrong, 0);
}

// ---- Room on the stack -------------------------------------------------------------------------

// Spins with `left` bytes of stack below it, until somebody else has run.
__attribute__((noinline)) void SpinWith(size_t left, std::atomic<int> *others) {
  const uintptr_t sp = reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) - 256;
  const size_t room = sp - Bounds().lo;
  char *volatile hold = static_cast<char *>(alloca(room > left ? room - left : 16));
  hold[0] = 1;
  const int before = *others;
  while (*others == before) __asm__ volatile("");
}

TEST(Preempt, WithAnyRoomLeftOnTheStack) {
  SKIP_IF_SANITIZED();
  static std::atomic<int> others;
  static size_t left;
  for (int i = 0; go_growth_name(i); i++) {
    // Otherwise what is left there is all there will be.
    if (!go_growth_moves(go_growth_name(i)) && !GrowsOnFault(go_growth_name(i))) continue;
    go_config config = Procs(1, go_growth_name(i));
    config.stack_max = 64 << 10;
    others = 0;
    ASSERT_EQ(RunFirst(config, [] {
      for (left = 256; left < 6000; left += 256) {
        go_waitgroup_add(&done, 1);
        Go([](void *) {
          SpinWith(left, &others);
          go_waitgroup_done(&done);
        });
        go_yield();
        others++;
        go_waitgroup_wait(&done);
      }
    }), GO_OK) << go_growth_name(i);
    EXPECT_EQ(others, 23);
  }
}

// ---- Locks ------------------------------------------------------------------------------------

void Work(int64_t ns) {
  const int64_t until = go_nanotime() + ns;
  while (go_nanotime() < until)
    for (volatile int i = 0; i < 10000; i = i + 1) continue;
}

TEST(Preempt, AGoMutexHeldOverWorkBlocksNobodyForEver) {
  SKIP_IF_SANITIZED();
  static go_mutex m;
  static int count;
  for (const int procs : {1, 2}) {
    m = {};
    count = 0;
    const uint64_t before = Stats().preemptions;
    ASSERT_EQ(RunFirst(Procs(procs), [] {
      go_waitgroup_add(&done, 4);
      for (int i = 0; i < 4; i++) {
        Go([](void *) {
          for (int k = 0; k < 2; k++) {
            go_mutex_lock(&m);
            Work(15 * GO_MILLISECOND);
            count++;
            go_mutex_unlock(&m);
          }
          go_waitgroup_done(&done);
        });
      }
      go_waitgroup_wait(&done);
    }), GO_OK);
    EXPECT_EQ(count, 8);
    EXPECT_GT(Stats().preemptions, before);
  }
}

pthread_mutex_t foreign = PTHREAD_MUTEX_INITIALIZER;

TEST(Preempt, APthreadMutexIsSafeBetweenOffAndOn) {
  SKIP_IF_SANITIZED();
  static int count, codes[2];
  count = 0;
  ASSERT_EQ(RunFirst(Procs(1), [] {
    const Storm storm(3000);
    codes[0] = go_preempt_on();
    go_waitgroup_add(&done, 3);
    for (int i = 0; i < 3; i++) {
      Go([](void *) {
        while (!preempt_stop) {
          go_preempt_off();
          go_preempt_off();  // they nest
          pthread_mutex_lock(&foreign);
          go_preempt_on();
          for (volatile int k = 0; k < 100; k = k + 1) continue;
          count++;
          pthread_mutex_unlock(&foreign);
          go_preempt_on();
          for (volatile int k = 0; k < 100; k = k + 1) continue;
        }
        go_waitgroup_done(&done);
      });
    }
    go_waitgroup_wait(&done);
  }), GO_OK);
  EXPECT_GT(count, 0);
  EXPECT_EQ(codes[0], GO_EINVAL);
  EXPECT_EQ(go_preempt_off(), GO_ENOTG);
}

// The count shares its word with flags, that of a panic among them.
TEST(Preempt, NestingHasALimitAndComesBackToNothing) {
  static int most, refused, back, refused_back;
  static go_deferred d;
  most = back = 0;
  ASSERT_EQ(RunFirst(Procs(1), [] {
    go_waitgroup_add(&done, 1);
    Go([](void *) {
      while ((refused = go_preempt_off()) == GO_OK) most++;
      go_defer(&d, [](void *) { go_waitgroup_done(&done); }, nullptr);
      go_panic_handler([](void *, const char *) {
        while ((refused_back = go_preempt_on()) == GO_OK) back++;
      }, nullptr);
      go_panic("as deep as can be");
    });
    go_waitgroup_wait(&done);
  }), GO_OK);
  EXPECT_EQ(refused, GO_EINVAL);
  EXPECT_EQ(refused_back, GO_EINVAL);
  EXPECT_EQ(most, (1 << 14) - 1);
  EXPECT_EQ(back, most);
}

// What go_preempt_off is there for.
TEST(Preempt, APthreadMutexHeldOverWorkHangsItsThread) {
  SKIP_IF_SANITIZED();
  const Child child = RunChild([] {
    return RunFirst(Procs(1), [] {
      static std::atomic<bool> other;
      Go([](void *) {
        pthread_mutex_lock(&foreign);
        while (!other) __asm__ volatile("");
        pthread_mutex_unlock(&foreign);
      });
      go_yield();  // back when that has been interrupted, with the lock
      pthread_mutex_lock(&foreign);
      other = true;
    });
  }, 2);
  EXPECT_TRUE(child.Killed(SIGALRM)) << child.Describe();
}

TEST(Preempt, SignalsOfOthersGoToTheirHandler) {
  const Child child = RunChild([] {
    static volatile sig_atomic_t caught;
    signal(SIGURG, [](int) { caught++; });
    const int error = RunFirst(Procs(1), [] { raise(SIGURG); });
    return error == GO_OK && caught == 1 ? 0 : 1;
  });
  EXPECT_TRUE(child.Exited(0)) << child.Describe();
}

// ---- The runtime's own code ---------------------------------------------------------------------

extern "C" const char rt_text_lo[] __asm__("__start_rt_text");
extern "C" const char rt_text_hi[] __asm__("__stop_rt_text");

TEST(Preempt, TheRuntimesCodeIsKnownByItsAddress) {
  ASSERT_EQ(RunFirst(Procs(1), [] {}), GO_OK);  // which looks where the program's own code is
  using Fn = void (*)();
  const std::vector<Fn> ours = {
      reinterpret_cast<Fn>(go_spawn),        reinterpret_cast<Fn>(go_yield),
      reinterpret_cast<Fn>(go_chan_send),    reinterpret_cast<Fn>(go_select),
      reinterpret_cast<Fn>(go_mutex_lock),   reinterpret_cast<Fn>(go_timer_start),
      reinterpret_cast<Fn>(go_context_free), reinterpret_cast<Fn>(rt_gopark),
      reinterpret_cast<Fn>(rt_lock),         reinterpret_cast<Fn>(rt_newstack),
      reinterpret_cast<Fn>(rt_stackalloc),   reinterpret_cast<Fn>(rt_throw),
      reinterpret_cast<Fn>(os_wait),         reinterpret_cast<Fn>(go_strerror)};
  for (const Fn fn : ours) {
    EXPECT_GE(reinterpret_cast<const char *>(fn), rt_text_lo);
    EXPECT_LT(reinterpret_cast<const char *>(fn), rt_text_hi);
  }
  const char *theirs = reinterpret_cast<const char *>(Work);
  EXPECT_TRUE(theirs < rt_text_lo || theirs >= rt_text_hi);
  if (!kSanitized) EXPECT_TRUE(os_own_text(reinterpret_cast<uintptr_t>(theirs)));
  EXPECT_FALSE(os_own_text(reinterpret_cast<uintptr_t>(dlsym(RTLD_DEFAULT, "malloc"))));
}

// What of section `name` of this program lies in memory: [lo, hi), 0 bytes if there is none.
std::pair<uintptr_t, uintptr_t> Section(const char *name) {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  const std::string exe{std::istreambuf_iterator<char>(file), {}};
  const auto *header = reinterpret_cast<const ElfW(Ehdr) *>(exe.data());
  const auto *sections = reinterpret_cast<const ElfW(Shdr) *>(exe.data() + header->e_shoff);
  const char *names = exe.data() + sections[header->e_shstrndx].sh_offset;
  uintptr_t base = 0;  // the first object is the program
  dl_iterate_phdr([](dl_phdr_info *info, size_t, void *out) {
    *static_cast<uintptr_t *>(out) = info->dlpi_addr;
    return 1;
  }, &base);
  for (int i = 0; i < header->e_shnum; i++) {
    const uintptr_t lo = base + sections[i].sh_addr;
    if (strcmp(names + sections[i].sh_name, name) == 0) return {lo, lo + sections[i].sh_size};
  }
  return {0, 0};
}

// Whoever is interrupted in a stub may have been called by the runtime, and hold a lock of its.
TEST(Preempt, TheLinkersStubsAreNotOwnText) {
  enum { kStub = 16, kFirst = 32 };
  ASSERT_EQ(RunFirst(Procs(1), [] {}), GO_OK);
  const auto [lo, hi] = Section(".plt");
  ASSERT_LT(lo, hi);
  // The first, of up to 32 bytes (RISC-V psABI, AAELF64), is for lazy binding: there is none.
  for (uintptr_t stub = lo + kFirst; stub < hi; stub += kStub) EXPECT_FALSE(os_own_text(stub));
}

// A channel copies elements with memcpy, under its lock.
TEST(Preempt, AChannelIsNotInterruptedWhileItCopies) {
  SKIP_IF_SANITIZED();
  enum { kWorkers = 3 };
  struct Element {
    char bytes[64];
  };
  static go_chan *c;
  static uint64_t sent, got;
  sent = got = 0;
  ASSERT_EQ(RunFirst(Procs(1), [] {
    if (go_chan_new(sizeof(Element), 8, &c) != GO_OK) abort();
    const Storm storm(400);
    go_waitgroup_add(&done, kWorkers);
    for (int i = 0; i < kWorkers; i++) {
      Go([](void *) {
        uint64_t in = 0, out = 0;
        Element e = {};
        while (!preempt_stop) {
          in += go_chan_try_send(c, &e) == GO_OK;
          out += go_chan_try_recv(c, &e) == GO_OK;
        }
        go_preempt_off();
        sent += in;
        got += out;
        go_preempt_on();
        go_waitgroup_done(&done);
      });
    }
    go_waitgroup_wait(&done);
    Element e;
    while (go_chan_try_recv(c, &e) == GO_OK) got++;
    go_chan_free(c);
  }), GO_OK);
  EXPECT_EQ(sent, got);
}

}  // namespace
