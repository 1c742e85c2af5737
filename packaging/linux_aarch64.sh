#!/usr/bin/env bash
# For Linux on aarch64, made on another Linux machine: the Python wheel, and libessence.so and `bithuman`, into
# target/linux-aarch64.
#
# Needs: `rustup target add aarch64-unknown-linux-gnu`, or else a compiler that has the standard library's source (Debian's
# rustc-web, cargo-web and rust-web-src; a nightly one with rust-src); a C++ compiler for aarch64 (Debian's
# g++-aarch64-linux-gnu); and a Python (PYTHON) with maturin 1.16 or newer, cffi and ziglang, which link the wheel for glibc
# 2.28 and newer. The other two run wherever glibc is as new as the C++ compiler's. Not yet run to its end.
set -euo pipefail
cd "$(dirname "$0")/.."

target=aarch64-unknown-linux-gnu
out=$PWD/target/linux-aarch64
python=${PYTHON:-python3}

CARGO_ZIGBUILD_ZIG_PATH=$("$python" -c 'import cffi, maturin, ziglang; print(ziglang.__path__[0] + "/zig")') || {
    echo "needs: $python -m pip install maturin cffi ziglang" >&2
    exit 1
}
export CARGO_ZIGBUILD_ZIG_PATH
command -v aarch64-linux-gnu-g++ >/dev/null || { echo "needs aarch64-linux-gnu-g++" >&2; exit 1; }

standard=()
library() { echo "$("$1" --print sysroot)/lib/rustlib/$2"; }
if [[ ! -d $(library rustc "$target/lib") ]]; then
    # The system's compiler may have the source where rustup's has not.
    for compiler in rustc /usr/bin/rustc; do
        [[ -x $(command -v "$compiler") && -f $(library "$compiler" src/rust/library/Cargo.lock) ]] || continue
        PATH=$(dirname "$(command -v "$compiler")"):$PATH
        export PATH RUSTC_BOOTSTRAP=1
        standard=(-Z build-std)
        break
    done
    [[ ${#standard[@]} -gt 0 ]] || { echo "needs: rustup target add $target" >&2; exit 1; }
fi

mkdir -p "$out"
(cd bindings/python && "$python" -m maturin build --release --locked --target "$target" --zig --compatibility manylinux_2_28 \
    --interpreter "$python" --out "$out" "${standard[@]}")

# ffi and cli are built apart: only the library has a soname.
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc CXX_aarch64_unknown_linux_gnu=aarch64-linux-gnu-g++
soname=libessence.so.$(sed -n 's/^#define ESSENCE_ABI_VERSION_MAJOR \([0-9]*\).*/\1/p' include/essence.h)
cargo "${standard[@]}" rustc --release --locked --package essence-ffi --lib --crate-type cdylib --target "$target" -- \
    -Clink-arg="-Wl,-soname,$soname"
cargo "${standard[@]}" build --release --locked --package bithuman-cli --target "$target"
built=${CARGO_TARGET_DIR:-target}/$target/release
install -s --strip-program=aarch64-linux-gnu-strip "$built/bithuman" "$out/bithuman"
install -s --strip-program=aarch64-linux-gnu-strip -m 644 "$built/libessence.so" "$out/$soname"
ln -sf "$soname" "$out/libessence.so"
echo "$out"
