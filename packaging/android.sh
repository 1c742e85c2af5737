#!/usr/bin/env bash
# libessence.so for Android, as jniLibs/ABI/libessence.so.
#
# Needs: Android NDK r26 or newer (ANDROID_NDK_HOME), and the Rust targets below (rustup target add …). ONNX Runtime comes
# from its own AAR (com.microsoft.onnxruntime:onnxruntime-android). Not yet run: no NDK was at hand.
set -euo pipefail
cd "$(dirname "$0")/.."

api=26
out=target/android/jniLibs
: "${ANDROID_NDK_HOME:?needs ANDROID_NDK_HOME, the folder of an Android NDK}"
host=$(ls "$ANDROID_NDK_HOME/toolchains/llvm/prebuilt" | head -n 1)
bin="$ANDROID_NDK_HOME/toolchains/llvm/prebuilt/$host/bin"
[[ -d $bin ]] || { echo "no toolchain in $bin" >&2; exit 1; }

build() { # Rust target, clang's target, ABI
    local target=$1 clang=$2 abi=$3 variable
    rustup target list --installed | grep -qx "$target" || { echo "needs: rustup target add $target" >&2; exit 1; }
    variable=CARGO_TARGET_$(tr a-z- A-Z_ <<<"$target")_LINKER
    # 16 KiB pages: Google Play asks for them from Android 15 on.
    env "$variable=$bin/$clang$api-clang" "CC_${target//-/_}=$bin/$clang$api-clang" "CXX_${target//-/_}=$bin/$clang$api-clang++" \
        "AR_${target//-/_}=$bin/llvm-ar" \
        cargo rustc --release --locked --package essence-ffi --lib --crate-type cdylib --target "$target" -- \
        -Clink-arg=-Wl,-soname,libessence.so -Clink-arg=-Wl,-z,max-page-size=16384
    mkdir -p "$out/$abi"
    "$bin/llvm-strip" --strip-unneeded -o "$out/$abi/libessence.so" "target/$target/release/libessence.so"
}

build aarch64-linux-android aarch64-linux-android arm64-v8a
build x86_64-linux-android x86_64-linux-android x86_64
echo "$out"
