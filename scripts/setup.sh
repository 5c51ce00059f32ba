# Sourced by the other scripts: finds Swift, and installs the system libraries that are missing.
# Says plainly what is missing where it cannot go on. Asks nothing; safe to repeat.

fail() {
  echo "error: $1" >&2
  exit 1
}

require_swift() {
  command -v swift >/dev/null 2>&1 || fail "Swift is not installed or not on the PATH; SegKernels needs Swift 6.2 or later (https://www.swift.org/install)"
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1)
  major=${version% *}
  minor=${version#* }
  if [ -z "$version" ] || [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 2 ]; }; then
    fail "SegKernels needs Swift 6.2 or later, found '$(swift --version 2>/dev/null | head -n 1)'"
  fi
}

# has_library HEADER LIBRARY: whether a C program with this header links to this library.
has_library() {
  compiler=$(dirname "$(command -v swift)")/clang
  [ -x "$compiler" ] || compiler=cc
  header=""
  [ "$1" = - ] || header="#include <stdio.h>
#include <$1>"
  printf '%s\nint main(void) { return 0; }\n' "$header" | "$compiler" -x c - -o /dev/null "-l$2" >/dev/null 2>&1
}

require_libraries() {
  missing=""
  has_library - openblas || missing="$missing libopenblas-dev"
  has_library png.h png || missing="$missing libpng-dev"
  has_library turbojpeg.h turbojpeg || missing="$missing libturbojpeg0-dev"
  has_library zlib.h z || missing="$missing zlib1g-dev"
  has_library mpi.h mpi || has_library mpi/mpi.h mpi || missing="$missing libopenmpi-dev"
  [ -z "$missing" ] && return 0

  command -v apt-get >/dev/null 2>&1 || fail "missing libraries:$missing (Debian's names); there is no apt-get here, so please install them by your system's means"
  may_install || fail "missing libraries; as root, run: apt-get install -y$missing"
  install_packages "$missing" || fail "could not install$missing; is the network reachable?"
}

# may_install: whether packages can be installed without a password; sets as_root.
may_install() {
  as_root=""
  [ "$(id -u)" -eq 0 ] && return 0
  as_root="sudo"
  command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null
}

# install_packages NAMES: by apt-get, with its lists brought up to date where that is needed.
install_packages() {
  echo "installing $1" >&2
  # shellcheck disable=SC2086
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $1 >/dev/null 2>&1 ||
    { $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $1 >/dev/null; }
}

# For tests alone: `segkernels video` in a pipe. Without it that test is skipped.
offer_ffmpeg() {
  command -v ffmpeg >/dev/null 2>&1 && return 0
  { command -v apt-get >/dev/null 2>&1 && may_install && install_packages ffmpeg; } ||
    echo "note: no ffmpeg: 'segkernels video' is not tested in a pipe with it" >&2
}

# What the scripts build with: one choice for all, since another choice builds everything anew.
traits=MPI,Tools

# run_tests OPTIONS: those that were built.
run_tests() {
  swift test -c release --traits "$traits" --skip-build --disable-testable-imports --disable-swift-testing "$@"
}

# The first build fetches swift-argument-parser and Yams.
require_dependencies() {
  swift package resolve >/dev/null 2>.build-resolve.log || {
    tail -n 3 .build-resolve.log >&2
    rm -f .build-resolve.log
    fail "could not fetch the Swift packages of Package.swift; is the network reachable?"
  }
  rm -f .build-resolve.log
}

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root" || fail "cannot enter $root"
require_swift
require_libraries
require_dependencies
