#!/bin/bash
# Builds the fuzz targets into $OUT, as OSS-Fuzz and ClusterFuzzLite ask for it: with the compilers,
# flags and engine that they name, and without Bazel.  docs/fuzzing.md says how to use it;
# tests/oss_fuzz_test.py runs it as they do.
set -euo pipefail

die() {
  printf 'fuzz/oss-fuzz/build.sh: %s\n' "$*" >&2
  exit 1
}

for name in OUT WORK CC CXX LIB_FUZZING_ENGINE; do
  [ -n "${!name:-}" ] || die "$name is not set: OSS-Fuzz sets it"
done
arch=${ARCHITECTURE:-x86_64}
# $0 may be a link in $SRC.
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
[ -f "runtime/arch/$arch/switch.S" ] || die "the runtime has no code for $arch"

# What toolchain/cc_toolchain_config.bzl has, and stacks that move need.
export OUR_FLAGS="-std=c17 -D_GNU_SOURCE -I. -fstack-clash-protection -fno-omit-frame-pointer"
case "${SANITIZER:-address}" in
  address) OUR_FLAGS+=" -fsanitize-address-use-after-return=never" ;;
  undefined | coverage) ;;
  *) die "no targets for the sanitizer $SANITIZER: address, undefined and coverage are supported" ;;
esac
backtrace=$(printf '%s\n' /usr/lib/gcc/"$arch"-linux-gnu/*/libbacktrace.a | sort -V | tail -n1)
[ -f "$backtrace" ] || die "no libbacktrace.a here: it comes with Debian's and Ubuntu's gcc"
OUR_FLAGS+=" -isystem $WORK/include"

# Compiles $1 into $WORK/objects; the runtime's code gets its section (runtime/defs.bzl).
compile() {
  local object=$WORK/objects/${1//\//_}.o extra
  case $1 in
    runtime/*) extra="-include runtime/text.h" ;;
    # What the harness itself compares is of no use to the engine (fuzz/defs.bzl).
    *) extra="-fno-sanitize-coverage=trace-cmp" ;;
  esac
  # Flags are lists of words.
  # shellcheck disable=SC2086
  $CC ${CFLAGS:-} $OUR_FLAGS $extra -c "$1" -o "$object"
}
export -f compile

rm -rf "$WORK/objects"
mkdir -p "$WORK/objects" "$WORK/include" "$OUT"
# Alone: beside it lie gcc's headers for what clang has its own.
cp "$(dirname "$backtrace")/include/backtrace.h" "$WORK/include"
{
  find runtime -path runtime/arch -prune -o -path runtime/os -prune -o -name '*.[cS]' -print
  find "runtime/arch/$arch" runtime/os/posix runtime/arch/aarch64/preindexed.c runtime/os/*.c \
    -name '*.[cS]' ! -name 'macho*' ! -name 'win64*'
  # Of files that are for one processor, this one's.
  find runtime/os/linux -name '*.[cS]' ! -name musl.c ! -name '*_*'
  find runtime/os/linux -name "*_$arch.[cS]"
  find fuzz -maxdepth 1 -name '*.c' ! -name replay_main.c ! -name 'lanes_*' ! -name '*_windows.c'
  echo "fuzz/lanes_$arch.c"
} | sort -u | xargs -P "$(nproc)" -I{} bash -euo pipefail -c 'compile {}'

shared=("$WORK"/objects/runtime_*.o
  "$WORK"/objects/fuzz_{accessible_posix,alarm_posix,encodings,results}.c.o
  "$WORK/objects/fuzz_lanes_$arch.c.o")
for source in fuzz/*_fuzz.c; do
  name=$(basename "$source" _fuzz.c)
  own=("$WORK/objects/fuzz_${name}_fuzz.c.o")
  [ ! -f "fuzz/${name}_mutator.c" ] || own+=("$WORK/objects/fuzz_${name}_mutator.c.o")
  # Bound at start: the dynamic linker's resolver is not to run on a goroutine's stack.
  # shellcheck disable=SC2086
  $CXX ${CXXFLAGS:-} "${own[@]}" "${shared[@]}" "$backtrace" $LIB_FUZZING_ENGINE \
    -Wl,-z,relro,-z,now -lm -lpthread -o "$OUT/${name}_fuzz"
  python3 -m zipfile -c "$OUT/${name}_fuzz_seed_corpus.zip" "fuzz/corpus/$name"/*
  cp fuzz/oss-fuzz/fuzz.options "$OUT/${name}_fuzz.options"
  [ ! -f "fuzz/$name.dict" ] || cp "fuzz/$name.dict" "$OUT/${name}_fuzz.dict"
done
