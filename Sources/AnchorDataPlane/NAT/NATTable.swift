import CAtomics
import FlowAnchorABI
import NetworkTypes
import Synchronization

/// NAT44 at an access router, over tables that are shared with the programs (`fa_nat.h`): gives inside hosts outside
/// addresses and blocks of ports, reads the flows that programs make, and takes out what has ended.
///
/// The tables are all there is: nothing of a flow or a block is remembered beside them, so a daemon that starts anew
/// goes on with what is there. Methods may be called from any thread; those that change something wait for each other.
public final class NATTable: Sendable {
    let memory: NATMemory
    /// Keeps the memory where it is.
    private let owner: (any Sendable)?
    /// Returns after every program that runs now has ended.
    let isQuiet: @Sendable () -> Void
    let writer: Mutex<Writer>
    /// Threads that walk along chains: while there are any, what was in a chain is not freed.
    let walkers = Atomic(0)

    /// What only one thread at a time may change.
    struct Writer {
        /// Slots of subscribers that are on their way out, see ``removeSubscriber(_:)``.
        var leaving: Leaving
        /// Those of them that the pass which is under way takes out.
        var sweeping = Leaving(capacity: 0)
        /// Mappings and filters with `FA_NAT_GONE`, and slots of flows that were taken out: to be freed.
        var gone: [UInt32] = []
        var retired: [UInt32] = []
        /// The same, in no subscriber's chain any more.
        var unlinked: [UInt32] = []
        /// Subscribers whose chains have slots of `retired`.
        var torn = Torn()
        /// Blocks that a subscriber on its way out has lost while one of their ports was taken.
        var strays: [PortBlock] = []
    }

    init(_ memory: NATMemory, owner: (any Sendable)? = nil, isQuiet: @escaping @Sendable () -> Void) {
        self.memory = memory
        self.owner = owner
        self.isQuiet = isQuiet
        writer = Mutex(Writer(leaving: Leaving(capacity: memory.subscribers.capacity)))
    }

    /// Slots of all kinds in the table of translations: two a flow, one a mapping, one a filter. Nothing spills: what
    /// finds no slot is refused.
    public var translations: TableStatistics {
        TableStatistics(entries: memory.translations.entries, capacity: memory.translations.capacity, spilled: 0)
    }

    public var subscribers: TableStatistics {
        TableStatistics(entries: memory.subscribers.entries, capacity: memory.subscribers.capacity, spilled: 0)
    }

    /// Outside addresses that the tables have room for.
    public var outsideCapacity: Int { memory.outsideCapacity }
}

extension SlotTable {
    /// Entries by the table's own count, which a killed writer may have left a little wrong.
    var entries: Int { max(0, Int(Int64(bitPattern: ca_load_relaxed_u64(address(of: \.live))))) }
}

/// Which subscribers are on their way out. Their slots are theirs until nothing names them any more: neither found nor
/// given to another.
struct Leaving {
    private var bits: [UInt64]
    private(set) var indices: Set<UInt32> = []

    init(capacity: Int) { bits = [UInt64](repeating: 0, count: (capacity + 63) / 64) }

    var isEmpty: Bool { indices.isEmpty }

    @inline(__always)
    func contains(_ index: UInt32) -> Bool {
        let word = Int(index >> 6)
        return word < bits.count && bits[word] >> UInt64(index & 63) & 1 != 0
    }

    mutating func insert(_ index: UInt32) {
        if indices.insert(index).inserted { bits[Int(index >> 6)] |= 1 << UInt64(index & 63) }
    }

    mutating func remove(_ index: UInt32) {
        if indices.remove(index) != nil { bits[Int(index >> 6)] &= ~(1 << UInt64(index & 63)) }
    }
}
