// panic_test.cc: go_panic ends one goroutine or the process, go_goexit one goroutine, and what was
// deferred is done.
#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <string>
#include <vector>

#include "tests/child.h"
#include "tests/goroutine.h"

namespace {

// What happened, in order.  GOMAXPROCS is 1.
std::vector<std::string> &Log() {
  static std::vector<std::string> log;
  return log;
}

void Note(const char *what) { Log().push_back(what); }
void NoteDeferred(void *what) { Note(static_cast<const char *>(what)); }
void NotePanic(void *arg, const char *message) {
  Log().push_back(std::string(static_cast<const char *>(arg)) + ": " + message);
}

void *Text(const char *s) { return const_cast<char *>(s); }

class Panic : public testing::Test {
 protected:
  void SetUp() override { Log().clear(); }
};

// Runs fn in a goroutine of its own and waits for its end, then returns what was noted.
std::vector<std::string> LogOf(const Body &fn, const char *growth = "reserve",
                               const char *debug = nullptr) {
  static go_chan *ended;
  EXPECT_EQ(go_chan_new(0, 1, &ended), 0);
  const Body one = [&] {
    go_deferred last;
    go_defer(&last, [](void *) {
      Note("ended");
      go_chan_send(ended, nullptr);
    }, nullptr);
    fn();
    go_defer_run(&last);
  };
  go_config config = SmallStacks();
  config.stack_debug = debug;
  EXPECT_EQ(RunFirst(config, [&] {
              go_spawn_options options = {};
              options.growth = growth;
              go_spawn(&options, CallBody, const_cast<Body *>(&one));
              go_chan_recv(ended, nullptr);
            }), 0);
  go_chan_free(ended);
  return Log();
}

using Notes = std::vector<std::string>;

TEST_F(Panic, WithAHandlerEndsTheGoroutineAlone) {
  EXPECT_EQ(LogOf([] {
              go_panic_handler(NotePanic, Text("handled"));
              go_panic("so it goes");
            }), (Notes{"handled: so it goes", "ended"}));
}

TEST_F(Panic, CallsTheHandlerFirstThenWhatWasDeferredLastFirst) {
  EXPECT_EQ(LogOf([] {
              go_panic_handler(NotePanic, Text("handled"));
              go_deferred first, second;
              go_defer(&first, NoteDeferred, Text("first"));
              go_defer(&second, NoteDeferred, Text("second"));
              go_panic("x");
            }), (Notes{"handled: x", "second", "first", "ended"}));
}

TEST_F(Panic, OfOneGoroutineLeavesItsHandlerToIt) {
  const Child child = RunChild([] {
    return RunFirst(SmallStacks("reserve"), [] {
      go_panic_handler(NotePanic, Text("mine"));
      go_spawn(nullptr, [](void *) { go_panic("not handled"); }, nullptr);
      go_yield();
    });
  });
  EXPECT_TRUE(child.Killed(SIGABRT)) << child.Describe();
  EXPECT_NE(child.err.find("stacklab: panic: not handled\n"), std::string::npos);
}

TEST_F(Panic, WithinTheHandlerOrADeferredFunctionEndsTheProcess) {
  for (const bool deferred : {false, true}) {
    const Child child = RunChild([deferred] {
      return RunFirst(SmallStacks("reserve"), [deferred] {
        go_deferred d;
        go_panic_handler([](void *fails, const char *) {
          if (fails) go_panic("again");
        }, deferred ? nullptr : Text("fails"));
        if (deferred) go_defer(&d, [](void *) { go_panic("again"); }, nullptr);
        go_panic("once");
      });
    });
    EXPECT_TRUE(child.Killed(SIGABRT)) << child.Describe();
    EXPECT_NE(child.err.find("panic: again (while it panicked)\n"), std::string::npos);
  }
}

TEST_F(Panic, OffGoroutinesEndsTheProcess) {
  const Child child = RunChild([]() -> int { go_panic("nowhere"); });
  EXPECT_TRUE(child.Killed(SIGABRT)) << child.Describe();
  EXPECT_NE(child.err.find("stacklab: panic: nowhere\n"), std::string::npos);
}

TEST_F(Panic, InTheFirstGoroutineEndsGoRun) {
  EXPECT_EQ(RunFirst(SmallStacks(), [] {
              go_panic_handler(NotePanic, Text("first"));
              go_panic("x");
            }), 0);
  EXPECT_EQ(Log(), (Notes{"first: x"}));
}

// A goroutine that is reused has no handler, and nothing deferred, of an earlier one's.
TEST_F(Panic, IsForgottenWithItsGoroutine) {
  const Child child = RunChild([] {
    return RunFirst(SmallStacks("reserve"), [] {
      for (int i = 0; i < 3; i++) {
        go_spawn(nullptr, [](void *last) {
          if (last) go_panic("unhandled");
          go_deferred d;
          go_defer(&d, [](void *) {}, nullptr);
          go_panic_handler([](void *, const char *) {}, nullptr);
          go_panic("handled");
        }, i == 2 ? Text("last") : nullptr);
        go_yield();
      }
    });
  });
  EXPECT_TRUE(child.Killed(SIGABRT)) << child.Describe();
  EXPECT_NE(child.err.find("panic: unhandled\n"), std::string::npos);
}

TEST_F(Panic, HandlersMayParkAndGrowTheStack) {
  EXPECT_EQ(LogOf([] {
              go_panic_handler([](void *, const char *message) {
                go_yield();
                volatile char deep[30000];
                deep[0] = deep[29999] = message[0];
                go_sleep(1000);
                Note("handled");
              }, nullptr);
              go_panic("x");
            }), (Notes{"handled", "ended"}));
}

// ---- Goexit and defer -------------------------------------------------------------------------

TEST_F(Panic, GoexitRunsWhatWasDeferred) {
  EXPECT_EQ(LogOf([] {
              go_deferred d;
              go_defer(&d, NoteDeferred, Text("deferred"));
              go_goexit();
            }), (Notes{"deferred", "ended"}));
}

TEST_F(Panic, DeferredFunctionsRunOnceOrNotAtAll) {
  EXPECT_EQ(LogOf([] {
              go_deferred run, dropped;
              go_defer(&run, NoteDeferred, Text("run"));
              go_defer(&dropped, NoteDeferred, Text("dropped"));
              EXPECT_EQ(go_defer_run(&run), GO_EINVAL);  // it is not the last
              EXPECT_EQ(go_defer_drop(&dropped), 0);
              EXPECT_EQ(go_defer_drop(&dropped), GO_EINVAL);
              EXPECT_EQ(go_defer_run(&run), 0);
              EXPECT_EQ(go_defer_run(&run), GO_EINVAL);
            }), (Notes{"run", "ended"}));
}

TEST_F(Panic, DefersOfDefersRunToo) {
  EXPECT_EQ(LogOf([] {
              go_deferred outer;
              go_defer(&outer, [](void *) {
                go_deferred inner;
                go_defer(&inner, NoteDeferred, Text("inner"));
                go_goexit();
              }, nullptr);
              go_goexit();
            }), (Notes{"inner", "ended"}));
}

// Each level's record, and what it points to, lie in frames that the recursion moves.
struct Level {
  int depth;
};
uint64_t sum;

__attribute__((noinline)) void DeferDown(int depth) {
  Level mine = {depth};
  go_deferred d;
  go_defer(&d, [](void *p) { sum += static_cast<uint64_t>(static_cast<Level *>(p)->depth); },
           &mine);
  volatile char room[300];
  room[0] = 1;
  if (depth == 1000) go_goexit();
  DeferDown(depth + 1);
  go_defer_drop(&d);
}

TEST_F(Panic, DefersFollowAStackThatMoves) {
  if (kThreadSanitizer) GTEST_SKIP() << "TSan blocks signals in handlers: a fault there is the end";
  sum = 0;
  LogOf([] { DeferDown(0); }, "signal", "quarantine");  // where it was, nothing can be read
  EXPECT_EQ(sum, 1000u * 1001 / 2);
}

TEST_F(Panic, MayNotLeaveADeferBehind) {
  const Child child = RunChild([] {
    return RunFirst(SmallStacks("reserve"), [] {
      go_deferred d;
      go_defer(&d, NoteDeferred, nullptr);
    });
  });
  EXPECT_TRUE(child.Killed(SIGABRT)) << child.Describe();
  EXPECT_NE(child.err.find("without go_defer_run or go_defer_drop"), std::string::npos);
}

TEST_F(Panic, NeedsAGoroutine) {
  go_deferred d;
  EXPECT_EQ(go_defer(&d, NoteDeferred, nullptr), GO_ENOTG);
  EXPECT_EQ(go_defer_run(&d), GO_ENOTG);
  EXPECT_EQ(go_defer_drop(&d), GO_ENOTG);
  EXPECT_EQ(go_panic_handler(NotePanic, nullptr), GO_ENOTG);
  LogOf([] {
    go_deferred mine;
    EXPECT_EQ(go_defer(nullptr, NoteDeferred, nullptr), GO_EINVAL);
    EXPECT_EQ(go_defer(&mine, nullptr, nullptr), GO_EINVAL);
    EXPECT_EQ(go_defer_run(nullptr), GO_EINVAL);
  });
}

// ---- What others wait for ---------------------------------------------------------------------

int PanicTask(go_scope *, void *) {
  go_panic_handler([](void *, const char *) {}, nullptr);
  go_panic("a task");
}

TEST_F(Panic, OfATaskIsTheResultOfItsScope) {
  int failed = 1, joined = 1;
  ASSERT_EQ(RunFirst(SmallStacks("reserve"), [&] {
              failed = go_scope_run([](go_scope *scope, void *out) {
                go_task *task;
                EXPECT_EQ(go_scope_spawn(scope, nullptr, PanicTask, nullptr, &task), 0);
                return go_task_join(task, static_cast<int *>(out));
              }, &joined);
            }), 0);
  EXPECT_EQ(joined, GO_EPANIC);
  EXPECT_EQ(failed, GO_EPANIC);
}

TEST_F(Panic, OfAScopesBodyWaitsForItsTasks) {
  EXPECT_EQ(LogOf([] {
              go_scope_run([](go_scope *scope, void *) {
                go_scope_spawn(scope, nullptr, [](go_scope *, void *) {
                  go_yield();
                  go_sleep(1000);
                  Note("task");
                  return 0;
                }, nullptr, nullptr);
                go_goexit();
                return 0;
              }, nullptr);
              Note("never");
            }), (Notes{"task", "ended"}));
}

TEST_F(Panic, OfAOnceHasDoneIt) {
  static go_once once;
  once = {};
  EXPECT_EQ(LogOf([] {
              go_spawn(nullptr, [](void *) {
                go_once_do(&once, [](void *) {
                  Note("called");
                  go_yield();  // the other comes to wait
                  go_goexit();
                }, nullptr);
              }, nullptr);
              go_yield();
              go_once_do(&once, [](void *) { Note("called again"); }, nullptr);
            }), (Notes{"called", "ended"}));
}

}  // namespace
