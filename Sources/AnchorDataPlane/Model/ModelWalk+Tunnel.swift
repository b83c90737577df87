import NetworkTypes

/// Packets that are tunnelled to this machine.
extension ModelWalk {
    mutating func leaveTunnel(_ packet: inout ModelPacket) throws(Exit) -> ModelOutcome {
        let outer = packet.network
        guard outer.fragment == .none else { throw Self.exit("outer_fragment") }
        let tunnel = try inside(packet, outer)
        let inner = tunnel.inner
        guard inner.end <= outer.end else { throw Self.exit("malformed") }
        let (host, origin) = try sender(of: tunnel, from: outer.source)
        guard !configuration.endpoints.contains(inner.destination) else {
            throw Self.exit("inner_destination_endpoint")
        }
        guard let ecn = ModelPacket.ecnOutOfTunnel(outer: outer.trafficClass, inner: inner.trafficClass) else {
            throw Self.exit("ecn_invalid")
        }
        if let sequence = tunnel.sequence, case .gre(_, sequenced: true) = host.entry.tunnel?.kind {
            guard tables.advance(host, to: sequence) else { throw Self.exit("sequence_old") }
        }
        var header = inner
        if ecn != inner.trafficClass & 3 {
            packet.setTrafficClass(inner.trafficClass & 0xfc | ecn, of: inner)
            header.trafficClass = inner.trafficClass & 0xfc | ecn
        }
        touch(host)
        try dropSecondCopy(packet, header, host, .tunnelled)
        if origin == .host && host.entry.isAsked { return try roam(&packet, header, host) }
        if origin == .begins { return try roam(&packet, header, host, returnedBy: outer.source) }
        packet.clampMSS(header, configuration)
        return try send(&packet, header, try action(host, header, origin))
    }

    /// The host that lets a packet in, and as what. A host's own packet comes from its peer, or from one that is
    /// admitted, in the tunnel that was agreed on.
    private func sender(
        of tunnel: ModelTunnel, from peer: IPAddress
    ) throws(Exit) -> (host: ModelDataPlane.ModelHost, origin: Origin) {
        let source = host(tunnel.inner.source)
        guard source?.entry.tunnel?.peer != peer else { return try agreed(source!, .host, tunnel) }
        if let (host, origin) = sharer(tunnel.inner, with: peer) {
            guard !tunnel.isGRE else { throw Self.exit("tunnel_kind_mismatch") }
            return try agreed(host, origin, tunnel)
        }
        guard let source else { throw Self.exit(isPeer(peer) ? "inner_source_unknown" : "peer_unknown") }
        guard tables.isAdmitted(peer, of: tunnel.inner.source) else {
            throw Self.exit(isPeer(peer) ? "inner_source_not_allowed" : "peer_unknown")
        }
        return (source, .host)
    }

    private func agreed(
        _ host: ModelDataPlane.ModelHost, _ origin: Origin, _ tunnel: ModelTunnel
    ) throws(Exit) -> (host: ModelDataPlane.ModelHost, origin: Origin) {
        if let mismatch = tunnel.mismatch(with: host.entry.tunnel?.kind) { throw mismatch }
        return (host, origin)
    }

    func inside(_ packet: ModelPacket, _ outer: ModelPacket.Header) throws(Exit) -> ModelTunnel {
        var at = outer.payload
        var isV4 = outer.number == 4
        var key: UInt32?
        var sequence: UInt32?
        func number(_ at: Int) throws(Exit) -> UInt32 {
            guard at + 4 <= packet.bytes.count else { throw Self.exit("malformed") }
            return UInt32(packet.word(at)) << 16 | UInt32(packet.word(at + 2))
        }
        if outer.number == 47 {
            let first = try number(at)
            guard [0x0800, 0x86dd].contains(first & 0xffff) else { throw Self.exit("malformed") }
            guard first >> 16 & ~0x3000 == 0 else { throw Self.exit("tunnel_kind_mismatch") }
            isV4 = first & 0xffff == 0x0800
            at += 4
            if first & 0x2000_0000 != 0 {
                key = try number(at)
                at += 4
            }
            if first & 0x1000_0000 != 0 {
                sequence = try number(at)
                at += 4
            }
        }
        guard at <= ModelPacket.furthestHeader else { throw Self.exit("malformed") }
        do {
            let inner = try ModelPacket.header(packet.bytes, at: at, isV4: isV4)
            return ModelTunnel(isGRE: outer.number == 47, key: key, sequence: sequence, inner: inner)
        } catch {
            throw Self.exit("malformed")
        }
    }

    /// In a tunnel between a node and an anchor elsewhere: its inner address isn't the outer one [0046] [0048].
    func isOfOtherAnchor(_ packet: ModelPacket, _ address: KeyPath<ModelPacket.Header, IPAddress>) -> Bool {
        if packet.network.fragment == .later { return true }
        guard let tunnel = try? inside(packet, packet.network) else { return false }
        return tunnel.inner[keyPath: address] != packet.network[keyPath: address]
    }
}
