"""macho_archives: what a library and all that it needs are for macOS, for a test to look at."""

def _for_macos_impl(_settings, _attr):
    return {
        cpu: {"//command_line_option:platforms": "//toolchain:macos_" + cpu}
        for cpu in ["arm64", "x86_64"]
    }

_for_macos = transition(
    implementation = _for_macos_impl,
    inputs = [],
    outputs = ["//command_line_option:platforms"],
)

def _archives(deps):
    linked = [dep[CcInfo].linking_context.linker_inputs for dep in deps]
    return [
        library.pic_static_library or library.static_library
        for linker_input in depset(transitive = linked).to_list()
        for library in linker_input.libraries
    ]

def _impl(ctx):
    lines = []
    files = []
    for cpu, deps in ctx.split_attr.deps.items():
        for archive in _archives(deps):
            # Both have the same path, but for the folder of their configuration.
            path = "%s_/%s/%s" % (ctx.label.name, cpu, archive.short_path)
            link = ctx.actions.declare_file(path)
            ctx.actions.symlink(output = link, target_file = archive)
            lines.append("%s %s\n" % (cpu, link.short_path))
            files.append(link)
    manifest = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(manifest, "".join(lines))
    return DefaultInfo(
        files = depset([manifest]),
        runfiles = ctx.runfiles([manifest] + files),
    )

# Each line of the file NAME: a processor, and the path of an archive.
macho_archives = rule(
    implementation = _impl,
    attrs = {
        "deps": attr.label_list(
            cfg = _for_macos,
            providers = [CcInfo],
        ),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
)
