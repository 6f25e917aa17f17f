"""case_library: functions in assembly that tests run, written for each processor."""

load("//toolchain:platforms.bzl", "by_cpu", "on_cpu")

def case_library(name, hdrs = None, **kwargs):
    """cc_library of name_<cpu>.S, for Linux.

    Args:
      name: of the library and its files
      hdrs: name.h if none are given
      **kwargs: of cc_library
    """
    native.cc_library(
        name = name,
        testonly = True,
        srcs = by_cpu(name + "_%s.S") + on_cpu("x86_64", ["case_macros.h"]),
        hdrs = hdrs or [name + ".h"],
        tags = ["not windows: assembly for the System V ABI"],
        target_compatible_with = ["@platforms//os:linux"],
        deps = on_cpu("aarch64", ["//runtime/arch/aarch64:bti"]),
        **kwargs
    )
