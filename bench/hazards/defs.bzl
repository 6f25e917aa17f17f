"""hazard_cases: the cases compiled by one compiler at one level, as an archive."""

# What compiles C, and C++; by name, because the workspace's own toolchain is not what is studied.
COMPILERS = {
    "clang": ("clang-19", "clang++-19"),
    "gcc": ("gcc-12", "g++-12"),
}

LEVELS = ["O0", "O2", "O3"]

# Frames are probed, as those of a program that cares for its guards.
_FLAGS = "-I. -D_GNU_SOURCE -g1 -Wall -Wextra -Werror -fPIC"

def hazard_cases(name, compiler, level, srcs, unprobed, hdrs):
    """Declares the library NAME.

    Args:
      name: of the library.
      compiler: key of COMPILERS.
      level: of LEVELS.
      srcs: C and C++ sources.
      unprobed: C sources that are compiled without -fstack-clash-protection.
      hdrs: what they include.
    """
    c, cxx = COMPILERS[compiler]
    commands = ["set -e"]
    objects = []
    for src in srcs + unprobed:
        stem = src.split("/")[-1].split(":")[-1]
        probes = "-fno-stack-clash-protection" if src in unprobed else "-fstack-clash-protection"
        driver = cxx + " -std=c++17" if src.endswith(".cc") else c + " -std=c17"
        objects.append("$(@D)/%s/%s.o" % (name, stem))
        commands.append("/usr/bin/%s -%s %s %s -c $(location %s) -o %s" % (
            driver,
            level,
            _FLAGS,
            probes,
            src,
            objects[-1],
        ))
    native.genrule(
        name = name + "_archive",
        srcs = srcs + unprobed + hdrs + [
            "@host_tools//:linux_x86_64",
            "@host_tools//:linux_x86_64_gcc",
        ],
        outs = [name + ".a"],
        cmd = "\n".join(
            commands[:1] + ["mkdir -p $(@D)/" + name] + commands[1:] +
            ["/usr/bin/llvm-ar-19 rcsD $@ " + " ".join(objects)],
        ),
        message = "Compiling hazards with %s -%s" % (compiler, level),
    )
    native.cc_library(
        name = name,
        testonly = True,
        srcs = [name + ".a"],
    )
