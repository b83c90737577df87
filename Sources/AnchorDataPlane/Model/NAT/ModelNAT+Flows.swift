import NetworkTypes

extension ModelNAT {
    /// A packet of a flow that is there. A connection that ended begins anew with a SYN.
    /// - Returns: what the flow is translated to; `nil` if there is no such flow.
    mutating func use(_ tuple: Tuple, _ direction: ModelPacket.Direction, _ seen: Seen, opens: Bool) -> Endpoint? {
        let key = direction == .up ? tuple : answered(tuple)
        guard let key, var flow = direction == .up ? flow(key) : flows[key] else { return nil }
        if opens && tuple.transport == .tcp && flow.isEnded { (flow.up, flow.down) = ([], []) }
        switch direction {
        case .up:
            flow.up.formUnion(seen)
            flow.lastUp = now
        case .down:
            flow.down.formUnion(seen)
            flow.lastDown = now
        }
        flows[key] = flow
        return direction == .up ? flow.outside : key.local
    }

    /// What a flow is translated to, without a packet of its own.
    func translation(_ tuple: Tuple, _ direction: ModelPacket.Direction) -> Endpoint? {
        direction == .up ? flow(tuple)?.outside : answered(tuple)?.local
    }

    /// Makes the flow of a packet from the host, or of an answer to it. What is refused leaves no flow behind; a mapping
    /// or a filter that was made for it stays unused.
    mutating func make(_ tuple: Tuple, up: Seen, down: Seen) throws(Refusal) {
        let host = tuple.local.address
        trace?.note(.subscriber(host))
        guard let subscriber = subscribers[host], !subscriber.blocks.isEmpty else { throw .unassigned }
        do throws(Refusal) {
            guard subscriber.flows < subscriber.flowLimit else { throw .quota }
            let outside = try map(tuple)
            do throws(Refusal) {
                if tuple.transport == .udp { try permit(tuple) }
                do throws(Refusal) {
                    try link(tuple, outside)
                } catch {
                    if tuple.transport == .udp { filters[tuple.filter]?.users -= 1 }
                    throw error
                }
            } catch {
                mappings[tuple.mapping]?.users -= 1
                throw error
            }
            flows[tuple] = Flow(outside: outside, up: up, down: down, lastUp: now, lastDown: now)
            subscribers[host]?.flows += 1
        } catch {
            subscribers[host]?.refused += 1
            throw error
        }
    }

    /// An answer from an address that the port's host has sent UDP to, if from another port.
    /// - Parameter tuple: as the outside knows it.
    /// - Returns: whether there is a flow for it now.
    mutating func permitAnswer(_ tuple: Tuple) -> Bool {
        let port = OutsidePort(transport: tuple.transport, outside: tuple.local)
        guard tuple.transport == .udp, let inside = mapping(of: port)?.inside else { return false }
        let flow = Tuple(transport: .udp, local: inside, remote: tuple.remote)
        guard isPermitted(flow.filter) else { return false }
        do {
            try make(flow, up: [], down: .packet)
            return true
        } catch {
            return false
        }
    }

    /// The outside port of the flow's host, one for all destinations.
    private mutating func map(_ tuple: Tuple) throws(Refusal) -> Endpoint {
        trace?.note(.mapping(tuple.mapping))
        if var mapping = mappings[tuple.mapping] {
            mapping.users += 1
            mapping.lastUsed = now
            mappings[tuple.mapping] = mapping
            return mapping.outside
        }
        let (key, port) = try takePort(for: tuple)
        do throws(Refusal) {
            try takeSlot(NATKind.mapping, tuple.mapping.slot.tuple)
        } catch {
            ports.giveBack(key, port)
            throw error
        }
        let outside = Endpoint(address: subscribers[tuple.local.address]?.outside ?? .anyV4, port: port)
        mappings[tuple.mapping] = Mapping(outside: outside, block: key.block, lastUsed: now)
        mappingOfPort[OutsidePort(transport: tuple.transport, outside: outside)] = tuple.mapping
        return outside
    }

    /// Lets the flow's correspondent answer from any port.
    private mutating func permit(_ tuple: Tuple) throws(Refusal) {
        if isPermitted(tuple.filter) {
            filters[tuple.filter]?.users += 1
            return
        }
        try takeSlot(NATKind.filter, tuple.filter.slot.tuple)
        filters[tuple.filter] = Filter(made: now)
    }

    /// Both directions of the flow, or none.
    private mutating func link(_ tuple: Tuple, _ outside: Endpoint) throws(Refusal) {
        let answer = Tuple(transport: tuple.transport, local: outside, remote: tuple.remote)
        try takeSlot(NATKind.down, answer)
        do throws(Refusal) {
            try takeSlot(NATKind.up, tuple)
        } catch {
            slots.giveBack(.init(kind: NATKind.down, tuple: answer))
            throw error
        }
        answers[answer] = tuple
    }
}
