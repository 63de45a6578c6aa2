#!/bin/sh
# Brings the Debian packages of packaging/packages/*.txt to this machine.
#
#   packages.sh [--bench] [--then 'COMMAND']
#
#   --bench   also what only `make bench` needs
#   --then    what the caller wants to do next; told to someone who is not root
#
# Two kinds: installed by apt, and only unpacked beneath .packages/ (see ARCHITECTURE.md).
# Invariant: no service is started, stopped or restarted, and a policy-rc.d that was here before
# is here afterwards, the same inode, whatever kills this script (a re-run puts it back).
# A machine that has everything is left alone: no apt, no network.
# Exit 0 all there, 1 something failed, 2 not root or a wrong argument.
set -eu
umask 022

here=$(cd "$(dirname "$0")" && pwd)
workspace=$(dirname "$here")
lists=$here/packages
store=$workspace/.packages
policy=/usr/sbin/policy-rc.d
saved=/usr/sbin/policy-rc.d.lamplighter-saved
mark='# put here by lamplighter packaging/packages.sh'
lock=/run/lock/lamplighter-packages
# Goes up when the same packages are to be laid out differently.
layout=3
lock_wait_s=900
retries=3

say() { printf 'packages: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

names() { sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$lists/$1.txt"; }

usage() {
    say "unknown argument '$1'"
    printf 'usage: packages.sh [--bench] [--then COMMAND]\n' >&2
    exit 2
}

quoted() { printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"; }

# PATH and HOME go along, or root does not find a Rust toolchain that stands in a user's home.
refuse_without_root() {
    command="env PATH=$(quoted "$PATH") HOME=$(quoted "${HOME:-/root}") $1"
    if command -v sudo >/dev/null 2>&1; then
        command="sudo $command"
    else
        command="su -c $(quoted "$command")"
    fi
    printf 'packages: installing packages and running the lab need root; type:\n\n  %s\n\n' "$command" >&2
    exit 2
}

# --- what is missing -------------------------------------------------------------------------

installed_here() {
    # `install ok installed` only: an unpacked or half-configured package counts as missing.
    dpkg-query -W -f '${Package} ${db:Status-Status}\n' 2>/dev/null |
        sed -n 's/ installed$//p' | sort -u
}

missing_from_dpkg() {
    installed_here >"$scratch/here"
    printf '%s\n' "$@" | sort -u | comm -23 - "$scratch/here"
}

# The stamp names what was unpacked and the versions; only the names decide, so that a machine
# without network stays as it is. To bring newer versions, remove .packages.
unpacked_is_complete() {
    [ -d "$store/root/usr/share/wordpress" ] && [ -d "$store/wordpress" ] || return 1
    { printf 'layout-%s\n' "$layout"; names unpacked; } | sort >"$scratch/wanted"
    sed 's/ .*//' "$store/versions.txt" 2>/dev/null | sort >"$scratch/stamped"
    cmp -s "$scratch/wanted" "$scratch/stamped"
}

# --- policy-rc.d: nothing is started ------------------------------------------------------------

ours() { [ -f "$1" ] && grep -qsF "$mark" "$1"; }

forbid_starts() {
    restore_policy
    if [ -e "$policy" ] || [ -L "$policy" ]; then
        # A second name for the same inode: no moment without a policy, nothing copied.
        ln -P "$policy" "$saved"
    fi
    cat >"$policy.lamplighter-new" <<END
#!/bin/sh
$mark
# Forbids every start, stop and restart of a service while packages are installed.
exit 101
END
    chmod 0755 "$policy.lamplighter-new"
    mv -f "$policy.lamplighter-new" "$policy"
}

# Also what a re-run does first, after a run that was killed. Without a saved policy ours is
# removed; a policy that somebody else put here meanwhile is theirs and stays.
restore_policy() {
    rm -f "$policy.lamplighter-new"
    if [ -e "$saved" ] || [ -L "$saved" ]; then
        if ours "$policy" || { [ ! -e "$policy" ] && [ ! -L "$policy" ]; }; then
            mv -f "$saved" "$policy"
        elif [ "$saved" -ef "$policy" ]; then
            rm -f "$saved"
        else
            say "$policy was changed by somebody else; the earlier one stays at $saved"
        fi
    elif ours "$policy"; then
        rm -f "$policy"
    fi
}

leave() {
    status=$?
    trap - EXIT INT TERM HUP QUIT
    if [ "$policy_held" = yes ]; then restore_policy; fi
    rm -rf "$scratch" "$store/new.$$"
    exit "$status"
}

# --- apt ------------------------------------------------------------------------------------------

quiet_apt() {
    DEBIAN_FRONTEND=noninteractive DEBIAN_PRIORITY=critical APT_LISTCHANGES_FRONTEND=none \
        NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8 \
        apt-get --quiet=2 --assume-yes \
        -o DPkg::Lock::Timeout=$lock_wait_s -o Acquire::Retries=$retries \
        -o APT::Install-Recommends=false -o APT::Install-Suggests=false \
        -o Dpkg::Use-Pty=false -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
        "$@" </dev/null
}

# A mirror out of reach is told, not fatal: what apt already knows may be enough.
update_once() { quiet_apt update >&2 || say 'apt-get update failed; going on with what apt knows'; }

install_missing() {
    say "installing: $*"
    # After a run that was killed in the middle. What somebody else left broken need not stop us.
    if [ -n "$(dpkg --audit)" ]; then
        dpkg --configure -a --force-confdef --force-confold </dev/null >&2 || say 'dpkg --configure -a failed; going on'
    fi
    quiet_apt install --no-upgrade "$@" >&2 || die "apt-get install failed; look at the lines above"
    missing=$(missing_from_dpkg "$@")
    [ -z "$missing" ] || die "still not installed:" $missing
}

# --- unpacked ---------------------------------------------------------------------------------------

candidate() { apt-cache policy "$1" | sed -n 's/^  Candidate: //p'; }

# Fetched once into .packages/debs, by apt, which checks the signature chain.
fetch_deb() {
    version=$(candidate "$1")
    [ -n "$version" ] && [ "$version" != '(none)' ] || die "apt knows no package $1; run: apt-get update"
    set -- "$1" "$(printf %s "$version" | sed 's/:/%3a/')"
    deb=$(ls "$store/debs/$1_$2"_*.deb 2>/dev/null | head -n 1)
    if [ -z "$deb" ]; then
        (cd "$new" && quiet_apt -o APT::Sandbox::User=root download "$1" >&2) || die "could not fetch $1"
        mv "$new/$1"_*.deb "$store/debs/"
        deb=$(ls "$store/debs/$1_$2"_*.deb | head -n 1)
    fi
    printf '%s %s\n' "$1" "$version" >>"$new/versions"
}

# The bundle that ca-certificates makes when it is installed: all of its certificates in one file.
certificate_bundle() {
    mkdir -p "$new/root/etc/ssl/certs"
    find "$new/root/usr/share/ca-certificates" -name '*.crt' | sort | while read -r certificate; do
        cat "$certificate"
    done >"$new/root/etc/ssl/certs/ca-certificates.crt"
}

# The file behind a link of the unpacked root. Absolute links mean that root, not this machine's.
behind_link() {
    link=$1
    hops=0
    while [ -L "$link" ]; do
        hops=$((hops + 1))
        [ "$hops" -le 40 ] || die "links in circles: $1"
        target=$(readlink "$link")
        case $target in
        /*) link=$new/root$target ;;
        *) link=$(dirname "$link")/$target ;;
        esac
    done
    [ -f "$link" ] || die "$1 names $target, which no package of packaging/packages/unpacked.txt holds"
    printf %s "$link"
}

# WordPress as a plain tree: every link replaced by the file it names.
plain_wordpress() {
    find "$new/root/usr/share/wordpress" -type l >"$scratch/links"
    while read -r path; do
        file=$(behind_link "$path")
        cp "$file" "$path.lamplighter-plain"
        mv -f "$path.lamplighter-plain" "$path"
    done <"$scratch/links"
    left=$(find "$new/root/usr/share/wordpress" -type l)
    [ -z "$left" ] || die "links are left in wordpress: $left"
    cp -a --reflink=auto "$new/root/usr/share/wordpress" "$new/wordpress"
}

# Built aside, then put in place by renames; the stamp comes last, so a killed run is done again.
unpack_all() {
    say 'unpacking:' $(names unpacked)
    rm -rf "$store"/new.*
    mkdir -p "$store/debs" "$new/root"
    for name in $(names unpacked); do
        fetch_deb "$name"
        dpkg -x "$deb" "$new/root"
    done
    certificate_bundle
    plain_wordpress
    { printf 'layout-%s -\n' "$layout"; sort "$new/versions"; } >"$new/versions.txt"
    rm -f "$store/versions.txt"
    for part in root wordpress; do
        if [ -e "$store/$part" ]; then mv "$store/$part" "$new/$part.old"; fi
        mv "$new/$part" "$store/$part"
    done
    mv "$new/versions.txt" "$store/versions.txt"
}

# --- the way through ----------------------------------------------------------------------------------

bench=no
then=
while [ $# -gt 0 ]; do
    case $1 in
    --bench) bench=yes ;;
    --then) [ $# -ge 2 ] || usage "$1"; then=$2; shift ;;
    *) usage "$1" ;;
    esac
    shift
done

[ "$(id -u)" -eq 0 ] || refuse_without_root "${then:-$(quoted "$here/packages.sh")}"
command -v apt-get >/dev/null 2>&1 || die 'apt-get is not here: this needs Debian 12'

policy_held=no
new=$store/new.$$
scratch=$(mktemp -d)
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP QUIT

# One run at a time on this machine. apt inherits the descriptor: while an orphaned apt of a killed
# run still works, the policy that holds services back stays.
mkdir -p "$(dirname "$lock")"
exec 9>"$lock"
flock -w "$lock_wait_s" 9 || die "another run holds $lock"
if [ -e "$saved" ] || [ -L "$saved" ] || ours "$policy"; then restore_policy; fi

wanted=$(names installed)
if [ "$bench" = yes ]; then wanted="$wanted $(names bench)"; fi
missing=$(missing_from_dpkg $wanted)
unpack=yes
if unpacked_is_complete; then unpack=no; fi

if [ -z "$missing" ] && [ "$unpack" = no ]; then exit 0; fi

update_once
if [ -n "$missing" ]; then
    policy_held=yes
    forbid_starts
    install_missing $missing
fi
if [ "$unpack" = yes ]; then unpack_all; fi
say 'all there'
