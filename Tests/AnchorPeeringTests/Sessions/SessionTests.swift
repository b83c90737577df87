import AnchorCore
import AnchorPKI
import AnchorProtocol
import Foundation
import NIOCore
import Synchronization
import Testing

@testable import AnchorPeering

@Suite struct SessionTests {
    /// Waits until two routers have one session, the same at both ends, and no other connection that could replace it.
    private func together(_ a: RunningRouter, _ b: RunningRouter) async throws {
        let (nameOfA, nameOfB) = (a.peering.name, b.peering.name)
        try await eventually("one session, the same at both ends") {
            let (one, other) = (await a.status(nameOfB)?.session, await b.status(nameOfA)?.session)
            guard let one, let other, one.isOpenedHere != other.isOpenedHere else { return false }
            let connections = (try await a.connections, try await b.connections)
            return connections == (1, 1)
        }
    }

    @Test func `two routers that open connections at once are left with one session`() async throws {
        for _ in 0..<5 {
            let bench = try PeeringBench()
            let (a, b) = (try await bench.router(1, peers: [2]), try await bench.router(2, peers: [1]))
            try await running(a, b) {
                try await together(a, b)
                let hello = try #require(await a.status("r2")?.session?.hello)
                #expect(hello.name == "r2" && hello.epoch == 1 && hello.router == 2)
                #expect(hello.endpoints == [bench.address(2)])
                try await eventually("a round trip") { await a.status("r2")?.roundTrip != nil }
            }
        }
    }

    @Test func `three routers have a session a pair`() async throws {
        let bench = try PeeringBench()
        let a = try await bench.router(1, peers: [2, 3])
        let b = try await bench.router(2, peers: [1, 3])
        let c = try await bench.router(3, peers: [1, 2])
        try await running(a, b, c) {
            try await eventually("three sessions") {
                a.peers == ["r2", "r3"] && b.peers == ["r1", "r3"] && c.peers == ["r1", "r2"]
            }
        }
    }

    @Test func `messages of any size arrive in order, both ways at once`() async throws {
        let bench = try PeeringBench()
        let (a, b) = (try await bench.router(1, peers: [2]), try await bench.router(2, peers: [1]))
        try await running(a, b) {
            try await together(a, b)
            let sizes = [0, 1, 100, 4096, 4097, 65_536, PeerFrameHeader.longestPayload]
            let sent = (0..<60).map { [UInt8](repeating: UInt8($0), count: sizes[$0 % sizes.count]) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (from, to) in [(a, "r2"), (b, "r1")] {
                    group.addTask {
                        for payload in sent { try await from.peering.send(17, ByteBuffer(bytes: payload), to: to) }
                    }
                }
                try await group.waitForAll()
            }
            try await eventually("all of them") { a.payloads.count == sent.count && b.payloads.count == sent.count }
            #expect(a.payloads == sent && b.payloads == sent)
            await #expect(throws: PeeringError.tooLong(PeerFrameHeader.longestPayload + 1)) {
                try await a.peering.send(
                    16, ByteBuffer(repeating: 0, count: PeerFrameHeader.longestPayload + 1), to: "r2")
            }
            await #expect(throws: PeeringError.unknownPeer("r9")) {
                try await a.peering.send(16, ByteBuffer(), to: "r9")
            }
        }
    }

    @Test func `a router that ends says so, and is found again when it is back`() async throws {
        let bench = try PeeringBench()
        let a = try await bench.router(1, peers: [2])
        let b = try await bench.router(2, peers: [1])
        try await running(a) {
            try await together(a, b)
            let first = try #require(await a.status("r2")?.session)
            await b.peering.stop()
            try await eventually("the end") { a.downs.count == 1 }
            #expect(a.downs == [.closedByPeer(PeerClose(.stopping))])
            await #expect(throws: PeeringError.down("r2")) { try await a.peering.ping("r2", timeout: .seconds(5)) }
            await #expect(throws: PeeringError.down("r2")) { try await a.peering.send(16, ByteBuffer(), to: "r2") }
            try await eventually("why there is none") { await a.status("r2")?.lastFailure?.contains("connect") == true }
            let again = try await bench.router(2, peers: [1])
            try await running(again) {
                try await together(a, again)
                let second = try #require(await a.status("r2")?.session)
                #expect(second.identifier != first.identifier && second.hello.boot != first.hello.boot)
                #expect(try #require(await a.status("r2")).sessions >= 2)
                #expect(await a.status("r2")?.lastFailure == nil)
            }
        }
    }

    @Test func `pings are answered over the session`() async throws {
        let bench = try PeeringBench()
        let (a, b) = (try await bench.router(1, peers: [2]), try await bench.router(2, peers: [1]))
        try await running(a, b) {
            try await together(a, b)
            for _ in 0..<5 {
                let span = try await a.peering.ping("r2", timeout: .seconds(30))
                #expect(span > .zero && span < .seconds(30))
            }
            await #expect(throws: PeeringError.unknownPeer("r9")) {
                try await a.peering.ping("r9", timeout: .seconds(1))
            }
        }
    }

    @Test func `a peer that says nothing any more is given up, and a ping to it has no answer`() async throws {
        let bench = try PeeringBench()
        var limits = PeeringBench.limits
        limits.deadAfter = .milliseconds(1500)
        let a = try await bench.router(1, peers: [2], limits: limits)
        try await running(a) {
            let silent = try await RawClient(bench.transport(1), .init(credential: bench.issue(2)))
            silent.send(
                1, PeerHello(name: "r2", boot: 1, epoch: 1, router: 2, endpoints: []).encoded)
            try await eventually("its session") { a.peers == ["r2"] }
            await #expect(throws: PeeringError.noAnswer("r2")) {
                try await a.peering.ping("r2", timeout: .milliseconds(50))
            }
            try await eventually("the end") { a.downs == [.silent] }
            try await eventually("the end of the connection") { silent.isClosed }
        }
    }

    @Test func `senders wait while nobody reads, and nothing is lost when somebody does`() async throws {
        let bench = try PeeringBench()
        var limits = PeeringBench.limits
        limits.outgoingWindow = 1 << 20
        limits.incomingWindow = 1 << 20
        limits.deadAfter = .seconds(1)
        let a = try await bench.router(1, peers: [2], limits: limits)
        let b = try await RunningRouter(bench.configuration(2, peers: [1], limits: limits), reads: false)
        try await running(a, b) {
            try await together(a, b)
            let count = 400
            let sent = Mutex(0)
            let sending = Task {
                for number in 0..<count {
                    var payload = ByteBuffer(repeating: 0, count: 128 << 10)
                    payload.setInteger(UInt32(number), at: 0)
                    try await a.peering.send(16, payload, to: "r2")
                    sent.withLock { $0 += 1 }
                }
            }
            // Until nothing has moved for longer than a silent peer may be silent.
            var (before, since) = (-1, ContinuousClock.now)
            try await eventually("the sender waits") {
                let now = sent.withLock { $0 }
                if now != before { (before, since) = (now, .now) }
                return ContinuousClock.now - since > .seconds(2)
            }
            #expect(before < count / 2, "\(before) of \(count) went out with nobody reading")
            #expect(a.peers == ["r2"], "the session outlives it")
            b.read()
            try await sending.value
            try await eventually("all of it") { b.payloads.count == count }
            let numbers = b.payloads.map { $0.prefix(4).reduce(0) { $0 << 8 | Int($1) } }
            #expect(numbers == Array(0..<count))
            #expect(a.downs.isEmpty && b.downs.isEmpty)
        }
    }

    @Test func `a sender that waits ends with its task, or with the session`() async throws {
        let bench = try PeeringBench()
        let a = try await bench.router(1, peers: [2])
        let b = try await RunningRouter(bench.configuration(2, peers: [1]), reads: false)
        try await running(a, b) {
            try await together(a, b)
            func endless() -> Task<Void, any Error> {
                Task {
                    while true { try await a.peering.send(16, ByteBuffer(repeating: 0, count: 200_000), to: "r2") }
                }
            }
            let (one, two) = (endless(), endless())
            var (before, since) = (UInt64(0), ContinuousClock.now)
            try await eventually("they wait") {
                let now = await a.status("r2")?.bytesSent ?? 0
                if now > before + 1000 { (before, since) = (now, .now) }
                return now > 1_000_000 && ContinuousClock.now - since > .milliseconds(500)
            }
            one.cancel()
            await #expect(throws: PeeringError.cancelled) { try await one.value }
            await b.peering.stop()
            await #expect(throws: PeeringError.down("r2")) { try await two.value }
        }
    }

    @Test func `the table of a million hosts crosses in large messages`() async throws {
        let bench = try PeeringBench()
        let (a, b) = (try await bench.router(1, peers: [2]), try await bench.router(2, peers: [1]))
        try await running(a, b) {
            try await together(a, b)
            // 64 bytes an entry.
            let payload = ByteBuffer(repeating: 7, count: PeerFrameHeader.longestPayload)
            let frames = 1_000_000 * 64 / payload.readableBytes + 1
            let start = ContinuousClock.now
            for _ in 0..<frames { try await a.peering.send(16, payload, to: "r2") }
            try await eventually("all of it") { await b.status("r1")?.messagesReceived == UInt64(frames) }
            let elapsed = ContinuousClock.now - start
            print("a million entries of 64 bytes in \(elapsed)")
            #expect(elapsed < .seconds(60))
        }
    }
}
