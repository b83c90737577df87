import NetworkTypes
import PacketKit

/// NAT on a packet's walk: from inside hosts to the core, and back.
extension ModelWalk {
    /// What a packet says of its flow.
    enum Sign {
        case flow(ModelNAT.Tuple, seen: ModelNAT.Seen, opens: Bool)
        /// An ICMP error belongs to the flow of the packet that it quotes.
        case error
    }

    /// Sends a packet; if it is an inside host's and goes to the core, translated. What is answered or left to the kernel
    /// for its TTL is not: its sender must know it again.
    mutating func send(
        _ packet: inout ModelPacket, _ header: ModelPacket.Header, _ action: Action
    ) throws(Exit) -> ModelOutcome {
        guard action.reason.name == "forwarded", isInside(header.source), !isExempt(header.destination),
            leaves(header, action)
        else {
            return try transmit(&packet, header, action)
        }
        var header = header
        try translateUp(&packet, &header)
        guard isOutside(header.destination) else { return try transmit(&packet, header, action) }
        // To another inside host by its outside address (RFC 4787, REQ-9).
        try translateDown(&packet, &header)
        return try transmit(&packet, header, try routeLocal(header.destination, .afterServer))
    }

    /// From the core to an outside address: for the host that it stands for, unless it is for this machine itself.
    mutating func comeIn(_ packet: inout ModelPacket) throws(Exit) {
        var header = packet.network
        guard isOutside(header.destination) else { return }
        // What one inside host sends to another never leaves this machine: somebody pretends to be one (T1).
        guard !isOutside(header.source) else { throw Self.exit("nat_unmatched") }
        do throws(Exit) {
            try translateDown(&packet, &header)
        } catch {
            let isOwn =
                configuration.endpoints.contains(header.destination) || port.addresses.contains(header.destination)
            let names = ["nat_unmatched", "nat_fragment"]
            guard isOwn, case .reason(let reason) = error, names.contains(reason.name) else { throw error }
        }
        packet.network = header
    }

    /// Whether a packet of an inside host to an address of this machine is for another inside host.
    mutating func hairpins(_ packet: ModelPacket, _ header: ModelPacket.Header) -> Bool {
        guard isInside(header.source), isOutside(header.destination), header.number != 1,
            case .flow(let tuple, _, _) = try? sign(packet, header, .down)
        else { return false }
        return tables.nat.mapping(of: .init(transport: tuple.transport, outside: tuple.local)) != nil
    }

    /// Whoever looks at a first fragment learns its ports.
    mutating func learn(_ packet: ModelPacket, _ header: ModelPacket.Header) {
        if header.fragment == .first, isInside(header.destination) { _ = try? sign(packet, header, .down) }
    }

    func isInside(_ address: IPAddress) -> Bool { configuration.inside.contains { $0.contains(address) } }
    func isExempt(_ address: IPAddress) -> Bool { configuration.exempt.contains { $0.contains(address) } }
    private func isOutside(_ address: IPAddress) -> Bool { configuration.outside.number(of: address) != nil }

    /// Whether it will be sent, or left to the kernel to be sent.
    private func leaves(_ header: ModelPacket.Header, _ action: Action) -> Bool {
        guard let path = tables.path(action.path), !action.decrements || header.ttl > 1 else { return false }
        switch path.nextHop {
        case .drop: return false
        case .kernel: return true
        case .host, .neighbour, .station:
            return !tables.isResolved(path) || header.length <= Int(tables.mtu(of: path))
        }
    }

    // MARK: Both ways

    private mutating func translateUp(_ packet: inout ModelPacket, _ header: inout ModelPacket.Header) throws(Exit) {
        guard case .flow(let tuple, let seen, let opens) = try sign(packet, header, .up) else {
            return try translateError(&packet, &header, .up)
        }
        if tables.nat.use(tuple, .up, seen, opens: opens) == nil {
            guard opens else { throw Self.exit(header.fragment == .later ? "nat_fragment" : "nat_not_open") }
            do {
                try tables.nat.make(tuple, up: seen, down: [])
            } catch {
                throw Self.exit(error.rawValue)
            }
        }
        guard let outside = tables.nat.translation(tuple, .up) else { throw Self.exit("nat_not_open") }
        packet.translate(&header, .source, from: tuple.local, to: outside)
    }

    private mutating func translateDown(_ packet: inout ModelPacket, _ header: inout ModelPacket.Header) throws(Exit) {
        let sign: Sign
        do throws(Exit) {
            sign = try self.sign(packet, header, .down)
        } catch {
            guard case .reason(let reason) = error, reason.name == "nat_protocol" else { throw error }
            throw Self.exit("nat_unmatched")
        }
        guard case .flow(let tuple, let seen, let opens) = sign else {
            return try translateError(&packet, &header, .down)
        }
        var inside = tables.nat.use(tuple, .down, seen, opens: opens)
        if inside == nil, tables.nat.permitAnswer(tuple) { inside = tables.nat.use(tuple, .down, seen, opens: opens) }
        guard let inside else { throw Self.exit("nat_unmatched") }
        // The kernel would tell its sender of a packet that it does not know.
        guard header.ttl > 1 || !configuration.decrementsTTL else { throw Self.exit("ttl_expired") }
        packet.translate(&header, .destination, from: tuple.local, to: inside)
    }

    /// An ICMP error (RFC 5508, section 4): it neither makes a flow nor keeps one alive.
    private func translateError(
        _ packet: inout ModelPacket, _ header: inout ModelPacket.Header, _ direction: ModelPacket.Direction
    ) throws(Exit) {
        let (tuple, quoted) = try quotedFlow(packet, header, direction)
        guard let endpoint = tables.nat.translation(tuple, direction) else { throw Self.exit("nat_unmatched") }
        packet.translateError(&header, direction == .up ? .source : .destination, quoting: quoted, to: endpoint)
    }

    // MARK: Which flow

    /// The flow of the packet that an ICMP error quotes.
    func quotedFlow(
        _ packet: ModelPacket, _ header: ModelPacket.Header, _ direction: ModelPacket.Direction
    ) throws(Exit) -> (ModelNAT.Tuple, quoted: ModelPacket.Header) {
        let unmatched = Self.exit("nat_unmatched")
        guard header.fragment == .none, header.payload + 8 < header.end,
            let quoted = try? ModelPacket.header(packet.bytes, at: header.payload + 8, isV4: true),
            quoted.fragment != .later, quoted.payload + 8 <= header.end,
            let transport = ModelNAT.Transport(rawValue: quoted.number)
        else { throw unmatched }
        // What has come down is quoted on its way up, and the other way round.
        let isUp = direction == .up
        // Nobody speaks of flows that aren't his own.
        guard isUp ? quoted.destination == header.source : quoted.source == header.destination else { throw unmatched }
        let ports = packet.ports(quoted, transport, isUp ? .down : .up)
        let tuple = ModelNAT.Tuple(
            transport: transport,
            local: .init(
                address: isUp ? quoted.destination : quoted.source, port: isUp ? ports.destination : ports.source),
            remote: .init(
                address: isUp ? quoted.source : quoted.destination, port: isUp ? ports.source : ports.destination))
        return (tuple, quoted)
    }

    /// Learns from a first fragment what the later ones don't have.
    mutating func sign(
        _ packet: ModelPacket, _ header: ModelPacket.Header, _ direction: ModelPacket.Direction
    ) throws(Exit) -> Sign {
        guard let transport = ModelNAT.Transport(rawValue: header.number) else { throw Self.exit("nat_protocol") }
        let key = ModelNAT.Fragments.Key(
            source: header.source, destination: header.destination, identification: packet.word(header.start + 4),
            transport: transport)
        func tuple(_ source: UInt16, _ destination: UInt16) -> ModelNAT.Tuple {
            let (from, to) = (
                ModelNAT.Endpoint(address: header.source, port: source),
                ModelNAT.Endpoint(address: header.destination, port: destination)
            )
            return direction == .up
                ? .init(transport: transport, local: from, remote: to)
                : .init(transport: transport, local: to, remote: from)
        }
        if header.fragment == .later {
            guard let first = tables.nat.firstFragment(key) else { throw Self.exit("nat_fragment") }
            return .flow(tuple(first.sourcePort, first.destinationPort), seen: .packet, opens: false)
        }
        guard header.length >= header.payload - header.start + (transport == .tcp ? 20 : 8) else {
            throw Self.exit("malformed")
        }
        var seen: ModelNAT.Seen = .packet
        var opens = true
        switch transport {
        case .udp: break
        case .tcp:
            let flags = packet.bytes[header.payload + 13]
            if flags & Layer.TCP.syn != 0 { seen.insert(.syn) }
            if flags & Layer.TCP.fin != 0 { seen.insert(.fin) }
            if flags & Layer.TCP.rst != 0 { seen.insert(.reset) }
            opens = flags & (Layer.TCP.syn | Layer.TCP.ack | Layer.TCP.rst | Layer.TCP.fin) == Layer.TCP.syn
        case .icmp:
            let type = packet.bytes[header.payload]
            if ModelAnswer.isError(number: 1, type: type) { return .error }
            // Echo and timestamp, and their replies (RFC 5508, section 3).
            guard [0, 8, 13, 14].contains(type) else { throw Self.exit("nat_protocol") }
            opens = type == 8 || type == 13
        }
        let ports = packet.ports(header, transport, direction)
        if header.fragment == .first {
            tables.nat.learn(.init(key: key, sourcePort: ports.source, destinationPort: ports.destination))
        }
        return .flow(tuple(ports.source, ports.destination), seen: seen, opens: opens)
    }
}

extension ModelPacket {
    /// Ports of a packet whose transport header is there. The identifier of an ICMP query is the host's.
    fileprivate func ports(
        _ header: Header, _ transport: ModelNAT.Transport, _ direction: Direction
    ) -> (source: UInt16, destination: UInt16) {
        guard transport == .icmp else { return (word(header.payload), word(header.payload + 2)) }
        let identifier = word(header.payload + 4)
        return direction == .up ? (identifier, 0) : (0, identifier)
    }

    /// An endpoint that was translated, as it was.
    struct Translation {
        var side: Side
        var from: ModelNAT.Endpoint
    }

    /// Translates and notes what was there before.
    fileprivate mutating func translate(
        _ header: inout Header, _ side: Side, from former: ModelNAT.Endpoint, to endpoint: ModelNAT.Endpoint
    ) {
        translate(&header, side, to: endpoint)
        translations.append(.init(side: side, from: former))
        if network.start == header.start { network = header }
    }

    /// The packet as its sender knows it, for an answer that quotes it.
    mutating func takeBackTranslations() {
        var header = network
        while let last = translations.popLast() { translate(&header, last.side, to: last.from) }
        network = header
    }
}
