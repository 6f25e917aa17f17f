"""For target_compatible_with and srcs: what holds on some platforms."""

CPUS = ["aarch64", "riscv64", "x86_64"]

# What POSIX has, each with the reason.
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
