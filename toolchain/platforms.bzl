"""For target_compatible_with and srcs: what holds on some platforms.

Why a test does not run on a platform, a tag says, of the test or of what it depends on:

    not NAME...: reason         or        only NAME...: reason

with the names that tools/test --platforms has; what is said of aarch64 holds for pac, too.
tools/test reports the reason, takes a test that is left out without one for a failure, and one that
runs in spite of its tag.
"""

CPUS = ["aarch64", "riscv64", "x86_64"]

# What POSIX has.
NOT_WINDOWS = select({
    "@platforms//os:windows": ["//toolchain:nowhere"],
    "//conditions:default": [],
})

def by_cpu(path):
    """The one of its files that is for the processor.

    Args:
      path: of the files, with %s for the processor: "call_at_%s.S"
    """
    return select({"@platforms//cpu:" + cpu: [path % cpu] for cpu in CPUS})

def on_cpu(cpu, targets):
    """targets on that processor, elsewhere none."""
    return select({
        "@platforms//cpu:" + cpu: targets,
        "//conditions:default": [],
    })

def by_system(path):
    """The one of its files that is for the system.

    Args:
      path: of the files, with %s for the system: "alarm_%s.c"
    """
    return select({
        "@platforms//os:windows": [path % "windows"],
        "//conditions:default": [path % "posix"],
    })
