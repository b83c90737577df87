import FlowAnchorABI
import Glibc
import NetworkTypes

@testable import AnchorDataPlane

/// Reads what the programs have left in the NAT's tables, and whether slots name each other as they should.
struct NATSlotReader {
    private let memory: NATMemory
    private let slots: Int
    private var trace = NATTrace()
    private var answers = 0

    /// - Parameter slots: how many of the table are in use.
    init(_ memory: NATMemory, slots: Int) {
        self.memory = memory
        self.slots = slots
    }

    /// Reads all, and marks it as not used.
    /// - Parameter blocks: those that ports may be taken of.
    mutating func take(_ subscribers: [NATSubscriber], _ blocks: [PortBlock]) -> NATTrace {
        for index in 0..<slots where memory.translations.word(index).isInUse {
            let slot = memory.translations.slots + index
            if slot.pointee.key.pad != 0 || slot.pointee.key.realm != 0 {
                fault(index, "padding or realm")
            }
            switch slot.pointee.key.kind {
            case NATKind.up: readFlow(index, slot)
            case NATKind.down: answers += 1
            case NATKind.mapping: readMapping(index, slot)
            case NATKind.filter: readFilter(index, slot)
            case NATKind.away: readAway(index, slot)
            default: fault(index, "kind")
            }
        }
        if answers != trace.flows.count { trace.faults.append("\(trace.flows.count) UP and \(answers) DOWN") }
        for index in 0..<slots { memory.translations.slots[index].last_seen = 0 }
        checkChains()
        trace.slots = Int(memory.translations.live)
        for subscriber in subscribers {
            trace.subscribers[subscriber.inside] = .init(
                flows: subscriber.flows, refused: Int(subscriber.refused), wantsBlock: subscriber.wantsBlock)
        }
        for block in blocks { read(block) }
        return trace
    }

    private mutating func fault(_ index: Int, _ text: String) {
        trace.faults.append("slot \(index), \(memory.translations.slots[index].key): \(text)")
    }

    private func key(_ index: UInt32) -> fa_nat_key? {
        Int(index) < slots && memory.translations.word(Int(index)).isInUse
            ? memory.translations.slots[Int(index)].key : nil
    }

    private func equal(_ key: fa_nat_key?, _ kind: UInt8, _ local: ModelNAT.Endpoint, _ remote: ModelNAT.Endpoint)
        -> Bool
    {
        guard let key else { return false }
        return key.kind == kind && key.local == local && key.remote == remote
    }

    private mutating func readFlow(_ index: Int, _ slot: UnsafePointer<fa_translation>) {
        let key = slot.pointee.key
        guard let tuple = key.tuple else { return fault(index, "protocol") }
        let outside = slot.pointee.endpoint
        let twin = slot.pointee.twin
        guard equal(self.key(twin), NATKind.down, outside, key.remote) else { return fault(index, "its DOWN") }
        let down = memory.translations.slots + Int(twin)
        if down.pointee.twin != index { fault(index, "its DOWN has another UP") }
        if down.pointee.endpoint != key.local { fault(index, "its DOWN writes another host") }
        for mapping in [slot.pointee.mapping, down.pointee.mapping]
        where !equal(self.key(mapping), NATKind.mapping, key.local, .none) { fault(index, "mapping") }
        checkOwner(index, slot)
        let filter = down.pointee.filter
        let remote = ModelNAT.Endpoint(address: key.remote.address, port: 0)
        if tuple.transport == .udp
            ? !equal(self.key(filter &- 1), NATKind.filter, key.local, remote) : filter != 0
        {
            fault(index, "filter")
        }
        trace.flows[tuple] = .init(
            outside: outside, up: .init(rawValue: slot.pointee.seen), down: .init(rawValue: down.pointee.seen),
            wasUsedUp: slot.pointee.last_seen != 0, wasUsedDown: down.pointee.last_seen != 0)
    }

    private mutating func readAway(_ index: Int, _ slot: UnsafePointer<fa_translation>) {
        guard let tuple = slot.pointee.key.tuple else { return fault(index, "protocol") }
        checkOwner(index, slot)
        trace.away[tuple] = .init(
            router: slot.pointee.router, seen: .init(rawValue: slot.pointee.seen),
            wasUsed: slot.pointee.last_seen != 0)
    }

    /// Each flow is in its subscriber's chain, once, and nothing else is.
    private mutating func checkChains() {
        var expected: [Int: Set<Int>] = [:]
        for index in 0..<slots {
            let slot = memory.translations.slots + index
            guard memory.translations.word(index).isInUse, [NATKind.up, NATKind.away].contains(slot.pointee.key.kind)
            else { continue }
            expected[Int(slot.pointee.subscriber), default: []].insert(index)
        }
        for owner in 0..<memory.subscribers.capacity {
            var left = expected[owner] ?? []
            var link = memory.subscribers.slots[owner].chain
            while let index = memory.slot(link) {
                guard left.remove(index) != nil else {
                    fault(index, "in the chain of subscriber \(owner)")
                    break
                }
                link = memory.next(index)
            }
            for index in left { fault(index, "in no chain") }
        }
    }

    private mutating func readMapping(_ index: Int, _ slot: UnsafePointer<fa_translation>) {
        let key = slot.pointee.key
        guard let tuple = key.tuple, let row = NATRow.of(key.protocol) else { return fault(index, "protocol") }
        let outside = slot.pointee.endpoint
        checkOwner(index, slot)
        if let number = memory.outsideNumber(slot.pointee.address_be) {
            let entry = memory.entry(number, row: row, port: Int(outside.port)).pointee
            if entry != UInt64(index) + 1 { fault(index, "its port has \(entry)") }
        } else {
            fault(index, "outside address")
        }
        trace.mappings[tuple.mapping] = .init(
            outside: outside, users: Int(slot.pointee.users), wasUsed: slot.pointee.last_seen != 0)
    }

    private mutating func readFilter(_ index: Int, _ slot: UnsafePointer<fa_translation>) {
        let key = slot.pointee.key
        checkOwner(index, slot)
        if !equal(self.key(slot.pointee.mapping), NATKind.mapping, key.local, .none) { fault(index, "mapping") }
        trace.filters[.init(inside: key.local, remote: key.remote.address)] = .init(
            users: Int(slot.pointee.users), wasUsed: slot.pointee.last_seen != 0)
    }

    private mutating func checkOwner(_ index: Int, _ slot: UnsafePointer<fa_translation>) {
        let owner = Int(slot.pointee.subscriber)
        if owner >= memory.subscribers.capacity
            || memory.subscribers.slots[owner].key.address_be != slot.pointee.key.local_be
        {
            fault(index, "subscriber")
        }
    }

    private mutating func read(_ block: PortBlock) {
        for transport in ModelNAT.Transport.allCases {
            let row = NATRow.of(transport.rawValue)!
            let first = memory.bits(block.outside, row: row, port: Int(block.ports.lowerBound))
            let words = UnsafeRawBufferPointer(start: first, count: PortBlock.size / 8).bindMemory(to: UInt64.self)
            if !words.allSatisfy({ $0 == 0 }) {
                trace.ports[.init(block: block, transport: transport)] = Array(words)
            }
        }
    }
}

extension KernelDataPlane {
    /// - Parameters:
    ///   - buckets: of the table of translations that are in use.
    ///   - blocks: those that ports may be taken of.
    func takeNATTrace(buckets: Int, blocks: [PortBlock]) -> NATTrace {
        var subscribers: [NATSubscriber] = []
        _ = nat.scanSubscribers(from: 0, places: .max) { subscribers.append($0) }
        var reader = NATSlotReader(nat.memory, slots: buckets * Int(FA_BUCKET_SLOTS))
        return reader.take(subscribers, blocks)
    }
}

extension NATMemory {
    /// Ports that have a mapping, of all outside addresses, and blocks of which a port is taken.
    func inUse() -> (mappings: Int, blocks: Set<PortBlock>) {
        var mappings = 0
        var taken: Set<PortBlock> = []
        let zeros = [UInt8](repeating: 0, count: PortBlock.size * 8)
        for index in 0..<UInt32(outsideCapacity * PortBlock.perAddress) {
            let block = PortBlock(index: index)
            if !isUnused(index) { taken.insert(block) }
            for row in 0..<Int(FA_NAT_PROTOCOLS) {
                let entries = entry(block.outside, row: row, port: Int(block.ports.lowerBound))
                guard memcmp(entries, zeros, zeros.count) != 0 else { continue }
                mappings += (0..<PortBlock.size).count { entries[$0] != 0 }
            }
        }
        return (mappings, taken)
    }
}

extension fa_nat_key {
    fileprivate var local: ModelNAT.Endpoint {
        .init(address: IPAddress(v4: UInt32(bigEndian: local_be)), port: UInt16(bigEndian: local_port_be))
    }
    fileprivate var remote: ModelNAT.Endpoint {
        .init(address: IPAddress(v4: UInt32(bigEndian: remote_be)), port: UInt16(bigEndian: remote_port_be))
    }
    fileprivate var tuple: ModelNAT.Tuple? {
        ModelNAT.Transport(rawValue: `protocol`).map { .init(transport: $0, local: local, remote: remote) }
    }
}

extension fa_translation {
    fileprivate var endpoint: ModelNAT.Endpoint {
        .init(address: IPAddress(v4: UInt32(bigEndian: address_be)), port: UInt16(bigEndian: port_be))
    }
}
