"""Tests of concurrency that run on threads as they are, and again under thousands of seeds."""

def concurrency_test(name, seeds = 2000, deps = [], tags = [], **kwargs):
    """cc_test name, and name_seeds: its suites Concurrent*, once per seed from 1 on.

    Args:
      name: of the test whose source is name.cc
      seeds: how many; a failure prints the seed, which GO_SEED=n replays
      deps: without GoogleTest
      tags: of both
      **kwargs: of both
    """
    native.cc_test(
        name = name,
        size = "small",
        srcs = [name + ".cc"],
        tags = tags + ["nomsan"],
        deps = deps + ["@com_google_googletest//:gtest_main"],
        **kwargs
    )
    native.cc_test(
        name = name + "_seeds",
        size = "medium",
        srcs = [
            name + ".cc",
            "seeds_main.cc",
        ],
        args = [
            "--gtest_brief=1",
            "--gtest_fail_fast",
            "--gtest_filter=Concurrent*",
            "--gtest_repeat=%d" % seeds,
        ],
        # One thread: TSan would find nothing, at ten times the price.
        tags = tags + [
            "nomsan",
            "notsan",
        ],
        deps = deps + ["@com_google_googletest//:gtest"],
        **kwargs
    )
