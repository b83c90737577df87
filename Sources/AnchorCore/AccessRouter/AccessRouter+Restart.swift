import AnchorProtocol
import NetworkTypes

extension AccessRouter {
    /// Call once, first: bindings of restored leases, so that a move that was stored but not yet in force when the
    /// router stopped is completed; then the first advertisements. Addresses that the data plane holds and that are
    /// not among the bindings are to be removed.
    public mutating func start(at now: MonotonicInstant) -> [AccessRouterAction] {
        var actions: [AccessRouterAction] = []
        for slot in hosts.occupied {
            hosts[slot].expires = now + configuration.leaseLifetime
            hosts[slot].lastSeen = now
            schedule(slot)
            if let binding = binding(of: slot) { actions.append(.install(binding)) }
        }
        for orphan in orphans {
            actions.append(.persist(orphan, nextRecord))
            nextRecord += 1
        }
        orphans = []
        for link in configuration.links.indices where linkIsUp[link] { advertise(on: link, at: now, &actions) }
        return actions
    }

    /// The last record of an address counts; of a node the highest order, up to which every message is taken as
    /// seen (T4).
    mutating func restore(_ records: [AccessRouterRecord]) {
        var newest: [UInt64: MessageOrder] = [:]
        // The place of each address's last record: in the order of the journal a run can be repeated.
        var last: [IPAddress: Int] = [:]
        for (place, record) in records.enumerated() {
            switch record {
            case .host(let host):
                newest[host.node] = max(newest[host.node] ?? .none, host.order)
                last[host.address] = place
            case .removed(let address, let node, let order):
                newest[node] = max(newest[node] ?? .none, order)
                last[address] = nil
            case .node(let node, let order):
                newest[node] = max(newest[node] ?? .none, order)
            }
        }
        for (id, order) in newest {
            guard let node = nodeByID[id] else { continue }
            nodes[Int(node)].window = ReplayWindow(restoring: order)
        }
        hosts.reserveCapacity(last.count)
        for place in last.values.sorted() {
            if case .host(let host) = records[place] { restore(host) }
        }
    }

    private mutating func restore(_ record: HostRecord) {
        guard let node = nodeByID[record.node],
            let link = pools.firstIndex(where: { $0.holds(record.address) }),
            record.location.neighbour.map({ linkIndex[$0.interface] != nil }) ?? true,
            record.location.tunnel.map({ endpoint($0.peer.family) != nil }) ?? true
        else {
            orphans.append(.removed(address: record.address, node: record.node, order: record.order))
            return
        }
        var host = Host(
            address: record.address, expires: .zero, lastSeen: .zero, node: node, link: UInt16(link))
        host.location = StoredLocation(record.location)
        host.order = record.order
        nodes[Int(node)].hostCount += 1
        _ = hosts.insert(host, head: &nodes[Int(node)].firstHost)
    }

    /// Everything that must survive, as few records as possible: a compacted journal. Changes that storage has not
    /// confirmed are among it: they count once this is stored in place of the journal with their records.
    public var snapshot: [AccessRouterRecord] {
        var records: [AccessRouterRecord] = []
        records.reserveCapacity(nodes.count + hosts.count)
        for node in nodes {
            if let newest = node.window.newest { records.append(.node(node.account.id, newest)) }
        }
        for slot in hosts.occupied {
            let host = hosts[slot]
            guard !host.isLeaving, let location = latestLocation(of: slot).location(endpoint: endpoint) else {
                continue
            }
            records.append(
                .host(
                    HostRecord(
                        address: host.address, node: nodes[Int(host.node)].account.id, order: host.order,
                        location: location, link: configuration.links[Int(host.link)].interface)))
        }
        return records
    }
}
