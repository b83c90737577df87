import CAtomics
import FlowAnchorABI
import NetworkTypes

/// Entries of the NAT, each under the key that programs look for.
extension TablesCopy {
    private var memory: NATMemory { plane.nat.memory }

    mutating func fetchFlow(_ tuple: ModelNAT.Tuple) -> [String: String]? {
        guard let slot = slot(NATKind.up, tuple) else { return nil }
        tables.nat.flows[tuple] = flow(slot.written, up: slot.seen)
        return slot.fields
    }

    mutating func fetchAway(_ tuple: ModelNAT.Tuple) -> [String: String]? {
        guard let slot = slot(NATKind.away, tuple) else { return nil }
        tables.nat.away[tuple] = .init(
            router: slot.router, seen: ModelNAT.Seen(rawValue: slot.seen), last: tables.nat.now)
        return slot.fields
    }

    mutating func fetchAnswer(_ tuple: ModelNAT.Tuple) -> [String: String]? {
        guard let slot = slot(NATKind.down, tuple) else { return nil }
        let inside = ModelNAT.Tuple(transport: tuple.transport, local: slot.written, remote: tuple.remote)
        tables.nat.answers[tuple] = inside
        // What comes down needs this slot alone.
        if tables.nat.flows[inside] == nil { tables.nat.flows[inside] = flow(tuple.local, up: 0) }
        return slot.fields
    }

    private func flow(_ outside: ModelNAT.Endpoint, up: UInt32) -> ModelNAT.Flow {
        .init(
            outside: outside, up: ModelNAT.Seen(rawValue: up), down: [], lastUp: tables.nat.now,
            lastDown: tables.nat.now)
    }

    mutating func fetchSubscriber(_ inside: IPAddress) -> [String: String]? {
        guard let subscriber = plane.nat.subscriber(inside) else { return nil }
        tables.nat.subscribers[inside] = .init(
            outside: subscriber.outside, flowLimit: subscriber.flowLimit, blocks: subscriber.blocks,
            flows: subscriber.flows)
        return SubscribersView(nat: plane.nat).entry(subscriber).fields
    }

    mutating func fetchMapping(_ key: ModelNAT.MappingKey) -> [String: String]? {
        guard let slot = slot(NATKind.mapping, key.slot.tuple), !slot.isGone else { return nil }
        let number = memory.outsideNumber(slot.address_be) ?? 0
        tables.nat.mappings[key] = .init(
            outside: slot.written,
            block: PortBlock(outside: number, number: Int(slot.written.port) / PortBlock.size),
            users: Int(slot.users), lastUsed: tables.nat.now)
        return slot.fields
    }

    mutating func fetchMapping(of port: ModelNAT.OutsidePort) -> [String: String]? {
        guard let bits = port.outside.address.v4Bits, let number = memory.outsideNumber(bits.bigEndian),
            let row = NATRow.of(port.transport.rawValue)
        else { return nil }
        let value = ca_load_relaxed_u64(memory.entry(number, row: row, port: Int(port.outside.port)))
        let index = Int(truncatingIfNeeded: value &- 1)
        guard value != 0, index < memory.translations.capacity, memory.translations.word(index).isInUse else {
            return nil
        }
        // What stands there counts only if the mapping says the same.
        let slot = memory.translations.slots[index]
        guard slot.key.kind == NATKind.mapping, slot.key.`protocol` == port.transport.rawValue,
            slot.written == port.outside, !slot.isGone
        else { return nil }
        let key = FlowKey(slot.key)
        tables.nat.mappingOfPort[port] = .init(
            transport: port.transport, inside: .init(address: key.local, port: key.localPort))
        return ["mapping": "\(index)", "inside": "\(key.local):\(key.localPort)"]
    }

    mutating func fetchFilter(_ key: ModelNAT.FilterKey) -> [String: String]? {
        guard let slot = slot(NATKind.filter, key.slot.tuple), !slot.isGone else { return nil }
        tables.nat.filters[key] = .init(users: Int(slot.users), made: tables.nat.now)
        return slot.fields
    }

    mutating func fetchPorts(_ key: ModelNAT.Ports.Key) -> [String: String]? {
        guard key.block.outside < memory.outsideCapacity, let row = NATRow.of(key.transport.rawValue) else {
            return nil
        }
        let first = Int(key.block.ports.lowerBound)
        var taken = 0
        for place in 0..<PortBlock.size {
            let word = ca_load_relaxed_u64(memory.bits(key.block.outside, row: row, port: first + place))
            guard word >> UInt64((first + place) % 64) & 1 != 0 else { continue }
            tables.nat.ports.set(key, place)
            taken += 1
        }
        return ["ports": "\(key.block)", "taken": "\(taken)"]
    }

    mutating func fetchLoad(of bucket: Int) -> [String: String]? {
        let size = Int(FA_BUCKET_SLOTS)
        let used = (bucket * size..<(bucket + 1) * size).count { memory.translations.word($0).state != .free }
        tables.nat.slots.setLoad(used, of: bucket)
        return ["used": "\(used)"]
    }

    /// As it is at one moment.
    private func slot(_ kind: UInt8, _ tuple: ModelNAT.Tuple) -> fa_translation? {
        let key = TranslationKey(fa_nat_key(kind, tuple))
        while let found = memory.find(key) {
            let slot = memory.translations.slots[found.index]
            if memory.translations.word(found.index) == found.word { return slot }
        }
        return nil
    }
}

extension fa_translation {
    /// What is written into packets.
    fileprivate var written: ModelNAT.Endpoint {
        .init(address: IPAddress(v4: UInt32(bigEndian: address_be)), port: UInt16(bigEndian: port_be))
    }

    /// A mapping or filter that is being taken out.
    fileprivate var isGone: Bool { users & FA_NAT_GONE != 0 }
}
