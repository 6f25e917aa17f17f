"""How the runtime is compiled."""

def runtime_library(name, deps = [], **kwargs):
    """cc_library whose code lies in the runtime's section, where preemption leaves it alone.

    Args:
      name: of the library
      deps: of the library
      **kwargs: as of cc_library
    """
    native.cc_library(
        name = name,
        copts = ["-include"] + select({
            "@platforms//os:macos": ["runtime/os/darwin/text.h"],
            "@platforms//os:windows": ["runtime/os/windows/text.h"],
            "//conditions:default": ["runtime/text.h"],
        }),
        deps = deps + ["//runtime:text"],
        **kwargs
    )
