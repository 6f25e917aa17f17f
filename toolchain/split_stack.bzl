"""Code that checks for room on its stack, for goroutines of the growth strategy `prologue`."""

def split_stack_library(name, copts = [], **kwargs):
    """cc_library of functions that call for a larger stack when they have no room.

    They run as well on every other stack.  Functions with variable arguments must be marked
    __attribute__((no_split_stack)): clang-19 refuses to compile checks for them.  Not optimised at
    link time: code without checks is not to be inlined into their frames, nor they into its.

    Args:
      name: of the library
      copts: beside those for the checks
      **kwargs: as of cc_library
    """
    native.cc_library(
        name = name,
        copts = [
            "-fsplit-stack",
            "-fno-lto",
        ] + copts,
        # clang ignores -fsplit-stack elsewhere, or refuses it; the word that the checks read is
        # glibc's.
        target_compatible_with = [
            "//toolchain:other_libc",
            "@platforms//cpu:x86_64",
            "@platforms//os:linux",
        ],
        **kwargs
    )
