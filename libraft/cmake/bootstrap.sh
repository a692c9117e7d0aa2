# Shared by the scripts that start from a fresh machine: packages and build trees. To be sourced
# by bash with `set -euo pipefail`, in the root of the repository.
# shellcheck shell=bash

say() { printf '== %s\n' "$*"; }

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

# version_of_installed PACKAGE: its version, or nothing.
version_of_installed() {
  dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" 2>/dev/null | sed -n 's/^installed //p'
}

# version_of_candidate PACKAGE: the version that apt would install, or nothing.
version_of_candidate() {
  apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p' | grep -v '^(none)$' || true
}

# met_by VERSION_OF NEED: prints the first alternative of a|b>=1.2 that VERSION_OF has new enough.
met_by() {
  local alternative name version
  for alternative in ${2//|/ }; do
    name=${alternative%%>=*}
    version=$("$1" "$name")
    [ -n "$version" ] || continue
    if [ "$name" = "$alternative" ] ||
      dpkg --compare-versions "$version" ge "${alternative#*>=}"; then
      printf '%s\n' "$name"
      return 0
    fi
  done
  return 1
}

# install_packages PURPOSE...: installs what libraft/cmake/debian-packages lists and is missing.
# Nothing is touched, and no right is needed, when nothing is missing.
install_packages() {
  local purpose need needs missing=() packages=() root=()
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "not a Debian system: trusting that the packages are there"
    return 0
  fi
  for purpose in "$@"; do
    needs=$(sed -n "s/^$purpose: //p" libraft/cmake/debian-packages)
    for need in $needs; do
      met_by version_of_installed "$need" >/dev/null || missing+=("$need")
    done
  done
  [ ${#missing[@]} -gt 0 ] || return 0

  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "as root: apt-get install ${missing[*]}"
    root=(sudo)
  fi
  mkdir -p build
  say "installing ${missing[*]} (output in build/apt.log)"
  "${root[@]}" apt-get update -qq >build/apt.log 2>&1 || die "$(tail -n 20 build/apt.log)"
  for need in "${missing[@]}"; do
    packages+=("$(met_by version_of_candidate "$need")") || die "apt does not know $need"
  done
  # Another Boost would have to give way to 1.81: that is for the owner of the machine to decide.
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-remove \
    --no-install-recommends "${packages[@]}" >>build/apt.log 2>&1 ||
    die "$(tail -n 20 build/apt.log)"
}

# build_tree FOLDER "TARGET ..." [CMAKE ARGUMENT...]: configures and builds; does only what has changed.
build_tree() {
  local folder=$1 targets start=$SECONDS quiet=()
  read -ra targets <<<"$2"
  shift 2
  say "building $folder"
  # On a terminal ninja shows its progress in one line; elsewhere only what goes wrong.
  [ -t 1 ] || quiet=(--quiet)
  mkdir -p "$folder"
  cmake -G Ninja -S . -B "$folder" "$@" >"$folder/configure.log" 2>&1 ||
    die "$(cat "$folder/configure.log")"
  ninja -C "$folder" "${quiet[@]}" "${targets[@]}" || die "building $folder failed"
  say "built $folder in $((SECONDS - start)) s"
}
