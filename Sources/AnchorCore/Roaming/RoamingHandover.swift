import NetworkTypes

/// A handover to or from this router, for people.
public struct RoamingHandover: Hashable, Sendable {
    /// Counts from 1; 0 until it is in the list.
    public var number: UInt64 = 0
    public var address: IPAddress
    public var epoch: UInt32
    /// `nil` for a host that was nowhere.
    public var from: String?
    public var to: String
    /// Routers that were asked for it, by name: at the router that it went to only.
    public var asked: [String] = []
    public var began: MonotonicInstant
    /// When the host's packets went on: at the router that it went to only.
    public var settled: MonotonicInstant?
    /// When all flows were known at the new router.
    public var finished: MonotonicInstant?

    public init(
        address: IPAddress, epoch: UInt32, from: String?, to: String, began: MonotonicInstant,
        settled: MonotonicInstant? = nil, finished: MonotonicInstant? = nil
    ) {
        self.address = address
        self.epoch = epoch
        self.from = from
        self.to = to
        self.began = began
        self.settled = settled
        self.finished = finished
    }
}

/// The last handovers, oldest first.
struct RoamingHandovers: Sendable {
    private(set) var entries: [RoamingHandover] = []
    let limit: Int
    private var count: UInt64 = 0

    init(limit: Int) { self.limit = limit }

    mutating func append(_ handover: RoamingHandover) {
        guard limit > 0 else { return }
        if entries.count == limit { entries.removeFirst() }
        count += 1
        entries.append(handover)
        entries[entries.count - 1].number = count
    }

    mutating func finish(_ address: IPAddress, at now: MonotonicInstant) {
        guard let index = entries.lastIndex(where: { $0.address == address && $0.finished == nil }) else { return }
        entries[index].finished = now
    }
}
