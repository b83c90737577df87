import AnchorCore
import AnchorPKI
import AnchorProtocol
import Foundation
import NetworkTypes
import Testing

@testable import AnchorPeering

/// Who is refused, under which name.
@Suite struct PeerRefusalTests {
    /// A router with neighbour r2, and what became of a client with that credential.
    private func refusal(
        of client: (PeeringBench) throws -> RawClient.TLS?, sending bytes: [UInt8] = []
    ) async throws -> PeeringRefused {
        let bench = try PeeringBench()
        let router = try await bench.router(1, peers: [2])
        var refused: PeeringRefused?
        try await running(router) {
            let client = try await RawClient(bench.transport(1), try client(bench))
            if !bytes.isEmpty { client.send(bytes) }
            try await eventually("a refusal") {
                refused = router.refusals.first { $0.reason != .abandoned }
                return refused != nil
            }
            try await eventually("the end of the connection") { client.isClosed }
            #expect(router.sessions.isEmpty)
            #expect(await router.count(refused!.reason) >= 1)
        }
        return refused!
    }

    @Test func `a certificate of another authority`() async throws {
        let refused = try await refusal { bench in
            let other = try CertificateAuthority(name: "Bench", validity: Validity(days: 1, from: .now))
            return .init(credential: try other.issue(try bench.identity(2), validity: Validity(days: 1, from: .now)))
        }
        #expect(refused.reason == .certificate(.untrusted))
    }

    @Test func `a certificate that has ended, or has not begun`() async throws {
        for (from, until, reason) in [(-3000, -60, CertificateRefusal.expired), (3600, 7200, .notYetValid)]
            as [(Double, Double, CertificateRefusal)]
        {
            let refused = try await refusal { bench in
                .init(
                    credential: try bench.issue(
                        2,
                        validity: Validity(from: .now.addingTimeInterval(from), until: .now.addingTimeInterval(until))))
            }
            #expect(refused.reason == .certificate(reason))
        }
    }

    @Test func `a certificate of another role`() async throws {
        let refused = try await refusal { .init(credential: try $0.issue(2, role: .centralNode)) }
        #expect(refused.reason == .certificate(.wrongRole))
    }

    @Test func `a good certificate of a router that is not configured, by its name`() async throws {
        let refused = try await refusal { .init(credential: try $0.issue(3)) }
        #expect(refused.reason == .notConfigured && refused.peer == "r3")
    }

    @Test func `no certificate`() async throws {
        #expect(try await refusal { _ in .init() }.reason == .noCertificate)
    }

    @Test func `less than TLS 1_3`() async throws {
        let refused = try await refusal {
            .init(credential: try $0.issue(2), minimum: .tlsv12, maximum: .tlsv12)
        }
        #expect(refused.reason == .tlsVersion)
    }

    @Test func `what is not TLS at all`() async throws {
        let refused = try await refusal(of: { _ in nil }, sending: Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
        #expect(refused.reason == .handshakeFailed)
    }

    private static let hello = PeerHello(name: "r2", boot: 1, epoch: 1, router: 2, endpoints: []).encoded

    private static func frame(_ type: UInt8, _ payload: [UInt8] = []) -> [UInt8] {
        bigEndian(PeerFrameHeader(type: type, payloadLength: payload.count).bits) + payload
    }

    @Test func `a hello of another name, or with an endpoint that the certificate does not name`() async throws {
        let other = PeerHello(name: "r9", boot: 1, epoch: 1, router: 2, endpoints: []).encoded
        let foreign = PeerHello(
            name: "r2", boot: 1, epoch: 1, router: 2, endpoints: [IPAddress("198.51.100.1")!]
        ).encoded
        for (hello, reason) in [(other, PeeringRefusal.helloName), (foreign, .helloEndpoint)] {
            let refused = try await refusal(
                of: { .init(credential: try $0.issue(2)) }, sending: Self.frame(1, hello))
            #expect(refused.reason == reason && refused.peer == "r2")
        }
    }

    private static let malformed: [[UInt8]] = [
        frame(2, [UInt8](repeating: 0, count: 8)), frame(16, [1]), frame(1, [1, 2, 3]), frame(1),
        bigEndian(0x4641_01_01_0000_0000), bigEndian(0x4650_02_01_0000_0000), bigEndian(0x4650_01_01_ffff_ffff),
        bigEndian(0x4650_01_01_0000_1001), frame(1, hello + [0x81, 0x99, 0, 0]),
    ]

    @Test(arguments: malformed)
    func `malformed first messages, which end the connection`(bytes: [UInt8]) async throws {
        let refused = try await refusal(of: { .init(credential: try $0.issue(2)) }, sending: bytes)
        #expect(refused.reason == .malformed && refused.peer == "r2")
    }

    @Test func `malformed messages in a session end it, and are counted`() async throws {
        let bench = try PeeringBench()
        let router = try await bench.router(1, peers: [2])
        try await running(router) {
            let wrong = [Self.frame(1, Self.hello), Self.frame(2, [1]), bigEndian(0x4650_01_10_0004_0001)]
            for (number, bytes) in wrong.enumerated() {
                let client = try await RawClient(bench.transport(1), .init(credential: bench.issue(2)))
                client.send(Self.frame(1, Self.hello))
                try await eventually("its session") { router.peers == ["r2"] }
                client.send(bytes)
                try await eventually("the end") { router.downs.count == number + 1 && client.isClosed }
                #expect(router.downs.last?.name == "malformed")
                #expect(await router.count(.malformed) == UInt64(number + 1))
            }
        }
    }

    @Test func `random bytes inside and outside of TLS end their connection and nothing else`() async throws {
        let bench = try PeeringBench()
        let router = try await bench.router(1, peers: [2])
        try await running(router) {
            let credential = try bench.issue(2)
            for round in 0..<60 {
                let client = try await RawClient(
                    bench.transport(1), round % 2 == 0 ? .init(credential: credential) : nil)
                var bytes = (0..<Int.random(in: 64...4000)).map { _ in UInt8.random(in: .min ... .max) }
                if round % 4 == 0 { bytes = Self.frame(1, Self.hello) + bytes }
                // A record's header, so that TLS looks at more of it.
                if round % 4 == 1 { bytes = [22, 3, 1, 0, 60, 1, 0, 0, 56, 3, 3] + bytes }
                client.send(bytes)
                client.close()
                try await eventually("the end of the connection") { client.isClosed }
            }
            let good = try await bench.router(2, peers: [1])
            try await running(good) { try await eventually("a session") { router.peers == ["r2"] } }
            try await eventually("nothing half open") { await router.peering.status().halfOpen == 0 }
        }
    }

    @Test func `another neighbour where one is looked for, and a stranger there`() async throws {
        let bench = try PeeringBench()
        // r3 answers at the address of r2; it knows r1 and nobody else.
        var configuration = try bench.configuration(3, peers: [])
        configuration.listen = [bench.transport(2)]
        configuration.peers = [ConfiguredPeer(name: "r1", address: bench.transport(9))]
        let impostor = try await RunningRouter(configuration)
        let router = try await bench.router(1, peers: [2, 3])
        let stranger = try await RunningRouter(
            {
                var configuration = try bench.configuration(4, peers: [2])
                configuration.peers[0].address = bench.transport(2)
                return configuration
            }())
        try await running(impostor, router, stranger) {
            try await eventually("a refusal") { router.refusals.contains { $0.reason == .wrongPeer } }
            #expect(router.refusals.first { $0.reason == .wrongPeer }?.peer == "r3")
            try await eventually("a refusal") { stranger.refusals.contains { $0.reason == .notConfigured } }
            #expect(await router.status("r2")?.lastFailure?.contains("wrong-peer") == true)
        }
    }

    @Test func `a flood of connections costs no cryptography and keeps no neighbour out`() async throws {
        let bench = try PeeringBench()
        var limits = PeeringBench.limits
        limits.handshakes = RateLimit(perSecond: 1, burst: 10)
        let router = try await bench.router(1, peers: [2], limits: limits)
        try await running(router) {
            for _ in 0..<200 {
                let client = try await RawClient(bench.transport(1), nil)
                client.send([0])
                client.close()
            }
            try await eventually("all are counted") { await router.count(.rateLimited) >= 180 }
            // Of a flood not each is told.
            #expect(router.refusals.count < 60)
            // It opens the connection itself.
            let neighbour = try await bench.router(2, peers: [1])
            try await running(neighbour) { try await eventually("a session") { router.peers == ["r2"] } }
        }
    }

    @Test func `connections that never say anything are bounded, and end in time`() async throws {
        let bench = try PeeringBench()
        var limits = PeeringBench.limits
        limits.halfOpenOfOneSource = 4
        limits.handshakeTimeout = .seconds(8)
        let router = try await bench.router(1, peers: [2], limits: limits)
        try await running(router) {
            var clients: [RawClient] = []
            for _ in 0..<10 { clients.append(try await RawClient(bench.transport(1), nil)) }
            try await eventually("six are refused") { await router.count(.tooManyHalfOpen) == 6 }
            try await eventually("four have had their time") { await router.count(.handshakeTimeout) == 4 }
            try await eventually("all are closed") { clients.allSatisfy(\.isClosed) }
            #expect(await router.peering.status().halfOpen == 0)
        }
    }
}
