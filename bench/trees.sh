#!/bin/sh
# Unpacks the applications of the check's study: nine Debian packages, none of them installed.
#
#   bench/trees.sh [DIR]     default .packages/trees, which git does not see
#
# DIR/NAME is the directory that a site of that application would be a release of, as its package ships it, links and
# all; DIR/versions.txt says which versions. What is there already is left alone: to bring newer ones, remove DIR.
# Invariant: nothing is installed, and no script of a package is run. Exit 0 all there, 1 something failed.
set -eu
umask 022

workspace=$(dirname "$(cd "$(dirname "$0")" && pwd)")
trees=${1:-$workspace/.packages/trees}

die() { printf 'trees: %s\n' "$*" >&2; exit 1; }

# name, the directory inside its packages, and the packages.
applications() {
    cat <<END
adminer usr/share/adminer adminer
cacti usr/share/cacti cacti
dokuwiki usr/share/dokuwiki dokuwiki
mediawiki usr/share/mediawiki mediawiki mediawiki-classes
phpmyadmin usr/share/phpmyadmin phpmyadmin
simplesamlphp usr/share/simplesamlphp simplesamlphp
tt-rss usr/share/tt-rss/www tt-rss
wordpress usr/share/wordpress wordpress
zabbix usr/share/zabbix zabbix-frontend-php
END
}

# apt checks the signature chain; as root it would hand the download to another user, who may not write here.
fetch() {
    (cd "$new" && apt-get --quiet=2 -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=3 download "$1" >&2) ||
        die "could not fetch $1; run: apt-get update"
}

# Built aside and put in place by one rename, so a killed run leaves nothing half unpacked.
unpack() {
    name=$1 inside=$2
    shift 2
    [ ! -d "$trees/$name" ] || return 0
    mkdir -p "$new/root"
    for package in "$@"; do
        fetch "$package"
        for deb in "$new/${package}"_*.deb; do
            dpkg -x "$deb" "$new/root"
            basename "$deb" .deb >>"$trees/versions.txt"
            rm "$deb"
        done
    done
    mv "$new/root/$inside" "$trees/$name"
    rm -rf "$new/root"
}

command -v apt-get >/dev/null 2>&1 || die 'apt-get is not here: this needs Debian 12'
mkdir -p "$trees"
trees=$(cd "$trees" && pwd)
new=$trees/.new.$$
trap 'rm -rf "$new"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP QUIT
mkdir "$new"
applications | while read -r line; do
    # shellcheck disable=SC2086
    unpack $line
done
printf 'trees: all in %s\n' "$trees"
