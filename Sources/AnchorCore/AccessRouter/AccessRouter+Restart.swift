import AnchorProtocol
import NetworkTypes

extension AccessRouter {
    /// Call once, first: bindings of restored leases, so that a move that was stored but not yet in force when the
    /// router stopped is completed; then the first advertisements. Addresses that the data plane holds and that are
    /// not among the bindings are to be removed.
    public mutating func start(at now: MonotonicInstant) -> [AccessRouterAction] {
        var actions: [AccessRouterAction] = []
        let others = start(at: now) { actions.append(.install($0)) }
        return actions + others
    }

    /// The same for a million of them, which need not all be held at once.
    /// - Parameter install: puts a binding in force.
    /// - Returns: what is to be done then.
    public mutating func start(
        at now: MonotonicInstant, install: (HostBinding) -> Void
    ) -> [AccessRouterAction] {
        expiries.reserveCapacity(hosts.count)
        for slot in 0..<UInt32(hosts.slotCount) where hosts[slot].isOccupied {
            hosts[slot].expires = now + configuration.leaseLifetime
            hosts[slot].lastSeen = now
            schedule(slot)
            if let binding = binding(of: slot) { install(binding) }
        }
        var actions: [AccessRouterAction] = []
        for orphan in orphans.values.sorted(by: { $0.address < $1.address }) {
            let record = AccessRouterRecord.removed(address: orphan.address, node: orphan.node, order: orphan.order)
            actions.append(.persist(record, nextRecord))
            nextRecord += 1
        }
        orphans = [:]
        for link in configuration.links.indices where linkIsUp[link] { advertise(on: link, at: now, &actions) }
        return actions
    }

    /// Takes in what an earlier run stored, record by record in the order of the journal, before the start. The last
    /// record of an address counts; of a node the highest order, up to which every message is taken as seen (T4).
    public mutating func restore(_ record: AccessRouterRecord) {
        switch record {
        case .host(let host):
            restore(host, of: noteOrder(host.order, of: host.node))
        case .removed(let address, let node, let order):
            noteOrder(order, of: node)
            forget(address)
        case .node(let node, let order): noteOrder(order, of: node)
        }
    }

    /// Takes several in, in their order, which is faster than one by one.
    public mutating func restore(_ records: [AccessRouterRecord]) {
        hosts.fetch(records) { record in
            if case .host(let host) = record { host.address } else { nil }
        }
        for record in records { restore(record) }
    }

    /// Before ``restore(_:)``, where it is known how many leases there are at most.
    public mutating func reserveHosts(_ count: Int) { hosts.reserveCapacity(count) }

    /// - Returns: the node, if there is such a one.
    @discardableResult
    private mutating func noteOrder(_ order: MessageOrder, of id: UInt64) -> UInt32? {
        guard let node = nodeByID[id] else { return nil }
        if let newest = nodes[node].window.newest, newest >= order { return UInt32(node) }
        nodes[node].window = ReplayWindow(restoring: order)
        return UInt32(node)
    }

    private mutating func restore(_ record: HostRecord, of node: UInt32?) {
        // Anew even if it is there: a node's hosts are chained in the order of their last records.
        forget(record.address)
        guard let node, let link = linkIndex(of: record), isPossible(record.location) else {
            orphans[record.address] = record
            return
        }
        var host = Host(
            address: record.address, expires: .zero, lastSeen: .zero, node: node, link: UInt16(link))
        host.order = record.order
        nodes[Int(node)].hostCount += 1
        let slot = hosts.insert(host, head: &nodes[Int(node)].firstHost)
        setLocation(slot, StoredLocation(record.location))
    }

    private func isPossible(_ location: HostLocation) -> Bool {
        if let neighbour = location.neighbour, linkIndex[neighbour.interface.number] == nil { return false }
        if let tunnel = location.tunnel, endpoint(tunnel.peer.family) == nil { return false }
        return true
    }

    /// Index of the link whose pool the address is from: most often the one that it was from.
    private func linkIndex(of record: HostRecord) -> Int? {
        if let former = linkIndex[record.link.number], pools[former].holds(record.address) { return former }
        return pools.firstIndex { $0.holds(record.address) }
    }

    /// What was restored of an address counts no more.
    private mutating func forget(_ address: IPAddress) {
        if !orphans.isEmpty { orphans[address] = nil }
        guard let slot = hosts.slot(of: address) else { return }
        setLocation(slot, .nowhere)
        let node = Int(hosts[slot].node)
        nodes[node].hostCount -= 1
        hosts.remove(slot, head: &nodes[node].firstHost)
    }
}
