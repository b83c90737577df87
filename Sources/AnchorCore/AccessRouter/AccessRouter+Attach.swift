import AnchorProtocol
import NetworkTypes

extension AccessRouter {
    /// Leases addresses to a node on an access link, or refreshes those that it has. It keeps what it had here: its
    /// flows are anchored to it. Whatever was said before of a place elsewhere is over: that the node is here and
    /// nowhere else is certain, so its other addresses can point to this one without ever making a loop (T8).
    mutating func attach(
        _ request: AttachRequest, _ reply: Reply, _ datagram: Datagram, at now: MonotonicInstant,
        _ actions: inout [AccessRouterAction]
    ) {
        guard let interface = datagram.interface, let link = linkIndex[interface.number] else {
            refuse(reply, .notOnLink, .noLink, datagram.source, &actions)
            return
        }
        let neighbour = Neighbour(mac: request.linkAddress, interface: interface)
        let id = nodes[Int(reply.node)].account.id
        let isOutdated = AddressFamily.allCases.contains { family in
            request.families.contains(family)
                && keptHosts(of: reply.node, family, request, neighbour).contains { hosts[$0].order >= reply.message }
        }
        guard !isOutdated else {
            // A late copy: the node has said something newer about an address in it (T14).
            refuse(reply, .outdated, .outdated, datagram.source, &actions)
            return
        }
        var slots: [UInt32] = []
        var lacking: RefusalCause?
        for family in AddressFamily.allCases where request.families.contains(family) {
            let kept = keptHosts(of: reply.node, family, request, neighbour)
            if !kept.isEmpty {
                slots += kept
            } else if nodes[Int(reply.node)].hostCount >= nodes[Int(reply.node)].account.quota {
                lacking = .quota
                actions.append(.report(.quotaReached(node: id)))
            } else if let slot = lease(family, to: reply.node, request, link: link, at: now) {
                slots.append(slot)
            } else if pools[link].serves(family) {
                lacking = lacking ?? .noAddress
                actions.append(.report(.poolExhausted(interface, family)))
            } else {
                lacking = lacking ?? .noAddress
            }
        }
        slots = Array(slots.prefix(request.previousAddresses.count + 2))
        guard !slots.isEmpty else {
            let cause = lacking ?? .noAddress
            refuse(reply, cause == .quota ? .quotaReached : .noAddress, cause, datagram.source, &actions)
            return
        }
        let lifetime = granted(request.lifetime)
        let changes = slots.map { slot in
            HostChange(slot: slot, location: StoredLocation(.attached(neighbour)), lifetime: lifetime)
        }
        let first = nextRecord
        for change in changes { accept(change, order: reply.message, &actions) }
        operations.append(
            PendingOperation(numbers: first...nextRecord - 1, step: .attach(changes, reply, interface)))
    }

    /// Hosts of the node to which this attachment brings it back: those that it names, otherwise one that was on this
    /// very link address, or one that the node seems to have forgotten.
    private func keptHosts(
        of node: UInt32, _ family: AddressFamily, _ request: AttachRequest, _ neighbour: Neighbour
    ) -> [UInt32] {
        let own = hosts.chain(nodes[Int(node)].firstHost).filter { hosts[$0].address.family == family }
        let named = own.filter { request.previousAddresses.contains(hosts[$0].address) }
        guard named.isEmpty else { return named }
        let present = own.filter { !hosts[$0].isLeaving }
        let here = present.first { latestLocation(of: $0).neighbour == neighbour }
        let away = present.first { !latestLocation(of: $0).isAttached }
        return (here ?? away).map { [$0] } ?? []
    }

    private mutating func lease(
        _ family: AddressFamily, to node: UInt32, _ request: AttachRequest, link: Int, at now: MonotonicInstant
    ) -> UInt32? {
        let id = nodes[Int(node)].account.id
        let former = request.previousAddresses.first { address in
            address.family == family && hosts.slot(of: address) == nil && pools[link].admits(address, for: id, at: now)
        }
        if let former { pools[link].claim(former) }
        let address =
            former ?? pools[link].take(family, for: id, at: now) { [hosts] in hosts.slot(of: $0) == nil }
        guard let address else { return nil }
        nodes[Int(node)].hostCount += 1
        let host = Host(
            address: address, expires: MonotonicInstant(nanoseconds: .max), lastSeen: now, node: node,
            link: UInt16(link))
        return hosts.insert(host, head: &nodes[Int(node)].firstHost)
    }

    /// The lifetime given for one asked for, in seconds; 0 asks for the longest.
    func granted(_ requested: UInt32) -> TimeSpan {
        guard requested > 0 else { return configuration.leaseLifetime }
        return min(configuration.leaseLifetime, .seconds(Int(requested)))
    }

    /// Brings the new leases into force: the receive side of a handover at the new router, then the reply.
    mutating func completeAttach(
        _ changes: [HostChange], _ reply: Reply, _ interface: InterfaceID, at now: MonotonicInstant,
        _ actions: inout [AccessRouterAction]
    ) {
        var leases: [AddressLease] = []
        for change in changes {
            guard apply(change, at: now, &actions) else { continue }
            let address = hosts[change.slot].address
            actions.append(
                .report(.attached(node: nodes[Int(reply.node)].account.id, address: address, interface)))
            if let lease = addressLease(address, on: interface, lifetime: change.lifetime) { leases.append(lease) }
        }
        let body = AttachReply(
            inReplyTo: reply.message, leases: leases, endpoints: advertisedEndpoints, mtu: configuration.mtu,
            greKey: nodes[Int(reply.node)].greKey, capabilities: capabilities)
        answer(reply, .attachReply(body), &actions)
    }

    private func addressLease(
        _ address: IPAddress, on interface: InterfaceID, lifetime: TimeSpan
    ) -> AddressLease? {
        let link = configuration.links[linkIndex[interface.number]!]
        guard let gateway = link.gateways.first(where: { $0.family == address.family }) else { return nil }
        let pool = configuration.links.lazy.flatMap(\.pools).first { $0.contains(address) }
        return AddressLease(
            address: address, gateway: gateway, prefixLength: UInt8(pool?.length ?? address.family.addressBits),
            lifetime: UInt32(max(1, lifetime.wholeSeconds)))
    }
}
