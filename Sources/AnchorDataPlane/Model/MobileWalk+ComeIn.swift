import NetworkTypes
import PacketKit

/// The way into a mobile node [0048].
extension MobileWalk {
    mutating func comeIn(_ frame: [UInt8], on port: Port, _ aggregate: ModelAggregate?) -> ModelOutcome {
        var bytes = frame
        var report: [UInt8]?
        do throws(Exit) {
            guard MACAddress(bytes: frame.prefix(6)) == port.mac else { throw .pass }
            var packet = try Self.parse(frame)
            defer { bytes = packet.bytes }
            return try comeIn(&packet, aggregate, &report)
        } catch {
            var outcome = error.outcome(bytes: bytes, frame)
            outcome.report = report
            return outcome
        }
    }

    private mutating func comeIn(
        _ packet: inout ModelPacket, _ aggregate: ModelAggregate?, _ report: inout [UInt8]?
    ) throws(Exit) -> ModelOutcome {
        let header = packet.network
        guard let own = own(header.destination) else { throw .pass }
        if header.isTunnel { return try fromAnchor(&packet, aggregate) }
        if Self.isErrorAboutTunnel(packet) {
            report = Array(packet.bytes[header.start...].prefix(Self.longestReport))
            throw Self.exit("to_kernel_icmp")
        }
        try dropSecondCopy(packet, header, own.entry, .attached)
        clampMSS(&packet, header)
        tables.record(packet, header, own.entry, .down, aggregate)
        throw .pass
    }

    // MARK: Out of a tunnel

    private mutating func fromAnchor(
        _ packet: inout ModelPacket, _ aggregate: ModelAggregate?
    ) throws(Exit) -> ModelOutcome {
        let outer = packet.network
        let tunnel: ModelTunnel
        do throws(Exit) {
            tunnel = try Self.inside(packet)
            guard outer.fragment == .none else { throw Self.exit("outer_fragment") }
        } catch {
            // Tunnels of the node's user may be of any kind.
            guard tables.isPeer(outer.source) else { throw .pass }
            throw outer.fragment == .none ? error : Self.exit("outer_fragment")
        }
        let inner = tunnel.inner
        guard let own = own(inner.destination) else { throw .pass }
        try check(tunnel, from: outer.source, own.entry)
        guard let ecn = ModelPacket.ecnOutOfTunnel(outer: outer.trafficClass, inner: inner.trafficClass) else {
            throw Self.exit("ecn_invalid")
        }
        if let sequence = tunnel.sequence, !tables.advance(own, to: sequence) { throw Self.exit("sequence_old") }
        try dropSecondCopy(packet, inner, own.entry, .tunnelled)

        // Nothing but the link header is in front of it now.
        let type: UInt16 = inner.isV4 ? 0x0800 : 0x86dd
        packet.bytes = packet.bytes[..<12] + Frame.bigEndian(type) + packet.bytes[inner.start...]
        var header = inner
        header.start = outer.start
        header.payload -= inner.start - outer.start
        header.end -= inner.start - outer.start
        packet.network = header
        if ecn != header.trafficClass & 3 { packet.setTrafficClass(header.trafficClass & 0xfc | ecn, of: header) }

        // Sent to a care-of address that was moving: there is another tunnel inside.
        if header.isTunnel && tables.isPeer(header.source) {
            return ModelOutcome(verdict: .comesIn, bytes: packet.bytes)
        }
        clampMSS(&packet, header)
        tables.record(packet, header, own.entry, .down, aggregate)
        return ModelOutcome(verdict: .pass, reason: Self.reason("delivered"), bytes: packet.bytes)
    }

    /// The tunnel has to be the one that the inner destination's anchor has to this node.
    private func check(_ tunnel: ModelTunnel, from source: IPAddress, _ own: HostEntry) throws(Exit) {
        let isAdmitted = tables.admittedPeers[own.key.address]?.contains(source) == true
        guard own.tunnel?.peer == source || isAdmitted else { throw Self.exit("peer_unknown") }
        guard let agreed = own.tunnel else {
            // Nothing is agreed on yet but who it is; an order begins with the tunnel.
            if tunnel.sequence != nil { throw Self.exit("tunnel_kind_mismatch") }
            return
        }
        if let mismatch = tunnel.mismatch(with: agreed.kind) { throw mismatch }
    }

    /// What is behind the outer header.
    private static func inside(_ packet: ModelPacket) throws(Exit) -> ModelTunnel {
        let outer = packet.network
        guard packet.hasTransport(outer, 0) else { throw exit("malformed") }
        var at = outer.payload
        var isV4 = outer.number == 4
        var tunnel = ModelTunnel(inner: outer)
        if outer.number == 47 {
            // With anything inside, there is more than the longest header.
            guard packet.hasTransport(outer, 12) else { throw exit("malformed") }
            let isSequenced = packet.word(at) & 0x1000 != 0
            guard packet.word(at) & ~0x1000 == 0x2000 else { throw exit("tunnel_kind_mismatch") }
            guard [0x0800, 0x86dd].contains(packet.word(at + 2)) else { throw exit("malformed") }
            isV4 = packet.word(at + 2) == 0x0800
            tunnel.isGRE = true
            tunnel.key = number(packet, at + 4)
            if isSequenced { tunnel.sequence = number(packet, at + 8) }
            at += isSequenced ? 12 : 8
        }
        do { tunnel.inner = try ModelPacket.header(packet.bytes, at: at, isV4: isV4) } catch { throw exit("malformed") }
        guard tunnel.inner.end <= outer.end else { throw exit("malformed") }
        return tunnel
    }

    private static func number(_ packet: ModelPacket, _ at: Int) -> UInt32 {
        UInt32(packet.word(at)) << 16 | UInt32(packet.word(at + 2))
    }

    // MARK: Errors

    /// Of a packet that the daemon is told of, in bytes.
    private static let longestReport = 512

    /// An ICMP error about a packet in a tunnel.
    private static func isErrorAboutTunnel(_ packet: ModelPacket) -> Bool {
        let header = packet.network
        guard header.number == (header.isV4 ? 1 : 58), header.fragment == .none, packet.hasTransport(header, 28) else {
            return false
        }
        let isError = (header.isV4 ? [3, 11, 12] : [1, 2, 3, 4]).contains(packet.bytes[header.payload])
        return isError && [4, 41, 47].contains(packet.bytes[header.payload + 8 + (header.isV4 ? 9 : 6)])
    }

    // MARK: Copies

    /// Of copies on both ways the first goes on (row A9).
    private mutating func dropSecondCopy(
        _ packet: ModelPacket, _ header: ModelPacket.Header, _ own: HostEntry, _ way: DuplicateFilter.Way
    ) throws(Exit) {
        guard own.isBicast, own.attachment != nil, own.tunnel != nil else { return }
        guard tables.duplicates.isNew(Self.content(packet, header), on: way) else { throw Self.exit("duplicate") }
    }

    /// What stays the same in a packet whichever way it comes, as much of it as is looked at: addresses, length,
    /// protocol, IPv4's fragment, and the first bytes behind the header.
    private static func content(_ packet: ModelPacket, _ header: ModelPacket.Header) -> [UInt8] {
        let payload = header.isV4 ? header.payload : header.start + 40
        let fragment = header.isV4 ? Array(packet.bytes[header.start + 4..<header.start + 8]) : []
        return header.source.mappedBytes + header.destination.mappedBytes
            + Frame.bigEndian(UInt16(truncatingIfNeeded: header.length)) + [header.number] + fragment
            + packet.bytes[payload..<min(payload + 64, header.end)]
    }
}
