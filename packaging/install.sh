#!/bin/sh
# Installs the command `bithuman` from an archive of a release (`cargo xtask dist`), checked against the release's
# SHA256SUMS, without root:
#   sh install.sh
#   sh install.sh --remove
# PREFIX: where to (~/.local). BITHUMAN_RELEASE: the release's folder, https:// or file:// (the latest on GitHub).
set -eu

PREFIX=${PREFIX:-${HOME:?HOME is not set: give PREFIX}/.local}
RELEASE=${BITHUMAN_RELEASE:-https://github.com/libessence/libessence/releases/latest/download}

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# fetch NAME FILE
fetch() {
    if have curl; then
        curl --fail --silent --show-error --location --retry 3 --proto '=https,file' --proto-redir '=https' \
            --output "$2" "$RELEASE/$1"
    elif have wget; then
        wget --quiet --tries 3 --output-document "$2" "$RELEASE/$1"
    else
        fail "curl and wget are missing: install one of them"
    fi || fail "$RELEASE/$1 can't be fetched"
}

# sum FILE: its SHA-256.
sum() {
    if have sha256sum; then sha256sum "$1"; else shasum --algorithm 256 "$1"; fi | cut -d ' ' -f 1
}

# Everything that is installed, below PREFIX.
program=bin/bithuman
brain=lib/libbithuman_brain.so
completion=share/bash-completion/completions/bithuman

case "${1-}" in
    '') ;;
    --remove)
        rm -f "$PREFIX/$program" "$PREFIX/$brain" "$PREFIX/$completion"
        echo "bithuman is gone from $PREFIX"
        exit
        ;;
    *) fail "$1 is no option: --remove is the only one" ;;
esac

# The sums come from there, too: over plain HTTP they would prove nothing.
case "$RELEASE" in
    https://* | file://*) ;;
    *) fail "BITHUMAN_RELEASE is $RELEASE: it has to begin with https:// or file://" ;;
esac
[ "$(uname -s)" = Linux ] || fail "archives are for Linux; elsewhere: cargo install --path cli in the repository"
case "$(uname -m)" in
    x86_64 | amd64) processor=x86_64 ;;
    aarch64 | arm64) processor=aarch64 ;;
    *) fail "there is no archive for $(uname -m): cargo install --path cli in the repository" ;;
esac

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
trap 'exit 1' HUP INT TERM
fetch SHA256SUMS "$temporary/SHA256SUMS"
line=$(grep -E "^[0-9a-f]{64}  bithuman-[0-9A-Za-z.+-]+-$processor-linux\.tar\.gz\$" "$temporary/SHA256SUMS" | head -n 1)
[ -n "$line" ] || fail "$RELEASE/SHA256SUMS names no archive for $processor"
wanted=${line%% *}
name=${line##* }
name=${name%.tar.gz}
fetch "$name.tar.gz" "$temporary/archive"
[ "$(sum "$temporary/archive")" = "$wanted" ] ||
    fail "$name.tar.gz is damaged: its SHA-256 isn't that of SHA256SUMS. Try again"
tar -xzf "$temporary/archive" -C "$temporary"
version=$("$temporary/$name/bithuman" --version) ||
    fail "the command doesn't run here; it needs a glibc of 2.28 or newer. Nothing was installed"

# put FILE PLACE MODE: in one step, so that a program that runs keeps its file.
put() {
    mkdir -p "$PREFIX/${2%/*}"
    cp "$temporary/$name/$1" "$PREFIX/$2.part"
    chmod "$3" "$PREFIX/$2.part"
    mv "$PREFIX/$2.part" "$PREFIX/$2"
}
if [ -f "$temporary/$name/libbithuman_brain.so" ]; then put libbithuman_brain.so "$brain" 644; fi
put bithuman.bash "$completion" 644
put bithuman "$program" 755
echo "$version is installed: $PREFIX/$program"
case ":$PATH:" in
    *":$PREFIX/bin:"*) ;;
    *) echo "$PREFIX/bin is not on PATH: export PATH=\"$PREFIX/bin:\$PATH\"" ;;
esac
