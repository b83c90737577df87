import AnchorCore
import AnchorProtocol
import NetworkTypes

/// Routers whose messages arrive at once and in order, with as much of a table of flows as the machines can see.
struct RoamingBench {
    static let host = IPAddress("10.1.0.7")!
    static let station = MACAddress("02:00:00:00:00:07")!
    static let neighbour = Neighbour(mac: station, interface: InterfaceID(1))

    var now = MonotonicInstant(nanoseconds: 1_000_000_000_000)
    var routers: [String: Roaming] = [:]
    /// Where the flows of the host that a router knows began; its own name among them for its own.
    var flows: [String: Set<String>] = [:]
    /// Of the next message of each router's table.
    private var numbers: [String: UInt32] = [:]
    /// What each router has been told to do.
    var actions: [String: [RoamingAction]] = [:]
    /// Messages on their way, and those that were.
    var onTheWay: [(from: String, to: String, message: RoamingMessage)] = []
    var sent: [(from: String, to: String, message: RoamingMessage)] = []
    /// Messages wait until ``deliver()``.
    var isHolding = false
    /// Pairs without a session, the lower name first.
    var cut: Set<[String]> = []

    init(_ names: String..., adjust: (inout RoamingConfiguration) -> Void = { _ in }) {
        for name in names {
            var configuration = RoamingConfiguration(name: name, peers: names.filter { $0 != name })
            adjust(&configuration)
            routers[name] = Roaming(configuration)
        }
        for name in names { for peer in names where peer != name { handle(name, .up(peer)) } }
    }

    mutating func handle(_ name: String, _ event: RoamingEvent) {
        let done = routers[name]!.handle(event, at: now)
        actions[name, default: []] += done
        for action in done { perform(name, action) }
        if !isHolding { deliver() }
    }

    private mutating func perform(_ name: String, _ action: RoamingAction) {
        switch action {
        case .send(let message, let peer):
            guard !cut.contains([name, peer].sorted()) else { return }
            onTheWay.append((name, peer, message))
            sent.append((name, peer, message))
        case .sendFlows(let address, let epoch, let peer, let routers, let isLast):
            let anchors = flows[name, default: []].intersection(routers).subtracting([peer])
            let message = Flows(
                host: RoamingHost(address), epoch: epoch, number: numbers[name, default: 0], isLast: isLast,
                anchors: anchors.sorted(), flows: [])
            numbers[name, default: 0] += 1
            perform(name, .send(.flows(message), to: peer))
            handle(name, .flowsSent(address, epoch: epoch, to: peer, anchors: anchors))
        case .insertFlows(let table, let peer):
            flows[name, default: []].formUnion(table.anchors)
            guard table.isLast else { return }
            handle(
                name,
                .flowsReceived(
                    table.host.address, epoch: table.epoch, from: peer,
                    anchors: flows[name, default: []].subtracting([name])))
        case .removeAway(_, let router):
            if let router {
                flows[name]?.remove(router)
            } else {
                flows[name]?.formIntersection([name])
            }
        case .cancelFlows: numbers[name] = 0
        case .install, .remove, .release, .refuse, .report: break
        }
    }

    mutating func deliver() {
        while !onTheWay.isEmpty { deliverNext() }
    }

    mutating func deliverNext() {
        let (from, to, message) = onTheWay.removeFirst()
        handle(to, .message(message, from: from))
    }

    /// Time goes on, and what is due is done.
    mutating func wait(_ span: TimeSpan) {
        let end = now + span
        while let (name, due) = routers.compactMap({ entry in entry.value.nextDeadline.map { (entry.key, $0) } })
            .min(by: { ($0.1, $0.0) < ($1.1, $1.0) }), due <= end
        {
            now = max(now, due)
            handle(name, .timer)
        }
        now = end
    }

    mutating func attach(_ name: String, _ neighbour: Neighbour = Self.neighbour, from previous: String? = nil) {
        handle(name, .attached(Self.host, neighbour, previous: previous))
    }

    mutating func disconnect(_ a: String, _ b: String) {
        cut.insert([a, b].sorted())
        onTheWay.removeAll { [$0.from, $0.to].sorted() == [a, b].sorted() }
        handle(a, .down(b))
        handle(b, .down(a))
    }

    mutating func connect(_ a: String, _ b: String) {
        cut.remove([a, b].sorted())
        handle(a, .up(b))
        handle(b, .up(a))
    }

    func binding(_ name: String) -> RoamingBinding? { routers[name]!.binding(of: Self.host) }

    /// Where that router thinks the host is.
    func place(_ name: String) -> String? {
        guard let binding = binding(name) else { return nil }
        switch binding.place {
        case .here(_, let isClaimed): return isClaimed ? "claimed" : name
        case .away(let place): return place
        }
    }

    func refusals(_ name: String) -> [RoamingRefusal] {
        actions[name, default: []].compactMap { action in
            if case .report(.refused(_, let refusal, _)) = action { refusal } else { nil }
        }
    }

    func kinds(from name: String, to peer: String) -> [RoamingMessageType] {
        sent.filter { $0.from == name && $0.to == peer }.map(\.message.kind)
    }
}
