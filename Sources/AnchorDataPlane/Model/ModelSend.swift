import NetworkTypes
import PacketKit

extension ModelWalk {
    /// Sends what begins at `header` by the action's path; what is in front of it goes.
    mutating func transmit(
        _ packet: inout ModelPacket, _ header: ModelPacket.Header, _ action: Action
    ) throws(Exit) -> ModelOutcome {
        guard let path = tables.path(action.path) else { throw Self.exit("no_route") }
        let isDecapsulated = header.start != packet.network.start
        var decrements = action.decrements
        var left: Reason?
        switch path.nextHop {
        case .drop(let reason): throw .reason(reason.kind == .drop ? reason : Reason(name: "no_route")!)
        case .kernel: left = Reason(name: "to_kernel_route")
        case .host, .neighbour, .station:
            if !tables.isResolved(path) { left = Reason(name: "to_kernel_unresolved") }
        }
        if let left {
            if path.encapsulation == nil {
                if !isDecapsulated { throw .reason(left) }
                // The kernel takes one off.
                decrements = false
            }
        } else if header.length > Int(tables.mtu(of: path)) {
            guard !isDecapsulated else { throw Self.exit("too_big") }
            learn(packet, header)
            packet.takeBackTranslations()
            return try ModelAnswer.tooBig(
                packet, mtu: Int(tables.mtu(of: path)), on: index, port, endpoints: configuration.endpoints)
        }
        if decrements {
            // The kernel answers what it gets as it came.
            guard header.ttl > 1 else { throw Self.exit(isDecapsulated ? "ttl_expired" : "to_kernel_ttl") }
            packet.decrementTTL(of: header)
        }
        let outer = path.encapsulation.map { encapsulation in
            let tunnel = action.host?.entry.tunnel
            var key: UInt32 = 0
            if case .gre(let agreed, _) = tunnel?.kind { key = agreed }
            return encapsulation.header(
                for: header, to: action.router ?? tunnel?.peer, key: key, sequence: action.sequence)
        }
        let isV4 = path.encapsulation?.source.isV4 ?? header.isV4
        let link = linkHeader(path, packet, action, isLeft: left != nil)
        let bytes = link + Frame.bigEndian(isV4 ? 0x0800 : 0x86dd) + (outer ?? []) + packet.bytes[header.start...]
        if let left {
            return ModelOutcome(verdict: .pass, reason: left, bytes: bytes)
        }
        // Of what is shared with another router it is said why.
        let isSaid = path.encapsulation == nil || ["to_anchor", "passed_on", "returned"].contains(action.reason.name)
        let reason = isSaid ? action.reason : Reason(name: "encapsulated")!
        let target = tables.port(of: path)!
        return ModelOutcome(verdict: .redirect(target), reason: reason, bytes: bytes)
    }

    /// MACs and tag, without the type of what follows.
    private func linkHeader(
        _ path: PathSpecification, _ packet: ModelPacket, _ action: Action, isLeft: Bool
    ) -> [UInt8] {
        // Addressed to the interface that it came in by, the kernel takes it.
        if isLeft { return port.mac.bytes + port.mac.bytes }
        let source = tables.port(of: path).flatMap { tables.ports[$0]?.mac } ?? .zero
        switch path.nextHop {
        case .host:
            let station = action.host?.entry.attachment
            let tag = station?.vlan ?? 0
            return (station?.mac ?? .zero).bytes + source.bytes
                + (tag == 0 ? [] : Frame.bigEndian(0x8100) + Frame.bigEndian(tag))
        case .station(.zero, _): return packet.bytes[..<6] + source.bytes
        case .station(let mac, _): return mac.bytes + source.bytes
        case .neighbour: return (tables.resolutions[path.nextHop]?.destination ?? .zero).bytes + source.bytes
        case .kernel, .drop: return MACAddress.zero.bytes + source.bytes
        }
    }
}
