import CAtomics
import FlowAnchorABI
import NetworkTypes

@testable import AnchorDataPlane

/// What a program does to the tables when a packet comes (`BPF/include/nat_make.h`), step by step.
struct NATProgram {
    let memory: NATMemory

    struct Flow: Hashable {
        var inside: IPAddress
        var insidePort: UInt16
        var remote: IPAddress
        var remotePort: UInt16
        var transport: UInt8

        static func tcp(_ inside: IPAddress, _ port: UInt16, to remote: IPAddress = .documentation(9)) -> Flow {
            Flow(inside: inside, insidePort: port, remote: remote, remotePort: 443, transport: 6)
        }

        static func udp(_ inside: IPAddress, _ port: UInt16, to remote: IPAddress = .documentation(9)) -> Flow {
            Flow(inside: inside, insidePort: port, remote: remote, remotePort: 53, transport: 17)
        }

        static func ping(_ inside: IPAddress, _ identifier: UInt16) -> Flow {
            Flow(inside: inside, insidePort: identifier, remote: .documentation(9), remotePort: 0, transport: 1)
        }
    }

    struct Made: Equatable {
        var up: Int
        var down: Int
        var mapping: Int
        var port: UInt16
    }

    enum Refusal: Error {
        case unassigned, quota, ports, table
    }

    private func key(_ flow: Flow, _ kind: UInt8) -> fa_nat_key {
        var key = fa_nat_key()
        key.local_be = (flow.inside.v4Bits ?? 0).bigEndian
        key.local_port_be = flow.insidePort.bigEndian
        if kind != NATKind.mapping { key.remote_be = (flow.remote.v4Bits ?? 0).bigEndian }
        if kind == NATKind.up || kind == NATKind.away { key.remote_port_be = flow.remotePort.bigEndian }
        key.`protocol` = flow.transport
        key.kind = kind
        return key
    }

    func find(_ flow: Flow, _ kind: UInt8 = NATKind.up) -> Int? {
        let key = TranslationKey(key(flow, kind))
        return memory.find(key)?.index
    }

    /// Makes the flow as its first packet from the host does.
    func make(_ flow: Flow, now: UInt32 = 0, seen: UInt32 = FA_NAT_SEEN | FA_NAT_SYN) throws(Refusal) -> Made {
        let subscriber = fa_subscriber_key(flow.inside)
        guard let owner = memory.subscribers.find(memory.hash(subscriber), subscriber)?.index else {
            throw .unassigned
        }
        let slot = UnsafeMutableRawPointer(memory.subscribers.slots + owner)
        if ca_fetch_add_u32(slot + NATOffset.flows, 1) >= ca_load_relaxed_u32(slot + NATOffset.flowLimit) {
            _ = ca_fetch_add_u32(slot + NATOffset.flows, .max)
            _ = ca_fetch_add_u32(slot + NATOffset.refused, 1)
            throw .quota
        }
        do throws(Refusal) {
            let mapping = try share(key(flow, NATKind.mapping), now) { () throws(Refusal) in
                try makeMapping(flow, owner, now)
            }
            var filter: Int?
            do throws(Refusal) {
                if flow.transport == 17 {
                    filter = try share(key(flow, NATKind.filter), now) { () throws(Refusal) in
                        try insert(key(flow, NATKind.filter), now, use: 1) { slot in
                            slot.pointee.mapping = UInt32(mapping)
                            slot.pointee.subscriber = UInt32(owner)
                        }
                    }
                }
                return try makePair(flow, mapping, filter, owner, now, seen)
            } catch {
                leave(mapping)
                if let filter { leave(filter) }
                throw error
            }
        } catch {
            _ = ca_fetch_add_u32(slot + NATOffset.flows, .max)
            _ = ca_fetch_add_u32(slot + NATOffset.refused, 1)
            throw error
        }
    }

    private func makePair(
        _ flow: Flow, _ mapping: Int, _ filter: Int?, _ owner: Int, _ now: UInt32, _ seen: UInt32
    ) throws(Refusal) -> Made {
        let outside = memory.translations.slots[mapping].address_be
        let port = memory.translations.slots[mapping].port_be
        var reverse = key(flow, NATKind.down)
        reverse.local_be = outside
        reverse.local_port_be = port
        reverse.remote_port_be = flow.remotePort.bigEndian
        let down = try insert(reverse, now, use: 0) { slot in
            slot.pointee.address_be = (flow.inside.v4Bits ?? 0).bigEndian
            slot.pointee.port_be = flow.insidePort.bigEndian
            slot.pointee.mapping = UInt32(mapping)
            slot.pointee.filter = filter.map { UInt32($0 + 1) } ?? 0
        }
        do throws(Refusal) {
            let up = try insert(key(flow, NATKind.up), now, use: seen) { slot in
                slot.pointee.address_be = outside
                slot.pointee.port_be = port
                slot.pointee.twin = UInt32(down)
                slot.pointee.mapping = UInt32(mapping)
                slot.pointee.subscriber = UInt32(owner)
            }
            ca_store_relaxed_u32(memory.place(down) + NATOffset.twin, UInt32(up))
            chain(up, owner)
            return Made(up: up, down: down, mapping: mapping, port: UInt16(bigEndian: port))
        } catch {
            _ = memory.translations.remove(.init(index: down, word: memory.translations.word(down)))
            throw error
        }
    }

    /// Puts the slot in front of its subscriber's chain (`fa_nat_chain`).
    func chain(_ index: Int, _ owner: Int) { link(index, after: front(index, owner)) }

    /// The first half of it: nobody comes past the slot before the second one.
    func front(_ index: Int, _ owner: Int) -> UInt32 {
        let head = UnsafeMutableRawPointer(memory.subscribers.slots + owner) + NATOffset.chain
        var first: UInt32
        repeat { first = ca_load_relaxed_u32(head) } while !ca_compare_exchange_u32(head, first, UInt32(index) + 1)
        return first
    }

    func link(_ index: Int, after first: UInt32) {
        ca_store_release_u32(memory.place(index) + NATOffset.next, first)
    }

    /// The slot of the key with one more user, made if there is none.
    private func share(
        _ key: fa_nat_key, _ now: UInt32, _ make: () throws(Refusal) -> Int
    ) throws(Refusal) -> Int {
        let wanted = TranslationKey(key)
        guard let found = memory.find(wanted),
            use(found.index, found.word)
        else { return try make() }
        if key.kind == NATKind.mapping { ca_store_relaxed_u32(memory.place(found.index) + NATOffset.lastSeen, now) }
        return found.index
    }

    private func use(_ index: Int, _ word: SlotWord) -> Bool {
        let place = memory.place(index) + NATOffset.use
        while true {
            let users = ca_load_relaxed_u32(place)
            if users & FA_NAT_GONE != 0 { return false }
            guard ca_compare_exchange_u32(place, users, users + 1) else { continue }
            if memory.translations.word(index) == word { return true }
            _ = ca_fetch_add_u32(place, .max)
            return false
        }
    }

    private func leave(_ index: Int) { _ = ca_fetch_add_u32(memory.place(index) + NATOffset.use, .max) }

    private func makeMapping(_ flow: Flow, _ owner: Int, _ now: UInt32) throws(Refusal) -> Int {
        let subscriber = NATSubscriber(memory.subscribers.slots + owner, index: owner)
        guard let row = NATRow.of(flow.transport) else { throw .table }
        for block in subscriber.blocks {
            for port in block.ports {
                let bits = memory.bits(block.outside, row: row, port: Int(port))
                let bit: UInt64 = 1 << UInt64(port % 64)
                let taken = ca_load_relaxed_u64(bits)
                guard taken & bit == 0, ca_compare_exchange_u64(bits, taken, taken | bit) else { continue }
                do throws(Refusal) {
                    let made = try insert(key(flow, NATKind.mapping), now, use: 1) { slot in
                        slot.pointee.address_be = (subscriber.outside.v4Bits ?? 0).bigEndian
                        slot.pointee.port_be = port.bigEndian
                        slot.pointee.subscriber = UInt32(owner)
                    }
                    ca_store_release_u64(memory.entry(block.outside, row: row, port: Int(port)), UInt64(made) + 1)
                    return made
                } catch {
                    _ = ca_fetch_and_u64(bits, ~bit)
                    throw error
                }
            }
        }
        ca_store_release_u32(UnsafeMutableRawPointer(memory.subscribers.slots + owner) + NATOffset.wantsBlock, 1)
        throw .ports
    }

    private func insert(
        _ key: fa_nat_key, _ now: UInt32, use: UInt32, _ fill: (UnsafeMutablePointer<fa_translation>) -> Void
    ) throws(Refusal) -> Int {
        let wanted = TranslationKey(key)
        guard case .claimed(let claim) = memory.claim(wanted) else { throw .table }
        let slot = memory.translations.slots + claim.index
        slot.pointee.key = key
        slot.pointee.next = key.kind == NATKind.up ? FA_NAT_CHAINING : 0
        slot.pointee.address_be = 0
        slot.pointee.port_be = 0
        slot.pointee.last_seen = now
        slot.pointee.seen = use
        slot.pointee.twin = 0
        slot.pointee.mapping = 0
        slot.pointee.subscriber = 0
        fill(slot)
        memory.translations.publish(claim)
        return claim.index
    }

    /// A packet of a flow that is there.
    func touch(_ index: Int, now: UInt32, seen: UInt32 = FA_NAT_SEEN) {
        ca_store_relaxed_u32(memory.place(index) + NATOffset.lastSeen, now)
        _ = ca_fetch_or_u32(memory.place(index) + NATOffset.use, seen)
    }
}
