"""libbacktrace comes with each of Debian's gcc: names and lines for tracebacks."""

load(":debian_package.bzl", "debian_package")

_FOLDERS = {
    "aarch64": ("libgcc-12-dev-arm64-cross", "/usr/lib/gcc-cross/aarch64-linux-gnu/12"),
    "riscv64": ("libgcc-12-dev-riscv64-cross", "/usr/lib/gcc-cross/riscv64-linux-gnu/12"),
    "x86_64": ("libgcc-12-dev", "/usr/lib/gcc/x86_64-linux-gnu/12"),
}

def backtrace_packages():
    """Declares @backtrace_CPU, one for each CPU; //third_party:backtrace chooses."""
    for cpu, (package, folder) in _FOLDERS.items():
        debian_package(
            name = "backtrace_" + cpu,
            build_file = "//third_party:backtrace.BUILD",
            files = {
                "include/backtrace.h": folder + "/include/backtrace.h",
                "libbacktrace.a": folder + "/libbacktrace.a",
            },
            package = package,
        )
