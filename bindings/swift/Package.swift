// swift-tools-version: 6.0
import PackageDescription

/// The library's origin: installed, and found by pkg-config, or an XCFramework out of `packaging/xcframework.sh`, which
/// `ESSENCE_XCFRAMEWORK` names: a path below this folder, or an https address, then with `ESSENCE_XCFRAMEWORK_CHECKSUM`.
let framework = Context.environment["ESSENCE_XCFRAMEWORK"]

let library: Target =
    if let framework, framework.hasPrefix("https://") {
        .binaryTarget(
            name: "CEssence", url: framework, checksum: Context.environment["ESSENCE_XCFRAMEWORK_CHECKSUM"] ?? "")
    } else if let framework {
        .binaryTarget(name: "CEssence", path: framework)
    } else {
        .systemLibrary(name: "CEssence", pkgConfig: "essence")
    }

let package = Package(
    name: "bithuman",
    platforms: [.macOS(.v13), .iOS(.v16)],
    products: [.library(name: "bitHumanKit", targets: ["bitHumanKit"])],
    targets: [
        library,
        .target(
            name: "bitHumanKit",
            dependencies: ["CEssence"],
            // The static library in the XCFramework holds C++.
            linkerSettings: framework == nil ? [] : [.linkedLibrary("c++")]),
        .executableTarget(name: "render", dependencies: ["bitHumanKit"], path: "Examples/render"),
        .executableTarget(name: "talk", dependencies: ["bitHumanKit"], path: "Examples/talk"),
        .executableTarget(name: "cost", dependencies: ["bitHumanKit"], path: "Examples/cost"),
        .target(name: "Digest", path: "Tests/Digest"),
        .testTarget(name: "bitHumanKitTests", dependencies: ["bitHumanKit", "Digest"]),
    ]
)
