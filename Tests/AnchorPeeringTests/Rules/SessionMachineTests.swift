import AnchorCore
import AnchorPKI
import AnchorProtocol
import Foundation
import NIOCore
import NetworkTypes
import Testing

@testable import AnchorPeering

extension SessionMachine.Action: CustomStringConvertible {
    public var description: String {
        switch self {
        case .send(let type, let payload): "send \(type) \(payload.count)"
        case .up(let hello): "up \(hello.name)"
        case .deliver(let type, let payload): "deliver \(type) \(payload.readableBytes)"
        case .answered(_, let span): "answered after \(span.nanoseconds)"
        case .refuse(let reason, _): "refuse \(reason.name)"
        case .end(let reason, let close): "end \(reason.name)\(close.map { " \($0.code.rawValue)" } ?? "")"
        }
    }
}

@Suite struct SessionMachineTests {
    private static let endpoint = IPAddress("192.0.2.1")!

    private func machine() throws -> SessionMachine {
        let identity = try CertifiedIdentity(role: .accessRouter, name: "r1", addresses: [Self.endpoint])
        return SessionMachine(
            VerifiedPeer(identity: identity, validUntil: .distantFuture), PeeringLimits(), seed: 1, at: .zero)
    }

    private func hello(_ name: String = "r1", _ endpoints: [IPAddress] = [endpoint]) -> [UInt8] {
        PeerHello(name: name, boot: 1, epoch: 1, router: 1, endpoints: endpoints).encoded
    }

    private func receive(
        _ machine: inout SessionMachine, _ type: UInt8, _ payload: [UInt8] = [], at now: MonotonicInstant = .zero
    ) -> [String] {
        machine.receive(type, ByteBuffer(bytes: payload), at: now).map(\.description)
    }

    private func up() throws -> SessionMachine {
        var machine = try machine()
        #expect(receive(&machine, 1, hello()) == ["up r1"])
        return machine
    }

    @Test func `a hello that agrees with the certificate begins the session`() throws {
        let machine = try up()
        #expect(machine.isUp && machine.longestPayload == PeerFrameHeader.longestPayload)
    }

    @Test func `a hello of another name or with an endpoint that is not certified is refused`() throws {
        var other = try machine()
        #expect(receive(&other, 1, hello("r2")) == ["refuse hello-name"])
        var foreign = try machine()
        #expect(receive(&foreign, 1, hello("r1", [IPAddress("192.0.2.9")!])) == ["refuse hello-endpoint"])
        #expect(receive(&foreign, 1, hello()) == [])
    }

    @Test(arguments: [2, 3, 5, 16, 255] as [UInt8])
    func `anything before the hello is refused`(type: UInt8) throws {
        var machine = try machine()
        #expect(receive(&machine, type, [UInt8](repeating: 0, count: 8)) == ["refuse malformed"])
        #expect(!machine.isUp && machine.longestPayload == PeerHello.longest)
    }

    @Test func `a ping comes back as it was, a message is delivered, an unknown control is ignored`() throws {
        var machine = try up()
        #expect(receive(&machine, 2, [UInt8](1...8)) == ["send pong 8"])
        #expect(receive(&machine, 16, [1, 2]) == ["deliver 16 2"])
        #expect(receive(&machine, 255) == ["deliver 255 0"])
        for type in 5...15 as ClosedRange<UInt8> { #expect(receive(&machine, type, [9]) == []) }
    }

    @Test func `what the session itself sends wrongly ends it`() throws {
        for (type, payload) in [(1, hello()), (2, [1]), (2, [UInt8](repeating: 0, count: 65)), (3, []), (4, [1])]
            as [(UInt8, [UInt8])]
        {
            var machine = try up()
            #expect(receive(&machine, type, payload) == ["end malformed 3"], "\(type)")
            #expect(receive(&machine, 16, [1]) == [])
        }
    }

    @Test func `an answer tells the round trip, one that nobody asked for nothing`() throws {
        var machine = try up()
        let (_, action) = machine.ping(at: .zero)
        guard case .send(.ping, let token) = action else { return #expect(Bool(false)) }
        #expect(receive(&machine, 3, [UInt8](repeating: 7, count: 8)) == [])
        #expect(receive(&machine, 3, token, at: .zero + .milliseconds(3)) == ["answered after 3000000"])
        #expect(receive(&machine, 3, token) == [])
    }

    @Test func `silence ends it, unless this end does not read`() throws {
        var machine = try up()
        let limit = PeeringLimits().deadAfter
        var now = MonotonicInstant.zero + limit
        #expect(machine.keepAlive(isPaused: true, at: now).map(\.description) == ["send ping 8"])
        machine.hear(at: now)
        now = now + limit
        #expect(machine.keepAlive(isPaused: false, at: now).map(\.description) == ["end silent 4"])
        #expect(machine.keepAlive(isPaused: false, at: now).isEmpty)
    }

    @Test func `a close is an end after the hello and a refusal before`() throws {
        var machine = try up()
        #expect(receive(&machine, 4, PeerClose(.stopping).encoded) == ["end closed-by-peer"])
        var early = try self.machine()
        #expect(receive(&early, 4, PeerClose(.refused, "no").encoded) == ["refuse refused-by-peer"])
    }

    @Test func `random messages never trap, and nothing comes after the end`() throws {
        var random = SeededRandom(seed: .random(in: .min ... .max))
        for _ in 0..<2000 {
            var machine = try Bool.random(using: &random) ? up() : self.machine()
            var isOver = false
            for _ in 0..<20 {
                let type = UInt8.random(in: 0...18, using: &random)
                let payload = (0..<Int.random(in: 0...20, using: &random)).map { _ in
                    UInt8.random(in: .min ... .max, using: &random)
                }
                let actions = receive(&machine, type, payload)
                #expect(!isOver || actions.isEmpty)
                isOver = isOver || actions.contains { $0.hasPrefix("end") || $0.hasPrefix("refuse") }
            }
        }
    }
}
