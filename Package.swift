// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let toml = Target.Dependency.product(name: "TOMLKit", package: "TOMLKit")
let http = Target.Dependency.product(name: "FlyingFox", package: "FlyingFox")
let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let certificates = Target.Dependency.product(name: "X509", package: "swift-certificates")
let nio: [Target.Dependency] = ["NIOCore", "NIOPosix", "NIOTLS"].map { .product(name: $0, package: "swift-nio") }
let tls = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let sockets = Target.Dependency.product(name: "FlyingSocks", package: "FlyingFox")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// A library of the project, its folder in `Sources/` and its tests in `Tests/`.
func library(_ name: String, _ dependencies: [Target.Dependency], tests: [Target.Dependency] = []) -> [Target] {
    [
        .target(name: name, dependencies: dependencies, swiftSettings: strict),
        .testTarget(
            name: name + "Tests", dependencies: [.init(stringLiteral: name)] + tests, swiftSettings: strict),
    ]
}

let package = Package(
    name: "FlowAnchor",
    products: [
        .executable(name: "anchord", targets: ["anchord"]),
        .executable(name: "anchorctl", targets: ["anchorctl"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
    ],
    targets: [
        .systemLibrary(name: "CBPF", pkgConfig: "libbpf", providers: [.apt(["libbpf-dev"])]),
        .systemLibrary(name: "CNetlink", pkgConfig: "libnl-route-3.0", providers: [.apt(["libnl-route-3-dev"])]),
        .target(name: "FlowAnchorABI", path: "BPF/abi", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
        .executableTarget(
            name: "anchor-simulate", dependencies: ["AnchorSimulator", arguments], swiftSettings: strict),
        .executableTarget(
            name: "anchor-bench",
            dependencies: [
                "AnchorCore", "AnchorDaemon", "AnchorDataPlane", "AnchorProtocol", "BPFKit", "BPFObjects", "CDatagram",
                "ControlAPI", "FlowAnchorABI", "Netlink", "NetworkLab", "NetworkTypes", "PacketKit", arguments,
            ],
            swiftSettings: strict),
        .executableTarget(name: "anchord", dependencies: ["AnchorDaemon", arguments, logging], swiftSettings: strict),
        .executableTarget(
            name: "anchorctl",
            dependencies: [
                "AnchorDaemon", "AnchorPKI", "BPFKit", "ControlAPI", "NetworkLab", "NetworkTypes", arguments,
            ],
            swiftSettings: strict),
    ]
        + library("NetworkTypes", [])
        + library("PacketKit", ["NetworkTypes"], tests: ["NetworkTypes"])
        + [
            .plugin(name: "CompileBPF", capability: .buildTool()),
            .target(name: "BPFObjects", swiftSettings: strict, plugins: ["CompileBPF"]),
            .testTarget(name: "BPFObjectsTests", dependencies: ["BPFObjects"], swiftSettings: strict),
            .target(
                name: "KernelTestSupport", dependencies: ["BPFKit", "CNetlink"], path: "Tests/KernelTestSupport",
                swiftSettings: strict),
            .target(name: "CDatagram", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
            .target(name: "CAtomics", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
        ]
        + library("BPFKit", ["CBPF", "CAtomics"], tests: ["BPFObjects", "CBPF", "KernelTestSupport"])
        + library("Netlink", ["CNetlink", "NetworkTypes"], tests: ["NamespaceTestSupport", "NetworkTypes"])
        + [
            .target(
                name: "NamespaceTestSupport", dependencies: ["CNetlink", "Netlink", "NetworkTypes"],
                path: "Tests/NamespaceTestSupport", swiftSettings: strict)
        ]
        + [.testTarget(name: "DocumentationTests", swiftSettings: strict)]
        + library("ControlAPI", ["NetworkTypes", http, sockets])
        + library("AnchorProtocol", ["NetworkTypes", crypto], tests: ["NetworkTypes", "PacketKit"])
        + library(
            "AnchorPKI", ["NetworkTypes", asn1, certificates, crypto],
            tests: ["NetworkTypes", asn1, certificates, crypto])
        + library(
            "AnchorPeering", ["AnchorCore", "AnchorPKI", "AnchorProtocol", "NetworkTypes", tls] + nio,
            tests: ["AnchorCore", "AnchorPKI", "AnchorProtocol", "NetworkTypes", certificates, tls] + nio)
        + library("AnchorCore", ["AnchorProtocol", "NetworkTypes"])
        + library("AnchorSimulator", ["AnchorCore", "AnchorProtocol", "NetworkTypes"])
        + library(
            "AnchorDataPlane",
            ["BPFKit", "BPFObjects", "CAtomics", "CBPF", "FlowAnchorABI", "NetworkTypes", "PacketKit"],
            tests: ["PacketKit", "BPFObjects", "BPFKit", "CAtomics", "CBPF", "FlowAnchorABI", "KernelTestSupport"])
        + library(
            "AnchorDaemon",
            [
                "AnchorCore", "AnchorPKI", "AnchorPeering", "AnchorProtocol", "AnchorDataPlane", "BPFKit", "CDatagram",
                "ControlAPI", "Netlink", "NetworkTypes", "PacketKit", crypto, logging, toml, http, sockets,
            ],
            tests: [
                "AnchorCore", "AnchorDataPlane", "AnchorPKI", "KernelTestSupport", "NamespaceTestSupport", "Netlink",
                "NetworkTypes",
                "PacketKit",
            ])
        + library("NetworkLab", ["AnchorPKI", "BPFObjects", "ControlAPI", "Netlink", "NetworkTypes"])
        + [
            .testTarget(
                name: "EndToEndTests", dependencies: ["NetworkLab", "anchord", "anchorctl"], swiftSettings: strict)
        ]
)
