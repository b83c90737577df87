import NetworkTypes
import PacketKit

@testable import AnchorDataPlane

/// What random traffic has to meet for the comparison to mean something.
struct NATCoverage {
    enum Event: String, CaseIterable {
        case up, down, hairpin, errorUp, errorDown, hairpinnedError, laterFragmentUp, laterFragmentDown
        case withoutChecksum, checksumOfZero, forTunnel, leftToKernel, answerRevealed, answerFromOtherPort
        case broughtByRouter, begunForRouter
    }

    private(set) var events: [Event: Int] = [:]

    /// Those that were never met.
    var missing: [String] { Event.allCases.filter { events[$0] == nil }.map(\.rawValue) }

    mutating func count(_ event: Event) { events[event, default: 0] += 1 }

    /// - Parameters:
    ///   - frame: as it came.
    ///   - world: what is inside and outside.
    mutating func see(_ frame: [UInt8], _ outcome: ModelOutcome, in world: NATWorld) {
        seeRouters(frame, outcome)
        guard outcome.verdict != .drop, let before = innermost(frame), let after = innermost(outcome.bytes) else {
            return
        }
        if outcome.reason?.name == "icmp_too_big" {
            if world.outside.number(of: before.header.destination) != nil { count(.answerRevealed) }
            return
        }
        let isUp = after.header.source != before.header.source
        let isDown = after.header.destination != before.header.destination
        guard isUp || isDown else { return }
        if outcome.verdict == .pass { count(.leftToKernel) }
        if isDown && outcome.reason?.name == "encapsulated" { count(.forTunnel) }
        if before.isError {
            count(isUp && isDown ? .hairpinnedError : isUp ? .errorUp : .errorDown)
            return
        }
        count(isUp && isDown ? .hairpin : isUp ? .up : .down)
        if before.header.fragment == .later { count(isUp ? .laterFragmentUp : .laterFragmentDown) }
        if let checksum = after.checksum {
            if checksum == 0 { count(.withoutChecksum) }
            if checksum == 0xffff { count(.checksumOfZero) }
        }
    }

    /// What comes from another router goes to its host here, or begins a flow here.
    private mutating func seeRouters(_ frame: [UInt8], _ outcome: ModelOutcome) {
        guard let packet = try? ModelPacket(frame), packet.network.isTunnel, let reason = outcome.reason?.name,
            RoamingWorld.routers.dropFirst().contains(packet.network.source)
        else { return }
        if reason == "delivered" { count(.broughtByRouter) }
        if ["forwarded", "to_server"].contains(reason) { count(.begunForRouter) }
    }

    /// A packet, or the one in its tunnel.
    private struct Innermost {
        var header: ModelPacket.Header
        var packet: ModelPacket

        private var hasTransport: Bool { header.fragment != .later && header.payload + 8 <= packet.bytes.count }
        var isError: Bool {
            hasTransport && header.number == 1
                && ModelAnswer.isError(number: 1, type: packet.bytes[header.payload])
        }
        /// UDP's.
        var checksum: UInt16? { hasTransport && header.number == 17 ? packet.word(header.payload + 6) : nil }
    }

    private func innermost(_ frame: [UInt8]) -> Innermost? {
        guard let packet = try? ModelPacket(frame) else { return nil }
        var header = packet.network
        if header.isTunnel, let inner = tunnelled(header, packet) { header = inner }
        return header.isV4 ? Innermost(header: header, packet: packet) : nil
    }
}
