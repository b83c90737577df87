import CAtomics
import FlowAnchorABI
import NetworkTypes
import Synchronization

@testable import AnchorDataPlane

/// The NAT's tables on memory of the test's own, and what programs do to them (`nat_make.h`), in Swift.
final class NATBench: Sendable {
    let memory: NATMemory
    let table: NATTable
    /// How often the table has waited for programs.
    let waits: Counter
    private nonisolated(unsafe) let places: [UnsafeMutableRawPointer]

    final class Counter: Sendable {
        let count = Atomic(0)
    }

    static let outside = IPAddress("192.0.2.1")!

    init(
        translations: Int = 4096, subscribers: Int = 64,
        outside: [OutsideRange] = [.init(first: NATBench.outside, count: 2, index: 0)],
        isQuiet: @escaping @Sendable () -> Void = {}
    ) {
        func zeros(_ count: Int) -> UnsafeMutableRawPointer {
            let place = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 64)
            place.initializeMemory(as: UInt8.self, repeating: 0, count: count)
            return place
        }
        let capacity = outside.capacity
        let places = [
            zeros(translations * 64), zeros(64), zeros(subscribers * 128), zeros(64),
            zeros(capacity * PortBlock.perAddress * MemoryLayout<fa_nat_block>.stride), zeros(capacity * 3 * 65536 * 8),
            zeros(MemoryLayout<fa_config>.stride), zeros(max(8, translations / 32)),
        ]
        let config = places[6].assumingMemoryBound(to: fa_config.self)
        var configuration = DataPlaneConfiguration()
        configuration.outside = outside
        config.pointee = fa_config(configuration, addresses: [], over: fa_config())
        config.pointee.hash_secret = (0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210)
        self.places = places
        memory = NATMemory(
            translations: SlotTable(slots: places[0], capacity: translations, state: places[1]),
            elsewhere: places[7].assumingMemoryBound(to: UInt64.self),
            subscribers: SlotTable(slots: places[2], capacity: subscribers, state: places[3]), blocks: places[4],
            ports: places[5].assumingMemoryBound(to: UInt64.self), outsideCapacity: capacity, config: config)
        let waits = Counter()
        self.waits = waits
        table = NATTable(memory) {
            waits.count.add(1, ordering: .relaxed)
            isQuiet()
        }
    }

    deinit {
        for place in places { place.deallocate() }
    }

    /// The same memory as a daemon that starts anew finds it.
    func restarted() -> NATTable {
        let table = NATTable(memory, owner: self) {}
        _ = table.repair()
        return table
    }

    /// A subscriber of the first outside address, with these blocks of it.
    func subscribe(_ inside: IPAddress, blocks: [Int] = [2], limit: Int = 100) throws {
        try table.setSubscriber(
            inside: inside, outside: Self.outside, flowLimit: limit,
            blocks: blocks.map { PortBlock(outside: 0, number: $0) })
    }

    func translation(_ index: Int) -> UnsafeMutablePointer<fa_translation> { memory.translations.slots + index }

    /// Slots in use of a kind.
    func slots(_ kind: UInt8) -> [Int] {
        (0..<memory.translations.capacity).filter {
            memory.translations.word($0).isInUse && memory.translations.slots[$0].key.kind == kind
        }
    }

    /// A subscriber's chain, the newest first, whatever is in it.
    func chain(_ owner: Int) -> [Int] {
        var found: [Int] = []
        var link = memory.subscribers.slots[owner].chain
        while let index = memory.slot(link), found.count <= memory.translations.capacity {
            found.append(index)
            link = memory.next(index)
        }
        return found
    }

    func chain(_ inside: IPAddress) -> [Int] { table.place(of: inside).map(chain) ?? [] }

    /// Whether each chain has the live flows of its subscriber, each once, and nothing else.
    var chainsAreRight: Bool { chainsAreRight(ignoring: { _ in false }) }

    /// - Parameter isIgnored: slots that may be in them yet.
    func chainsAreRight(ignoring isIgnored: (Int) -> Bool) -> Bool {
        (0..<memory.subscribers.capacity).allSatisfy { owner in
            let live = (slots(NATKind.up) + slots(NATKind.away)).filter {
                memory.translations.slots[$0].subscriber == UInt32(owner)
            }
            return chain(owner).filter { !isIgnored($0) }.sorted() == live.sorted()
        }
    }

    /// What is left anywhere of flows: nothing, once all have been taken out.
    var isSwept: Bool {
        slots(NATKind.away).isEmpty && (0..<memory.subscribers.capacity).allSatisfy { chain($0).isEmpty }
            && slots(NATKind.up).isEmpty && slots(NATKind.down).isEmpty && slots(NATKind.mapping).isEmpty
            && slots(NATKind.filter).isEmpty && memory.translations.live == 0 && portsTaken == 0 && portEntries == 0
    }

    var portsTaken: Int {
        (0..<memory.outsideCapacity * PortBlock.perAddress).reduce(0) {
            let count = memory.portsInUse(UInt32($1))
            return $0 + count.tcp + count.udp + count.icmp
        }
    }

    var portEntries: Int { (0..<memory.outsideCapacity * 3 * 65536).count { memory.ports[$0] != 0 } }
}
