import AnchorDataPlane
import NetworkTypes

/// The NAT of an access router: which host has which outside address and which blocks of ports (RFC 6888). For one
/// serial queue; what is long is done beside it, see ``TranslationPass``.
///
/// What it knows is in the tables, apart from the blocks that are free, which follow from them.
final class Translation {
    /// What happens to blocks, for log, events and counters.
    enum Report {
        /// Who had which ports when (RFC 6888, section 4).
        case assigned(inside: IPAddress, outside: IPAddress, PortBlock)
        case returned(inside: IPAddress, outside: IPAddress, PortBlock)
        /// No outside address has a free block: the host has none. Told once until there is one again.
        case exhausted(inside: IPAddress)
        /// A host may have more, and its outside address has no free block. Told once for each address.
        case addressFull(outside: IPAddress)
        case failed(inside: IPAddress, DataPlaneError)
    }

    let settings: NATSettings
    let table: NATTable
    private(set) var pool: BlockPool
    private let tell: (Report) -> Void
    /// Hosts that found no free block.
    private var waiting: Set<IPAddress> = []
    private var isExhausted = false
    /// Addresses that were reported as full.
    private var full: Set<IPAddress> = []
    /// What the last whole pass over the flows found.
    private(set) var counts = NATPass.Counts()
    /// Hosts that were given ports, or had them already, since the start.
    private(set) var admissions = 0
    private(set) var expired: UInt64 = 0
    private(set) var assigned: UInt64 = 0
    private(set) var returned: UInt64 = 0

    /// Goes on with what is in the tables.
    init(_ settings: NATSettings, _ table: NATTable, outside: [OutsideRange], tell: @escaping (Report) -> Void) {
        self.settings = settings
        self.table = table
        self.tell = tell
        pool = BlockPool(outside)
        for block in table.blocksInUse() { pool.reserve(block) }
    }

    @inline(__always)
    func isInside(_ address: IPAddress) -> Bool { settings.inside.contains { $0.contains(address) } }

    // MARK: Hosts

    /// Before a host is in the host table.
    func admit(_ host: IPAddress) {
        guard isInside(host) else { return }
        if let limit = table.flowLimit(of: host) {
            // As it was before a restart, or before it moved.
            if limit != settings.flowLimit, let known = table.subscriber(host) { set(host, known.outside, []) }
            admissions += 1
            return
        }
        guard let (outside, block) = pool.take(for: host) else {
            waiting.insert(host)
            if !isExhausted { tell(.exhausted(inside: host)) }
            isExhausted = true
            return
        }
        if set(host, outside, [block]) {
            assigned += 1
            admissions += 1
            waiting.remove(host)
            tell(.assigned(inside: host, outside: outside, block))
        } else {
            pool.giveBack(block)
        }
    }

    /// After a host was taken out of the host table.
    func dismiss(_ host: IPAddress) {
        guard isInside(host) else { return }
        waiting.remove(host)
        table.removeSubscriber(host)
    }

    /// Takes out subscribers that are no hosts any more, after a restart.
    func dismissAll(unless isWanted: (IPAddress) -> Bool) {
        var stale: [IPAddress] = []
        _ = table.scanSubscribers(from: 0, places: .max) { subscriber in
            if !isWanted(subscriber.inside) || !isInside(subscriber.inside) { stale.append(subscriber.inside) }
        }
        for host in stale { table.removeSubscriber(host) }
    }

    @discardableResult
    private func set(_ host: IPAddress, _ outside: IPAddress, _ blocks: [PortBlock]) -> Bool {
        do throws(DataPlaneError) {
            try table.setSubscriber(inside: host, outside: outside, flowLimit: settings.flowLimit, blocks: blocks)
            return true
        } catch {
            tell(.failed(inside: host, error))
            return false
        }
    }

    // MARK: More blocks and fewer

    /// A program has asked for another block, by the subscriber's index.
    func blockWanted(by index: UInt32) {
        guard let subscriber = table.subscriber(at: index) else { return }
        grant(subscriber)
    }

    func grant(_ subscriber: NATSubscriber) {
        guard subscriber.wantsBlock, subscriber.blocks.count < settings.blocksPerHost else { return }
        guard let block = pool.take(of: subscriber.outside) else {
            if full.insert(subscriber.outside).inserted { tell(.addressFull(outside: subscriber.outside)) }
            return
        }
        guard table.grant(block, to: subscriber.inside) else { return pool.giveBack(block) }
        assigned += 1
        tell(.assigned(inside: subscriber.inside, outside: subscriber.outside, block))
    }

    /// After a pass over the tables.
    func finish(_ result: TranslationPass.Result) {
        counts = result.pass.counts
        expired += UInt64(result.pass.flowsRemoved)
        for subscriber in result.pass.released {
            for block in subscriber.blocks { take(back: block, of: subscriber.inside, subscriber.outside) }
        }
        for (block, inside, outside) in result.returned { take(back: block, of: inside, outside) }
        for block in result.pass.freed { pool.giveBack(block) }
        if pool.free > 0 {
            isExhausted = false
            for host in waiting where pool.free > 0 { admit(host) }
        }
        full = full.filter { pool.free(of: $0) == 0 }
        for subscriber in result.wishes {
            if let subscriber = table.subscriber(at: subscriber) { grant(subscriber) }
        }
    }

    private func take(back block: PortBlock, of inside: IPAddress, _ outside: IPAddress) {
        pool.giveBack(block)
        returned += 1
        tell(.returned(inside: inside, outside: outside, block))
    }

    /// Hosts without an outside address, since none had a free block.
    var unassigned: Int { waiting.count }
}
