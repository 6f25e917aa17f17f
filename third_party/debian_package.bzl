"""A repository made of links to the files of an installed Debian package: nothing is downloaded."""

def _impl(ctx):
    for name, path in ctx.attr.files.items():
        if not ctx.path(path).exists:
            fail("%s is not installed (no %s): run tools/setup" % (ctx.attr.package, path))
        ctx.symlink(path, name)
    ctx.symlink(ctx.attr.build_file, "BUILD.bazel")

debian_package = repository_rule(
    implementation = _impl,
    attrs = {
        "build_file": attr.label(allow_single_file = True, mandatory = True),
        # path in the repository -> path on this machine
        "files": attr.string_dict(mandatory = True),
        "package": attr.string(doc = "what to install where a file is missing", mandatory = True),
    },
    local = True,  # looked at again when the server starts: the package may have come since
)
