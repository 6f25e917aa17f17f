"""What tools/ladder builds in its copy of the tree: programs with features of their own, all in one
build, so that a change of one file is one analysis and one file compiled, whatever looks at it."""

_FEATURES = "//command_line_option:features"

def _with_features_impl(settings, attr):
    return {_FEATURES: settings[_FEATURES] + attr.features_wanted}

_with_features = transition(
    implementation = _with_features_impl,
    inputs = [_FEATURES],
    outputs = [_FEATURES],
)

def _program_impl(ctx):
    program = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(
        output = program,
        target_file = ctx.attr.binary[0][DefaultInfo].files_to_run.executable,
        is_executable = True,
    )
    return DefaultInfo(executable = program)

program_with = rule(
    implementation = _program_impl,
    executable = True,
    attrs = {
        "binary": attr.label(cfg = _with_features, mandatory = True),
        "features_wanted": attr.string_list(),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
)
