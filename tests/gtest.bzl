"""Tests by GoogleTest; those of concurrency run on threads as they are, many times over, and under
seeds."""

def gtest(name, size = "small", srcs = None, tags = [], deps = [], **kwargs):
    """cc_test name, of name.cc and GoogleTest with its main.

    Not under MemorySanitizer: Debian's libstdc++ is not instrumented.

    Args:
      name: of the test
      size: of cc_test
      srcs: name.cc if none are given
      tags: besides nomsan
      deps: without GoogleTest
      **kwargs: of cc_test
    """
    native.cc_test(
        name = name,
        size = size,
        srcs = srcs or [name + ".cc"],
        tags = tags + ["nomsan"],
        deps = deps + ["@com_google_googletest//:gtest_main"],
        **kwargs
    )

def on_larger_pages(test, sizes_kib = [16, 64], size = "small", srcs = None, **kwargs):
    """gtest test_16k and test_64k: of test.cc, with pages as large as that (GO_PAGESIZE).

    Args:
      test: whose source it is
      sizes_kib: of the pages
      size: of cc_test
      srcs: test.cc if none are given
      **kwargs: of gtest
    """
    for kib in sizes_kib:
        gtest(
            name = "%s_%dk" % (test, kib),
            size = size,
            srcs = srcs or [test + ".cc"],
            env = {"GO_PAGESIZE": str(kib * 1024)},
            **kwargs
        )

def _repeated(name, of, main, rounds, size, tags, deps, **kwargs):
    native.cc_test(
        name = name,
        size = size,
        srcs = [
            of + ".cc",
            main,
        ],
        args = [
            "--gtest_brief=1",
            "--gtest_fail_fast",
            "--gtest_filter=Concurrent*",
        ] + select({
            "@platforms//cpu:x86_64": ["--gtest_repeat=%d" % rounds],
            # In an emulator.
            "//conditions:default": ["--gtest_repeat=%d" % max(rounds // 10, 1)],
        }),
        tags = tags + ["nomsan"],
        deps = deps + [
            "//tests:platform",
            "@com_google_googletest//:gtest",
        ],
        **kwargs
    )

def concurrency_test(name, seeds = 2000, own_tags = [], deps = [], tags = [], **kwargs):
    """cc_test name, and of its suites Concurrent*: name_seeds, name_seeds_procs, name_threads,
    name_threads_long.

    name_seeds runs them once per seed from 1 on; a failure prints the seed, which GO_SEED=n
    replays.  name_seeds_procs does so for a twentieth of the seeds with three Ps, whose threads
    take turns.  name_threads runs them on threads, 10 times at each of GOMAXPROCS 1, 2 and 4; the
    long one, 500 times at each.

    Args:
      name: of the test whose source is name.cc
      seeds: how many
      own_tags: of name, without the others
      deps: without GoogleTest
      tags: of all
      **kwargs: of all
    """
    gtest(name = name, tags = tags + own_tags, deps = deps, **kwargs)

    # One thread at a time: TSan would find nothing, at ten times the price.
    _repeated(
        name + "_seeds",
        name,
        "seeds_main.cc",
        seeds,
        "medium",
        tags + ["notsan"],
        deps,
        **kwargs
    )
    _repeated(
        name + "_seeds_procs",
        name,
        "seeds_main.cc",
        seeds // 20,
        "medium",
        tags + ["notsan"],
        deps,
        env = {"TEST_GOMAXPROCS": "3"},
        **kwargs
    )
    _repeated(name + "_threads", name, "threads_main.cc", 30, "medium", tags, deps, **kwargs)
    _repeated(
        name + "_threads_long",
        name,
        "threads_main.cc",
        1500,
        "enormous",
        tags + [
            "exclusive",
            "long",
        ],
        deps,
        **kwargs
    )
