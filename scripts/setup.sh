# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What `demo` and `tests/run` share: the Debian packages needed, and the build. Sourced, not run.
# Whoever sources it sets `tool` (the name to put before messages) and uses `set -euo pipefail`.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Packages to build the plugin and to run it in tshark.
packages_build=(cmake gcc libc6-dev libglib2.0-dev ninja-build pkg-config python3 tshark util-linux wireshark-dev)

# Packages that the tests need besides: cmocka, pytest and scapy; ip and tcpdump to make traffic; sharkd and editcap
# (wireshark-common); nm (binutils); what makes and reads a .deb (dpkg-dev, file); what tcplife-batch runs (parallel, tcpdump)
# and what the documents load tables with (jq, sqlite3); what makes and shows manual pages (asciidoctor, man-db); what fuzzes and
# looks for errors of memory (clang and its run-time libraries, hypothesis, valgrind).
packages_tests=(
    asciidoctor binutils clang dpkg-dev file iproute2 jq libclang-rt-dev libcmocka-dev man-db parallel python3-hypothesis
    python3-pytest python3-pytest-xdist python3-scapy sqlite3 tcpdump valgrind wireshark-common
)

# Packages that tests/gui needs besides: Wireshark's window, a screen that nobody sees, and what reads and photographs it.
# 90 MB to download, hence only where `tests/run --gui` asks for them.
packages_gui=(at-spi2-core dbus-daemon gir1.2-atspi-2.0 imagemagick python3-gi wireshark xdotool xvfb)

# Debian's own Python: another one that comes first on PATH does not see Debian's pytest and scapy.
python=/usr/bin/python3

say() {
    printf '%s: %s\n' "$tool" "$*" >&2
}

fail() {
    say "$@"
    exit 1
}

is_root() {
    [ "$(id -u)" -eq 0 ]
}

# ---- packages --------------------------------------------------------------------------------------------------------

# Prints those of the given packages that are not installed, one a line.
missing_packages() {
    local installed
    installed=$(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
    printf '%s\n' "$@" | grep --line-regexp --fixed-strings --invert-match \
        --file <(sed -n 's/^installed //p' <<<"$installed") || true
}

# Sets `as_root` to the words to put before a command that root must run, or fails with the remedy. $1: the command
# that would have been run, for the message. sudo asks for a password only where a person can type one.
need_root() {
    as_root=()
    is_root && return
    if ! command -v sudo >/dev/null; then
        fail "this user may not install packages and there is no sudo. As root, run: $1"
    elif sudo --non-interactive true 2>/dev/null; then
        as_root=(sudo --non-interactive)
    elif [ -t 0 ] && [ -t 2 ]; then
        as_root=(sudo)
    else
        fail "sudo does not work without a password here. As root, run: $1"
    fi
}

# Runs apt-get so that it cannot ask anything; waits up to 5 minutes for another apt-get to finish.
quiet_apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a APT_LISTCHANGES_FRONTEND=none \
        apt-get --option DPkg::Lock::Timeout=300 --option Dpkg::Use-Pty=0 --quiet "$@" </dev/null
}

# Installs those of the given packages that are missing. Nothing to do: a few milliseconds, no network, no root.
install_packages() {
    local missing as_root log
    command -v dpkg-query >/dev/null || {
        say "not a Debian system: make sure that the like of these is installed: $*"
        return
    }
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" -eq 0 ] && return

    need_root "apt-get install --no-install-recommends ${missing[*]}"
    say "installing, a minute or a few: ${missing[*]}"
    log=$(mktemp)
    # A failed update is no failure yet: the lists that are there may do, and one broken source must not stop us.
    quiet_apt update >"$log" 2>&1 || true
    if ! quiet_apt install --yes --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
        grep --extended-regexp '^(E|W|Err)[: ]' "$log" >&2 || tail --lines=15 "$log" >&2
        rm --force "$log"
        fail "apt-get could not install: ${missing[*]}. Check the network and the package sources in /etc/apt, then try" \
            "again; or install the packages by hand: apt-get install --no-install-recommends ${missing[*]}"
    fi
    rm --force "$log"
}

# ---- build -----------------------------------------------------------------------------------------------------------

# Prints the folder of the build called $1: in the repository if this user can write there, else in the user's cache.
build_folder() {
    local folder=$repo/build/$1
    if mkdir --parents "$folder" 2>/dev/null && is_own "$folder"; then
        printf '%s\n' "$folder"
        return
    fi
    folder=${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/tcplife/$1
    mkdir --parents "$folder" ||
        fail "cannot write to $repo/build nor to $folder; set XDG_CACHE_HOME to a folder that you can write to"
    printf '%s\n' "$folder"
}

# Whether this user can go on with the build in the folder: somebody else's has files that it could not replace.
is_own() {
    [ -w "$1" ] && [ -w "$(dirname "$1")" ] && { [ -O "$1/CMakeCache.txt" ] || [ ! -e "$1/CMakeCache.txt" ]; }
}

# Throws away a build folder that CMake would refuse: it was made for a repository at another place.
forget_moved_build() {
    local folder=$1 home
    home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$folder/CMakeCache.txt" 2>/dev/null || true)
    [ -z "$home" ] || [ "$home" = "$repo" ] || empty_folder "$folder"
}

empty_folder() {
    find "$1" -mindepth 1 -delete
}

configure() {
    local folder=$1
    shift
    cmake -S "$repo" -B "$folder" -G Ninja "$@"
}

# build FOLDER TARGET [CMake options]: configures and builds, quietly unless something goes wrong. A second run at the
# same time waits. A cache that no longer fits the system (after an upgrade, say) is thrown away once.
build() {
    local folder=$1 target=$2
    shift 2
    (
        flock 9
        forget_moved_build "$folder"
        [ -e "$folder/CMakeCache.txt" ] || say "building in $folder, about half a minute"
        if ! configure "$folder" "$@" >"$folder.log" 2>&1; then
            empty_folder "$folder"
            configure "$folder" "$@" >"$folder.log" 2>&1 || fail "CMake failed:"$'\n'"$(cat "$folder.log")"
        fi
        ninja -C "$folder" "$target" >"$folder.log" 2>&1 || fail "the build failed:"$'\n'"$(cat "$folder.log")"
    ) 9>"$folder.lock" || exit 1
}
