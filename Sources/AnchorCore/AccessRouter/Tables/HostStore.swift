import NetworkTypes

/// A lease and its binding, as the router holds it: about 100 bytes, for a table of a million.
struct Host: Sendable {
    let address: IPAddress
    var expires: MonotonicInstant
    var lastSeen: MonotonicInstant
    /// In force: what storage and the data plane hold.
    var location = StoredLocation.nowhere
    /// Of the last message accepted for it, also while storage has not confirmed it.
    var order = MessageOrder.none
    /// When its entry in the heap of deadlines comes up.
    var scheduled = MonotonicInstant(nanoseconds: .max)
    let node: UInt32
    /// Neighbours in the chain of the node's hosts.
    fileprivate(set) var next = UInt32.max
    fileprivate(set) var previous = UInt32.max
    /// Index of the access link whose pool it is from.
    let link: UInt16
    /// Accepted changes that storage has not confirmed.
    var pending: UInt16 = 0
    var generation: UInt32 = 0
    /// An accepted removal waits for storage.
    var isLeaving = false
    /// A former care-of address is still accepted from.
    var hasGrace = false
    fileprivate(set) var isOccupied = true
}

/// The host table [0036]: hosts in slots, found by address and by node.
struct HostStore: Sendable {
    static let none = UInt32.max

    private var slots: [Host] = []
    private var freeSlots: [UInt32] = []
    private var index: AddressIndex

    /// - Parameter seed: what makes the places of addresses unforeseeable.
    init(seed: UInt64) { index = AddressIndex(seed: seed) }

    var count: Int { index.count }
    /// Slots that there are, free ones among them; they are numbered from 0.
    var slotCount: Int { slots.count }
    /// In an order that doesn't differ from run to run.
    var occupied: some Sequence<UInt32> { occupied(in: 0..<slots.count) }

    func occupied(in range: Range<Int>) -> some Sequence<UInt32> {
        range.lazy.filter { [slots] in slots[$0].isOccupied }.map { UInt32($0) }
    }

    @inline(__always)
    func slot(of address: IPAddress) -> UInt32? { index.slot(of: address) { slots[Int($0)].address } }

    /// Calls `body` with the hosts of many addresses. All are searched for before the first is touched: the memory of a
    /// million hosts is far away, and so it comes for several at a time.
    @inline(__always)
    mutating func update<Sign>(
        _ signs: [Sign], _ address: (Sign) -> IPAddress, _ body: (inout Host, Sign) -> Void
    ) {
        let found = signs.map { index.likelySlot(of: address($0)) ?? Self.none }
        slots.withUnsafeMutableBufferPointer { slots in
            for place in signs.indices where found[place] != Self.none {
                var slot = found[place]
                let wanted = address(signs[place])
                if slots[Int(slot)].address != wanted {
                    slot = index.slot(of: wanted) { slots[Int($0)].address } ?? Self.none
                }
                if slot != Self.none { body(&slots[Int(slot)], signs[place]) }
            }
        }
    }

    /// Before many addresses are looked for one by one: has what they need fetched, all at once.
    @inline(__always)
    mutating func fetch<Item>(_ items: [Item], _ address: (Item) -> IPAddress?) { index.fetch(items, address) }

    subscript(slot: UInt32) -> Host {
        _read { yield slots[Int(slot)] }
        _modify { yield &slots[Int(slot)] }
    }

    /// Whether the slot is still the one that had that generation.
    func isOccupied(_ slot: UInt32, generation: UInt32) -> Bool {
        slots[Int(slot)].isOccupied && slots[Int(slot)].generation == generation
    }

    mutating func reserveCapacity(_ count: Int) {
        slots.reserveCapacity(count)
        index.reserveCapacity(count) { [slots] in slots[Int($0)].address }
    }

    /// Adds a host to the chain that begins at `head`.
    mutating func insert(_ host: Host, head: inout UInt32) -> UInt32 {
        var host = host
        host.next = head
        let slot: UInt32
        if let free = freeSlots.popLast() {
            slot = free
            host.generation = slots[Int(free)].generation &+ 1
            slots[Int(free)] = host
        } else {
            slot = UInt32(slots.count)
            slots.append(host)
        }
        if head != Self.none { slots[Int(head)].previous = slot }
        head = slot
        index.insert(slot) { [slots] in slots[Int($0)].address }
        return slot
    }

    mutating func remove(_ slot: UInt32, head: inout UInt32) {
        let host = slots[Int(slot)]
        if host.previous == Self.none { head = host.next } else { slots[Int(host.previous)].next = host.next }
        if host.next != Self.none { slots[Int(host.next)].previous = host.previous }
        index.remove(slot) { [slots] in slots[Int($0)].address }
        slots[Int(slot)].isOccupied = false
        freeSlots.append(slot)
    }

    /// The slots of the chain that begins at `head`.
    func chain(_ head: UInt32) -> [UInt32] {
        var result: [UInt32] = []
        var slot = head
        while slot != Self.none {
            result.append(slot)
            slot = slots[Int(slot)].next
        }
        return result
    }
}
