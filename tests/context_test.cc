// Contexts: what ends when, why, and what they carry; many cancelling at once.
#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "tests/goroutine.h"

namespace {

go_waitgroup done;

TEST(Context, BackgroundNeverEnds) {
  go_context *root = go_context_background();
  int64_t at = 7;
  EXPECT_EQ(go_context_err(root), 0);
  EXPECT_EQ(go_context_cause(root), 0);
  EXPECT_EQ(go_context_done(root), nullptr);
  EXPECT_FALSE(go_context_deadline(root, &at));
  EXPECT_EQ(go_context_value(root, &at), nullptr);
  go_context_cancel(root, 0);
  EXPECT_EQ(go_context_err(root), 0);
  go_context_free(root);
  go_context_free(nullptr);
  EXPECT_EQ(go_context_with_cancel(root, &root), GO_ENOTG);
}

TEST(Context, CancelGoesDownNotUpAndKeepsItsCause) {
  std::vector<int> got;
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    go_context *a, *b, *c, *d, *late;
    got.push_back(go_context_with_cancel(nullptr, &a));
    for (const auto make : {go_context_with_deadline, go_context_with_timeout})
      got.push_back(make(go_context_background(), GO_SECOND, nullptr));
    got.push_back(go_context_with_value(go_context_background(), &got, nullptr, nullptr));
    got.push_back(go_context_with_cancel(go_context_background(), nullptr));
    go_context_with_cancel(go_context_background(), &a);
    go_context_with_cancel(a, &b);
    go_context_with_cancel(b, &c);
    go_context_with_cancel(a, &d);
    go_context_cancel(b, 42);
    go_context_cancel(b, 43);  // too late
    for (go_context *ctx : {a, b, c, d}) {
      got.push_back(go_context_err(ctx));
      got.push_back(go_context_cause(ctx));
    }
    go_context_cancel(a, 0);
    got.push_back(go_context_cause(d));
    got.push_back(go_chan_recv(go_context_done(c), nullptr));
    go_context_with_cancel(b, &late);  // of one that has ended
    got.push_back(go_context_cause(late));
    for (go_context *ctx : {a, b, c, d, late}) go_context_free(ctx);
  }), GO_OK);
  EXPECT_EQ(got, (std::vector<int>{GO_EINVAL, GO_EINVAL, GO_EINVAL, GO_EINVAL, GO_EINVAL, 0, 0,
                                   GO_ECANCELED, 42, GO_ECANCELED, 42, 0, 0, GO_ECANCELED,
                                   GO_ECLOSED, 42}));
}

TEST(Context, DeadlinesEndItOnTime) {
  std::vector<int> got;
  int64_t took = 0, short_at = 0, long_at = 0;
  ASSERT_EQ(RunFirst(Virtual(), [&] {
    go_context *brief, *child, *past;
    const int64_t before = go_nanotime();
    go_context_with_timeout(go_context_background(), 5 * GO_MILLISECOND, &brief);
    go_context_with_timeout(brief, GO_SECOND, &child);  // the parent's comes first
    go_context_deadline(brief, &short_at);
    go_context_deadline(child, &long_at);
    got.push_back(go_context_err(child));
    go_case cases[] = {{GO_RECV, go_context_done(child), nullptr, 0}};
    got.push_back(go_select(cases, 1));
    took = go_nanotime() - before;
    got.push_back(go_context_err(child));
    got.push_back(go_context_cause(brief));
    go_context_with_deadline(go_context_background(), 1, &past);
    go_chan_recv(go_context_done(past), nullptr);
    got.push_back(go_context_err(past));
    for (go_context *ctx : {brief, child, past}) go_context_free(ctx);
  }), GO_OK);
  EXPECT_EQ(got, (std::vector<int>{0, 0, GO_ETIMEDOUT, GO_ETIMEDOUT, GO_ETIMEDOUT}));
  EXPECT_EQ(short_at, long_at);
  EXPECT_GE(took, 5 * GO_MILLISECOND);
  EXPECT_LT(took, 6 * GO_MILLISECOND);
}

// Without a timer's help: whoever looks before it waits must not start work that is late already.
TEST(Context, HasEndedWhenItIsMadeIfItsDeadlineHasPassed) {
  std::vector<int> got;
  ASSERT_EQ(RunFirst(Virtual(), [&] {
    go_context *late, *child, *never;
    go_context_with_timeout(go_context_background(), -GO_SECOND, &late);
    got.push_back(go_context_err(late));
    got.push_back(go_context_cause(late));
    go_case cases[] = {{GO_RECV, go_context_done(late), nullptr, 0}};
    got.push_back(go_select_try(cases, 1));
    go_context_with_timeout(late, GO_SECOND, &child);
    got.push_back(go_context_err(child));
    go_context_with_timeout(go_context_background(), 0, &never);
    got.push_back(go_context_err(never));
    for (go_context *ctx : {late, child, never}) go_context_free(ctx);
  }), GO_OK);
  EXPECT_EQ(got, (std::vector<int>{GO_ETIMEDOUT, GO_ETIMEDOUT, 0, GO_ETIMEDOUT, GO_ETIMEDOUT}));
}

TEST(Context, ACancelledDeadlineDoesNotComeAgain) {
  int err = 0;
  ASSERT_EQ(RunFirst(Virtual(), [&] {
    go_context *ctx;
    go_context_with_timeout(go_context_background(), GO_MILLISECOND, &ctx);
    go_context_cancel(ctx, 0);
    go_sleep(5 * GO_MILLISECOND);
    err = go_context_err(ctx);
    go_context_free(ctx);
  }), GO_OK);
  EXPECT_EQ(err, GO_ECANCELED);
}

TEST(Context, ValuesAreThoseOfTheNearest) {
  static const char key = 0, other = 0, none = 0;
  static int one, two;
  std::vector<void *> got;
  int no_key = 0;
  ASSERT_EQ(RunFirst(Procs(1), [&] {
    go_context *a, *b, *c;
    no_key = go_context_with_value(go_context_background(), nullptr, &one, &a);
    go_context_with_value(go_context_background(), &key, &one, &a);
    go_context_with_cancel(a, &b);
    go_context_with_value(b, &key, &two, &c);
    got = {go_context_value(a, &key), go_context_value(b, &key), go_context_value(c, &key),
           go_context_value(c, &other), go_context_value(c, &none)};
    go_context_free(a);  // the others hold it
    go_context_free(b);
    got.push_back(go_context_value(c, &key));
    go_context_free(c);
  }), GO_OK);
  EXPECT_EQ(no_key, GO_EINVAL);
  EXPECT_EQ(got, (std::vector<void *>{&one, &one, &two, nullptr, nullptr, &two}));
}

// A deep chain: cancelled and freed without recursion, on an 8 KiB stack.
TEST(Context, AsDeepAsOneLikes) {
  int err = 0;
  go_config config = Procs(1);
  config.growth = "checkpoint";
  ASSERT_EQ(RunFirst(config, [&] {
    go_context *top, *at;
    go_context_with_cancel(go_context_background(), &top);
    at = go_context_ref(top);
    for (int i = 0; i < 20000; i++) {
      go_context *next;
      go_context_with_cancel(at, &next);
      go_context_free(at);
      at = next;
    }
    go_context_cancel(top, 0);
    err = go_context_err(at);
    go_context_free(at);
    go_context_free(top);
  }), GO_OK);
  EXPECT_EQ(err, GO_ECANCELED);
}

// Parents, children and deadlines end and are freed from all sides; everybody who waits is told.
TEST(ConcurrentContext, EndsFromAllSides) {
  static std::atomic<int> told;
  static go_context *top;
  for (const int procs : {1, 2, 4}) {
    told = 0;
    ASSERT_EQ(RunFirst(Procs(procs), [] {
      go_context_with_timeout(go_context_background(), 300000, &top);
      go_waitgroup_add(&done, 12);
      for (intptr_t i = 0; i < 12; i++) {
        Go([](void *who) {
          const intptr_t self = reinterpret_cast<intptr_t>(who);
          for (int k = 0; k < 6; k++) {
            go_context *mine, *below;
            go_context_with_timeout(top, 20000 * (self % 4 + 1), &mine);
            go_context_with_cancel(mine, &below);
            if (self % 3 == 0) go_context_cancel(mine, 5);
            go_context_free(mine);
            if (go_chan_recv(go_context_done(below), nullptr) == GO_ECLOSED &&
                go_context_err(below) != 0)
              told++;
            go_context_free(below);
          }
          if (self == 7) go_context_cancel(top, 9);
          go_waitgroup_done(&done);
        }, reinterpret_cast<void *>(i));
      }
      go_waitgroup_wait(&done);
      go_context_free(top);
    }), GO_OK);
    EXPECT_EQ(told, 12 * 6);
  }
}

}  // namespace
