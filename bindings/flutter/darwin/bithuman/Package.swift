// swift-tools-version: 5.9
import PackageDescription

// libessence as an XCFramework, put here by the app's developer: the plugin's README says how.
let package = Package(
    name: "bithuman",
    platforms: [.iOS("16.0"), .macOS("13.0")],
    products: [.library(name: "bithuman", targets: ["bithuman"])],
    targets: [
        .binaryTarget(name: "CEssence", path: "CEssence.xcframework"),
        .target(
            name: "bithuman_core",
            dependencies: ["CEssence"],
            linkerSettings: [.linkedLibrary("c++")]
        ),
        .target(
            name: "bithuman",
            dependencies: ["bithuman_core"],
            // Dart looks its functions up by their names, so none of them may be left out.
            linkerSettings: [.unsafeFlags(["-Xlinker", "-all_load"])]
        ),
    ],
    cxxLanguageStandard: .cxx17
)
