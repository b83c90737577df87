import AnchorPKI
import Foundation
import Testing

@testable import AnchorPeering

@Suite struct RenewalTests {
    private func renewals(_ router: RunningRouter) -> Int {
        router.events.count { if case .credentialsRenewed = $0 { true } else { false } }
    }

    private func problems(_ router: RunningRouter) -> [PKIError] {
        router.events.compactMap { if case .credentialsRefused(let problem) = $0 { problem } else { nil } }
    }

    @Test func `a renewed certificate is used for new sessions, and the present one goes on`() async throws {
        let bench = try PeeringBench()
        let (a, b) = (try await bench.router(1, peers: [2]), try await bench.router(2, peers: [1]))
        try await running(a, b) {
            try await eventually("a session") { a.peers == ["r2"] && b.peers == ["r1"] }
            let before = await a.peering.status().validUntil
            try bench.store(bench.issue(1, validity: Validity(days: 9, from: .now)), as: "r1")
            try await eventually("the news") { renewals(a) > 0 }
            try await eventually("the new one") { await a.peering.status().validUntil > before }
            #expect(a.downs.isEmpty && a.peers == ["r2"])
            await b.peering.stop()
            let again = try await bench.router(2, peers: [1])
            try await running(again) {
                try await eventually("a session") { again.peers == ["r1"] }
                let until = await again.status("r1")?.validUntil
                #expect(try #require(until) > before)
            }
        }
    }

    @Test func `files that do not fit together change nothing, and are named`() async throws {
        let bench = try PeeringBench()
        let (a, b) = (try await bench.router(1, peers: [2]), try await bench.router(2, peers: [1]))
        try await running(a, b) {
            try await eventually("a session") { a.peers == ["r2"] }
            // As in the middle of a renewal: a new key, the old certificate.
            let renewed = try bench.issue(1)
            try bench.write(renewed.keyPEM, to: "r1.key")
            try await eventually("the problem") { !problems(a).isEmpty }
            #expect(problems(a)[0].detail.contains("r1.key is not the key of"))
            await b.peering.stop()
            let again = try await bench.router(2, peers: [1])
            try await running(again) {
                try await eventually("a session with the former one") { again.peers == ["r1"] }
                try bench.write(renewed.certificatePEM, to: "r1.crt")
                try await eventually("the new one") { renewals(a) == 1 }
            }
        }
    }

    @Test func `another name needs a restart`() async throws {
        let bench = try PeeringBench()
        let a = try await bench.router(1, peers: [2])
        try await running(a) {
            let identity = try CertifiedIdentity(role: .accessRouter, name: "x", addresses: [bench.address(1)])
            try bench.store(bench.authority.issue(identity, validity: Validity(days: 1, from: .now)), as: "r1")
            try await eventually("the problem") { problems(a).contains { $0.detail.contains("of 'x' now") } }
            #expect(a.peering.name == "r1")
        }
    }

    @Test func `a session does not outlive its peer's certificate`() async throws {
        let bench = try PeeringBench()
        let (from, until) = (Date.now.addingTimeInterval(-60), Date.now.addingTimeInterval(10))
        try bench.store(bench.issue(2, validity: Validity(from: from, until: until)), as: "r2")
        let (a, b) = (try await bench.router(1, peers: [2]), try await bench.router(2, peers: [1]))
        try await running(a, b) {
            try await eventually("a session") { a.peers == ["r2"] }
            try await eventually("its end") { a.downs.contains(.certificateEnded) }
            #expect(Date.now >= until.addingTimeInterval(-1))
            try await eventually("no other one") { await a.count(.certificate(.expired)) > 0 }
            #expect(a.sessions.isEmpty)
        }
    }

    @Test func `without good files nothing begins`() async throws {
        let bench = try PeeringBench()
        let configuration = try bench.configuration(1, peers: [2])
        try FileManager.default.removeItem(atPath: configuration.files.key)
        #expect(throws: PKIError.self) { try Peering(configuration) }
    }

    @Test func `a port that is taken is named`() async throws {
        let bench = try PeeringBench()
        let a = try await bench.router(1, peers: [])
        try await running(a) {
            let second = try Peering(try bench.configuration(1, peers: []))
            let error = await #expect(throws: PeeringError.self) { try await second.start() }
            #expect(error?.description.contains("\(bench.transport(1))") == true)
        }
    }
}
