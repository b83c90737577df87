import NetworkTypes
import PacketKit

/// The way out of a mobile node: the source address decides [0046].
extension MobileWalk {
    mutating func leave(_ frame: [UInt8], _ aggregate: ModelAggregate?, _ cutting: ModelCutting) -> ModelOutcome {
        var bytes = frame
        var copy: ModelOutcome.Copy?
        do throws(Exit) {
            var packet = try Self.parse(frame)
            defer { bytes = packet.bytes }
            return try leave(&packet, aggregate, cutting, &copy)
        } catch {
            var outcome = error.outcome(bytes: bytes, frame)
            outcome.copy = copy
            return outcome
        }
    }

    private mutating func leave(
        _ packet: inout ModelPacket, _ aggregate: ModelAggregate?, _ cutting: ModelCutting,
        _ copy: inout ModelOutcome.Copy?
    ) throws(Exit) -> ModelOutcome {
        let header = packet.network
        if cutting == .done {
            // Recorded in front of the segmenter, and known to go through a tunnel.
            guard let own = own(header.source) else { throw .pass }
            guard own.entry.tunnel != nil else { throw Self.exit("no_route") }
            return try tunnel(packet, own, aggregate, cutting, &copy)
        }
        guard !staysOnLink(packet), let own = own(header.source) else { throw .pass }
        clampMSS(&packet, header)
        tables.record(packet, header, own.entry, .up, aggregate)
        guard own.entry.tunnel != nil else {
            guard let here = own.entry.attachment else { throw .pass }
            return try attach(packet, to: here.port)
        }
        if let here = own.entry.attachment, !own.entry.isBicast, !own.entry.prefersTunnel {
            return try attach(packet, to: here.port)
        }
        return try tunnel(packet, own, aggregate, cutting, &copy)
    }

    /// Multicast, broadcast, what is for the link alone, and neighbour discovery, whose source may be any address.
    private func staysOnLink(_ packet: ModelPacket) -> Bool {
        let header = packet.network
        if header.isV4 {
            let first = packet.bytes[header.start + 16]
            return first >= 224 || header.destination.isLinkLocal
        }
        if packet.bytes[header.start + 24] == 0xff || header.destination.isLinkLocal { return true }
        guard header.number == 58, header.fragment != .later, packet.hasTransport(header, 1) else { return false }
        // RFC 4861: solicitations and advertisements of routers and neighbours, redirects.
        return (133...137).contains(packet.bytes[header.payload])
    }

    /// As it is, by the uplink of the address's own router (row A6).
    private func attach(_ packet: ModelPacket, to port: PortIndex) throws(Exit) -> ModelOutcome {
        guard tables.ports[port] != nil, port != index else { throw .pass }
        return ModelOutcome(verdict: .neighbour(port), reason: Self.reason("forwarded"), bytes: packet.bytes)
    }

    /// Through the tunnel to the anchor of the source address (row A2).
    private mutating func tunnel(
        _ packet: ModelPacket, _ own: ModelDataPlane.ModelHost, _ aggregate: ModelAggregate?,
        _ cutting: ModelCutting, _ copy: inout ModelOutcome.Copy?
    ) throws(Exit) -> ModelOutcome {
        let header = packet.network
        guard let tunnel = own.entry.tunnel, let path = tables.paths[tunnel.path] else { throw Self.exit("no_route") }
        if case .drop(let reason) = path.nextHop {
            throw .reason(reason.kind == .drop ? reason : Self.reason("no_route"))
        }
        guard let encapsulation = path.encapsulation else { throw Self.exit("no_route") }
        let port = tables.port(of: path).flatMap { tables.ports[$0] == nil ? nil : $0 }
        // The segmenter's interface leads nowhere.
        if index == nil && port == nil { throw Self.exit("no_route") }

        let mtu = Int(tables.mtu(of: path))
        let fit = Self.fit(packet, aggregate, in: mtu, behind: encapsulation.overhead)
        let isSequenced = encapsulation.kind == .gre(sequenced: true)
        // Cut before it is in the tunnel, segments keep their size.
        guard fit == .whole || fit == .finer && !(isSequenced && cutting == .ahead) else {
            return try MobileAnswer.tooBig(packet, mtu: mtu)
        }
        if isSequenced && cutting == .ahead { return ModelOutcome(verdict: .segmenter, bytes: packet.bytes) }
        if own.entry.isBicast, let here = own.entry.attachment, index != nil || tables.ports[here.port] != nil {
            copy = .init(port: here.port, bytes: packet.bytes)
        }
        if isSequenced { tables.hosts[own.entry.key]?.transmitSequence &+= 1 }

        var key: UInt32 = 0
        if case .gre(let agreed, _) = tunnel.kind { key = agreed }
        let outer = encapsulation.header(for: header, to: tunnel.peer, key: key, sequence: own.transmitSequence)
        var link = Array(packet.bytes[..<12])
        if tables.isResolved(path), let port {
            link = (tables.resolutions[path.nextHop]?.destination ?? .zero).bytes + tables.ports[port]!.mac.bytes
        }
        let type: UInt16 = encapsulation.source.isV4 ? 0x0800 : 0x86dd
        var outcome = ModelOutcome(
            verdict: .neighbour(port), reason: Self.reason("encapsulated"),
            bytes: link + Frame.bigEndian(type) + outer + packet.bytes[header.start...])
        if tables.isResolved(path), let port { outcome.verdict = port == index ? .pass : .redirect(port) }
        outcome.copy = copy
        return outcome
    }

    private enum Fit {
        case whole
        /// If its segments are made smaller.
        case finer
        case not
    }

    /// Whether each packet on the wire fits the tunnel.
    private static func fit(
        _ packet: ModelPacket, _ aggregate: ModelAggregate?, in mtu: Int, behind overhead: Int
    ) -> Fit {
        let length = lengthOnWire(packet, aggregate)
        if length <= mtu { return .whole }
        guard let aggregate, packet.network.number == 6, aggregate.segmentSize > overhead else { return .not }
        return length - overhead <= mtu ? .finer : .not
    }

    /// Bytes of a packet, or of each segment of an aggregate, before it is in the tunnel.
    private static func lengthOnWire(_ packet: ModelPacket, _ aggregate: ModelAggregate?) -> Int {
        let header = packet.network
        guard let aggregate else { return header.length }
        let network = header.payload - header.start
        guard header.number == 6 else { return network + 8 + aggregate.segmentSize }
        guard packet.hasTransport(header, 20) else { return header.length }
        return network + Int(packet.bytes[header.payload + 12] >> 4) * 4 + aggregate.segmentSize
    }
}
