import AnchorCore
import NetworkTypes
import Testing

@testable import AnchorPeering

@Suite struct HandshakeGateTests {
    private let neighbour = IPAddress("192.0.2.1")!

    private func gate(rate: Int = 1000, all: Int = 4, one: Int = 2) -> HandshakeGate {
        var limits = PeeringLimits()
        limits.handshakes = RateLimit(perSecond: rate, burst: rate)
        limits.halfOpen = all
        limits.halfOpenOfOneSource = one
        return HandshakeGate(limits, neighbours: [neighbour], key: 7)
    }

    private func stranger(_ number: UInt32) -> IPAddress { IPAddress(v4: 0xc633_6400 + number) }

    @Test func `a source is let through as often as its rate allows`() {
        var gate = gate(rate: 3, all: 100, one: 100)
        let answers = (0..<5).map { _ in gate.admit(neighbour, at: .zero) }
        #expect(answers == [nil, nil, nil, .rateLimited, .rateLimited])
        #expect(gate.admit(neighbour, at: .zero + .seconds(1)) == nil)
    }

    @Test func `one source and all strangers have bounds, and neighbours come in beside them`() {
        var gate = gate()
        #expect((0..<3).map { _ in gate.admit(stranger(1), at: .zero) } == [nil, nil, .tooManyHalfOpen])
        #expect((2..<5).map { gate.admit(stranger($0), at: .zero) } == [nil, nil, .tooManyHalfOpen])
        #expect((0..<3).map { _ in gate.admit(neighbour, at: .zero) } == [nil, nil, .tooManyHalfOpen])
        #expect(gate.pending == 6)
    }

    @Test func `what has ended makes room`() {
        var gate = gate()
        for number in 0..<4 { #expect(gate.admit(stranger(UInt32(number)), at: .zero) == nil) }
        #expect(gate.admit(stranger(9), at: .zero) == .tooManyHalfOpen)
        gate.finished(stranger(2))
        #expect(gate.admit(stranger(9), at: .zero) == nil)
        gate.finished(IPAddress("203.0.113.1")!)
        #expect(gate.admit(stranger(10), at: .zero) == .tooManyHalfOpen)
    }

    @Test func `all addresses of a 64 are one source`() {
        var gate = gate()
        let answers = (1...3).map { gate.admit(IPAddress("2001:db8::\($0)")!, at: .zero) }
        #expect(answers == [nil, nil, .tooManyHalfOpen])
        #expect(gate.admit(IPAddress("2001:db8:0:1::1")!, at: .zero) == nil)
    }
}
