import AnchorPKI
import AnchorProtocol
import Foundation
import Testing

@testable import AnchorPeering

private let openssl = ["/usr/bin/openssl", "/usr/local/bin/openssl"].first(where: FileManager.default.isExecutableFile)

/// A client whose TLS shares no code with ours.
@Suite(.enabled(if: openssl != nil, "there is no openssl on this machine"))
struct OpenSSLClientTests {
    /// Connects, sends nothing, and returns what the client printed until the router has closed the connection.
    private func connect(_ bench: PeeringBench, _ arguments: [String]) async throws -> String {
        let command =
            ["s_client", "-connect", "\(bench.transport(1))", "-CAfile", "\(bench.folder)/ca.crt"] + arguments
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        let process = Process()
                        process.executableURL = URL(filePath: openssl!)
                        process.arguments = command
                        let (output, input) = (Pipe(), Pipe())
                        process.standardInput = input
                        process.standardOutput = output
                        process.standardError = output
                        try process.run()
                        let bytes = output.fileHandleForReading.readDataToEndOfFile()
                        process.waitUntilExit()
                        return String(decoding: bytes, as: UTF8.self)
                    })
            }
        }
    }

    private func connect(_ arguments: (PeeringBench) -> [String]) async throws -> (text: String, refusals: [String]) {
        let bench = try PeeringBench()
        try bench.store(bench.issue(2), as: "client")
        var limits = PeeringBench.limits
        limits.handshakeTimeout = .seconds(2)
        let router = try await bench.router(1, peers: [2], limits: limits)
        var text = ""
        try await running(router) {
            text = try await connect(bench, arguments(bench))
            try await eventually("a refusal") { !router.refusals.isEmpty }
        }
        return (text, router.refusals.map(\.reason.name))
    }

    private func certificate(_ bench: PeeringBench) -> [String] {
        ["-cert", "\(bench.folder)/client.crt", "-key", "\(bench.folder)/client.key"]
    }

    @Test func `TLS 1_3 with a certificate gets the hello of a router that it finds good`() async throws {
        let (text, refusals) = try await connect { certificate($0) + ["-verify_return_error"] }
        #expect(text.contains("TLSv1.3") && text.contains("Verification: OK"), "\(text)")
        #expect(text.contains("FP\u{1}\u{1}"), "\(text)")
        // It says nothing.
        #expect(refusals.first == "handshake-timeout")
    }

    @Test func `TLS 1_2 is refused`() async throws {
        let (text, refusals) = try await connect { certificate($0) + ["-tls1_2"] }
        #expect(text.contains("protocol version"), "\(text)")
        #expect(refusals.first == "tls-version")
    }

    @Test func `who shows no certificate is refused`() async throws {
        let (text, refusals) = try await connect { _ in [] }
        #expect(text.contains("certificate required"), "\(text)")
        #expect(refusals.first == "no-certificate")
    }

    @Test func `a session that is resumed shows no certificate, and is refused or none`() async throws {
        let bench = try PeeringBench()
        try bench.store(bench.issue(2), as: "client")
        var limits = PeeringBench.limits
        limits.handshakeTimeout = .seconds(2)
        let router = try await bench.router(1, peers: [2], limits: limits)
        try await running(router) {
            let ticket = "\(bench.folder)/ticket"
            _ = try await connect(bench, certificate(bench) + ["-sess_out", ticket])
            guard FileManager.default.fileExists(atPath: ticket) else { return }
            // With the ticket alone.
            _ = try await connect(bench, ["-sess_in", ticket])
            try await eventually("a refusal") { await router.count(.noCertificate) > 0 }
            #expect(router.sessions.isEmpty)
        }
    }
}
