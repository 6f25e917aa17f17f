"""A C library that the system's package manager installed: its header is checked, then -lNAME."""

_BUILD = """load("@rules_cc//cc:defs.bzl", "cc_library")

package(default_visibility = ["//visibility:public"])

cc_library(
    name = "{name}",
    linkopts = {linkopts},
    # The installed library is for the machine it is installed on.
    target_compatible_with = [
        "@//toolchain:other_libc",
        "@platforms//cpu:x86_64",
        "@platforms//os:linux",
    ],
)
"""

def _impl(ctx):
    missing = [h for h in ctx.attr.headers if not ctx.path(h).exists]
    if missing:
        fail("%s is not installed (no %s): apt-get install %s" % (
            ctx.name,
            ", ".join(missing),
            ctx.attr.package,
        ))
    ctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % ctx.name)
    ctx.file("BUILD.bazel", _BUILD.format(name = ctx.name, linkopts = repr(ctx.attr.linkopts)))

system_library = repository_rule(
    implementation = _impl,
    local = True,
    attrs = {
        "headers": attr.string_list(doc = "absolute paths that must exist"),
        "linkopts": attr.string_list(mandatory = True),
        "package": attr.string(doc = "what to install", mandatory = True),
    },
)
