#!/usr/bin/env bash
# Essence.xcframework for iOS, its simulator and macOS, from the static library and the header.
#
# It comes beside the Swift package's manifest, where ESSENCE_XCFRAMEWORK=Essence.xcframework finds it, and as an archive whose
# checksum SwiftPM asks for where it is loaded from an address.
#
# Needs: macOS with Xcode, and the Rust targets below (rustup target add …). Not yet run: no such machine was at hand.
set -euo pipefail
cd "$(dirname "$0")/.."

targets=(aarch64-apple-ios aarch64-apple-ios-sim aarch64-apple-darwin)
out=target/xcframework

[[ $(uname) == Darwin ]] || { echo "needs macOS" >&2; exit 1; }
command -v xcodebuild >/dev/null || { echo "needs Xcode (xcodebuild)" >&2; exit 1; }
for target in "${targets[@]}"; do
    rustup target list --installed | grep -qx "$target" || { echo "needs: rustup target add $target" >&2; exit 1; }
done

rm -rf "$out"
mkdir -p "$out/include"
cp include/essence.h "$out/include/"
cat >"$out/include/module.modulemap" <<'MAP'
module CEssence {
    header "essence.h"
    link "c++"
    export *
}
MAP

arguments=()
for target in "${targets[@]}"; do
    IPHONEOS_DEPLOYMENT_TARGET=16.0 MACOSX_DEPLOYMENT_TARGET=13.0 \
        cargo rustc --release --locked --package essence-ffi --lib --crate-type staticlib --target "$target"
    arguments+=(-library "target/$target/release/libessence.a" -headers "$out/include")
done
xcodebuild -create-xcframework "${arguments[@]}" -output "$out/Essence.xcframework"

package=bindings/swift
rm -rf "$package/Essence.xcframework"
cp -R "$out/Essence.xcframework" "$package/"
ditto -c -k --keepParent "$out/Essence.xcframework" "$out/Essence.xcframework.zip"
echo "$package/Essence.xcframework; $out/Essence.xcframework.zip: $(swift package compute-checksum "$out/Essence.xcframework.zip")"
