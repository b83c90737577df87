import NetworkTypes

extension ModelNAT {
    /// What the daemon takes out in a pass: flows that were not used lately, and then mappings and filters that nothing
    /// uses and that were not used lately either. Nothing stays of who is no subscriber any more.
    /// - Parameters:
    ///   - keepsEstablished: TCP connections that both sides have opened, and not closed, stay.
    ///   - isRecent: whether a time is not so long ago that what was last used then ends.
    mutating func expire(keepsEstablished: Bool, _ isRecent: (Duration) -> Bool) {
        for (tuple, flow) in flows where isOver(tuple.local.address, [flow.lastUp, flow.lastDown], isRecent) {
            let isKept = keepsEstablished && tuple.transport == .tcp && flow.isEstablished
            if !isKept || subscribers[tuple.local.address] == nil { remove(tuple, flow) }
        }
        for (tuple, flow) in away where isOver(tuple.local.address, [flow.last], isRecent) {
            let isKept = keepsEstablished && tuple.transport == .tcp && flow.seen.isDisjoint(with: [.fin, .reset])
            if !isKept || subscribers[tuple.local.address] == nil { remove(tuple) }
        }
        for (key, mapping) in mappings
        where mapping.users == 0 && isOver(key.inside.address, [mapping.lastUsed], isRecent) { remove(key, mapping) }
        for (key, filter) in filters where filter.users == 0 && isOver(key.inside.address, [filter.made], isRecent) {
            filters[key] = nil
            slots.giveBack(key.slot)
        }
    }

    private func isOver(_ host: IPAddress, _ times: [Duration], _ isRecent: (Duration) -> Bool) -> Bool {
        subscribers[host] == nil || !times.contains(where: isRecent)
    }

    private mutating func remove(_ tuple: Tuple, _ flow: Flow) {
        let answer = Tuple(transport: tuple.transport, local: flow.outside, remote: tuple.remote)
        flows[tuple] = nil
        answers[answer] = nil
        slots.giveBack(.init(kind: NATKind.up, tuple: tuple))
        slots.giveBack(.init(kind: NATKind.down, tuple: answer))
        mappings[tuple.mapping]?.users -= 1
        if tuple.transport == .udp { filters[tuple.filter]?.users -= 1 }
        subscribers[tuple.local.address]?.flows -= 1
    }

    /// A flow that began elsewhere.
    mutating func remove(_ tuple: Tuple) {
        away[tuple] = nil
        slots.giveBack(.init(kind: NATKind.away, tuple: tuple))
    }

    private mutating func remove(_ key: MappingKey, _ mapping: Mapping) {
        mappings[key] = nil
        mappingOfPort[OutsidePort(transport: key.transport, outside: mapping.outside)] = nil
        slots.giveBack(key.slot)
        ports.giveBack(.init(block: mapping.block, transport: key.transport), mapping.outside.port)
    }
}

extension ModelNAT.Flow {
    /// TCP: both sides have sent a SYN, and it did not end.
    var isEstablished: Bool { up.intersection(down).contains(.syn) && !isEnded }
}
