# essence.dll with its import library and header, and the static essence.lib, into target\windows.
#
# Needs: Windows with Visual Studio's C++ build tools and Rust's MSVC toolchain. Not yet run: no such machine was at hand.
$ErrorActionPreference = "Stop"
Set-Location (Join-Path $PSScriptRoot "..")

$target = "x86_64-pc-windows-msvc"
$out = "target\windows"
if (-not (Get-Command cargo -ErrorAction SilentlyContinue)) { throw "needs Rust (cargo)" }

# The C runtime is linked statically, so that the DLL needs no redistributable.
$env:RUSTFLAGS = "-Ctarget-feature=+crt-static"
cargo build --release --locked --package essence-ffi --target $target
if ($LASTEXITCODE -ne 0) { throw "cargo failed" }

New-Item -ItemType Directory -Force "$out\include", "$out\bin", "$out\lib" | Out-Null
Copy-Item include\essence.h "$out\include"
Copy-Item "target\$target\release\essence.dll" "$out\bin"
Copy-Item "target\$target\release\essence.dll.lib" "$out\lib\essence.lib"
Copy-Item "target\$target\release\essence.lib" "$out\lib\essence_static.lib"
Write-Output $out
