// swift-tools-version: 6.2
// A package of its own, so that the fuzzer's runtime and the sanitizer are in these targets and nowhere else. The
// sources under test are the project's, by symbolic link. Built and run by `run`.
import PackageDescription

let instrumented: [SwiftSetting] = [.unsafeFlags(["-sanitize=fuzzer,address"])]

let package = Package(
    name: "AnchorProtocolFuzzing",
    dependencies: [.package(url: "https://github.com/apple/swift-crypto", from: "4.5.2")],
    targets: [
        .target(name: "NetworkTypes", swiftSettings: instrumented),
        .target(
            name: "AnchorProtocol", dependencies: ["NetworkTypes", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: instrumented),
        .executableTarget(
            name: "AnchorProtocolFuzzer",
            dependencies: ["AnchorProtocol", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: instrumented + [.unsafeFlags(["-parse-as-library"])],
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address"])]),
    ]
)
