# shellcheck shell=bash disable=SC2016,SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian releases in folders, to build, test and install in: what `tests/matrix` and `tests/package` share. Sourced after
# setup.sh, not run. Root only.
#
# A command in such a folder runs in mount and process namespaces of its own. What it mounts nobody else sees, and when it
# ends, or we are killed, its mounts and the processes that it started are gone: there is nothing to clean up.

debian_cache=${TCPLIFE_MATRIX_CACHE:-/var/cache/tcplife-matrix}

# Releases of Debian by the version of Wireshark that they carry.
declare -A debian_release=([4.0]=bookworm [4.4]=trixie [4.6]=forky)

# Fails with a clear message where folders cannot be made; status 2, which says that nothing was tested.
require_debian_folders() {
    local problem=
    if ! is_root; then
        problem="needs root, to make Debian folders and to change into them. Run it as root or with sudo"
    elif ! command -v debootstrap >/dev/null; then
        problem="needs debootstrap. Install it: apt-get install debootstrap"
    elif ! in_namespaces --mount-proc true 2>/dev/null; then
        problem="may not make mount and process namespaces here (unshare fails): a container without CAP_SYS_ADMIN?"
    fi
    [ -z "$problem" ] && return
    say "$problem. Nothing was tested."
    exit 2
}

# Where to get packages: what the user says, else the mirror that this machine uses, else Debian's own.
debian_mirror() {
    local used
    used=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null |
        sed -n '\,^https\?://,{p;q}' || true)
    printf '%s\n' "${TCPLIFE_DEBIAN_MIRROR:-${used:-http://deb.debian.org/debian}}"
}

# The script of debootstrap for a release: a newer one than this debootstrap knows is made like sid.
debootstrap_script() {
    local scripts=/usr/share/debootstrap/scripts
    [ ! -e "$scripts/$1" ] && printf '%s\n' "$scripts/sid" || printf '%s\n' "$scripts/$1"
}

# in_namespaces COMMAND...: namespaces of its own, which end with the command, as it ends when this shell does. In the
# background, because bash heeds no signal while it waits for a command in the foreground, and nothing else would stop one:
# the first process of a process namespace ignores what it does not handle.
in_namespaces() {
    setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child "$@" &
    wait "$!"
}
trap 'exit 130' INT TERM

# in_debian FOLDER COMMAND...: runs the command as root in the folder, with nothing of our environment. /sys is there as on any
# machine: GNU parallel asks lscpu for the number of processors, which complains without it. And bash has what it starts in the
# background ignore SIGINT: tests send it.
in_debian() {
    local folder=$1
    shift
    # shellcheck disable=SC2016 # $@ is that of the inner shell
    in_namespaces --root="$folder" --mount-proc env --ignore-environment --default-signal=INT,QUIT \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive ${CI+CI="$CI"} \
        sh -c 'mount -t sysfs -o ro sysfs /sys && exec "$@"' sh "$@"
}

# installed_version FOLDER PACKAGE: prints the version of the package there.
installed_version() {
    in_debian "$1" dpkg-query --show --showformat '${Version}' "$2"
}

# What a folder gets of this machine before each use: name resolution, settings of apt (a proxy, say); services do not start.
adapt_debian() {
    local folder=$1
    cp --dereference /etc/resolv.conf /etc/hosts "$folder/etc/"
    apt-config dump | grep --extended-regexp '^Acquire::(http|https|Check-[A-Za-z-]+)(::| )' |
        grep --invert-match ' "";$' >"$folder/etc/apt/apt.conf.d/99like-the-host" || true
    printf '#!/bin/sh\nexit 101\n' >"$folder/usr/sbin/policy-rc.d"
    chmod 755 "$folder/usr/sbin/policy-rc.d"
}

# Makes the folder NAME of the cache ours until this script ends; waits for another run that uses it.
lock_debian() {
    local lock
    mkdir --parents "$debian_cache"
    exec {lock}>"$debian_cache/$1.lock"
    flock --nonblock "$lock" && return
    say "waiting for another run that uses $debian_cache/$1"
    flock "$lock"
}

# make_debian NAME RELEASE PACKAGE...: makes the folder NAME in the cache with the packages (no recommended ones), unless it
# is there already; sets `debian_folder`. What is left of a run that was interrupted is thrown away. Lock the folder first.
make_debian() {
    local name=$1 release=$2 log
    shift 2
    debian_folder=$debian_cache/$name
    if [ -e "$debian_folder" ]; then
        adapt_debian "$debian_folder"
        return
    fi
    log=$debian_cache/$name.log
    say "making Debian $release in $debian_folder"
    fill_debian "$debian_folder.new" "$release" "$@" >"$log" 2>&1 ||
        fail "could not make Debian $release: $(tail --lines=3 "$log") - all of it is in $log"
    mv "$debian_folder.new" "$debian_folder"
}

fill_debian() {
    local folder=$1 release=$2
    shift 2
    remove_debian "$folder"
    http_proxy=${http_proxy-$(apt-config dump | sed -n 's/^Acquire::http::Proxy "\(.*\)";/\1/p')} \
        in_namespaces --mount-proc debootstrap --variant=minbase "$release" "$folder" \
        "$(debian_mirror)" "$(debootstrap_script "$release")" &&
        adapt_debian "$folder" &&
        in_debian "$folder" apt-get --quiet update &&
        in_debian "$folder" apt-get --quiet --yes --no-install-recommends install "$@" &&
        in_debian "$folder" apt-get clean
}

# Removes a folder; never follows it into another file system that somebody mounted there.
remove_debian() {
    rm --recursive --force --one-file-system "$1"
}

# copy_sources FOLDER: the repository's files as git sees them, new ones too, become FOLDER. Its folder `build` is left and
# files keep their times, so that a build there is continued.
copy_sources() {
    mkdir --parents "$1"
    find "$1" -mindepth 1 -maxdepth 1 ! -name build -exec rm --recursive --force {} +
    git -C "$repo" -c safe.directory="$repo" ls-files -z --cached --others --exclude-standard --deduplicate |
        (cd "$repo" && tar --create --null --files-from=- --ignore-failed-read --file=- 2>/dev/null) |
        tar --extract --no-same-owner --directory="$1"
}
