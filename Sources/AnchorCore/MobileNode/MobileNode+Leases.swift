import AnchorProtocol
import NetworkTypes

extension MobileNode {
    /// Brings everything in line with where the node is. First what messages to anchors need, the way of the care-of
    /// addresses; then the messages, since a move waits for their answers; meanwhile all other paths, and preferences.
    mutating func reconcile(at now: MonotonicInstant, _ actions: inout [MobileNodeAction]) {
        expire(at: now, &actions)
        reclaim(at: now)
        runUplinkTimers(at: now, &actions)
        let current = currentUplink
        var paths: [MobileNodeAction] = []
        // Flows wait for what comes first.
        let byUse = leases.indices.filter { leases[$0].flows > 0 } + leases.indices.filter { leases[$0].flows == 0 }
        for index in byUse {
            noteIdleness(index, current, at: now)
            guard !leases[index].isReleasing || leases[index].flows > 0 else { continue }
            if leases[index].isReleasing { leases[index].exchange = nil }
            guard let wanted = place(of: leases[index], current) else { continue }
            settle(index, wanted, at: now, &paths)
        }
        actions += paths.filter(\.isDirect)
        setRoutes(current, &actions)
        for index in byUse { exchange(index, at: now, &actions) }
        actions += paths.filter { !$0.isDirect }
        setPreferences(current, &actions)
        dropReleased(&actions)
    }

    /// An address of a router to which another interface is attached, while the one that had it is not any more: it is
    /// asked for there.
    private mutating func reclaim(at now: MonotonicInstant) {
        for lease in leases where !lease.isReleasing {
            let isAttached = uplinks.contains { $0.attachment?.addresses.contains(lease.address) == true }
            guard !isAttached, let index = uplinks.lastIndex(where: { $0.attachment?.sighting.router == lease.router }),
                uplinks[index].attachment?.refresh == nil, addressesToName(index, lease.router).contains(lease.address)
            else { continue }
            refreshNow(index, at: now)
        }
    }

    /// Where an address should be, `nil` while there is nowhere: attached to its own router on the newest attachment;
    /// otherwise through that attachment, and on its own link too while it is there [0052].
    private func place(of lease: Lease, _ current: Int?) -> Lease.Place? {
        guard let current, let attachment = uplinks[current].attachment else { return nil }
        let own = uplinks.indices.filter { uplinks[$0].attachment?.addresses.contains(lease.address) == true }
        let interface = uplinks[current].interface
        if own.contains(current) { return .attached(interface) }
        guard attachment.sighting.router != lease.router, let careOf = careOfAddress(for: lease, attachment) else {
            return own.first.map { .attached(uplinks[$0].interface) }
        }
        guard let direct = own.first else { return .away(careOf: careOf, interface) }
        return .both(uplinks[direct].interface, careOf: careOf, interface)
    }

    /// An address of the attachment, of a family that the anchor has an endpoint of: the lease's own rather than the
    /// other.
    private func careOfAddress(for lease: Lease, _ attachment: Attachment) -> IPAddress? {
        let usable = attachment.addresses.filter { lease.endpoint($0.family) != nil }
        return usable.first { $0.family == lease.address.family } ?? usable.first
    }

    /// Makes the anchor hold what is wanted. The path changes when the anchor confirms it, so that no packet comes
    /// from where the anchor does not expect it yet; at once where the old path is dead anyway.
    private mutating func settle(
        _ index: Int, _ wanted: Lease.Place, at now: MonotonicInstant, _ actions: inout [MobileNodeAction]
    ) {
        if leases[index].confirmed == wanted {
            if case .update(let place)? = leases[index].exchange?.purpose, place != wanted {
                leases[index].exchange = nil
            }
            setPath(index, path(wanted, leases[index]), &actions)
            return
        }
        if !isUsable(leases[index].path, of: leases[index].address) {
            setPath(index, path(wanted, leases[index]), &actions)
        }
        let isAsking = uplinks.contains { $0.isAsking(about: leases[index].address) }
        guard !isAsking, isSafe(wanted), leases[index].exchange?.purpose != .update(wanted) else { return }
        let start = givesWay(index) ? now + Self.precedence : now
        leases[index].exchange = Lease.Exchange(purpose: .update(wanted), retry: Retry(startingAt: start))
    }

    /// How long anchors of addresses without flows are told later than those that flows wait for: what all of them do at
    /// a move, each a write to its disk, would delay the flows.
    static let precedence = TimeSpan.milliseconds(3)

    /// Whether no flow waits for this address while some do for another one.
    private func givesWay(_ index: Int) -> Bool {
        leases[index].flows == 0
            && leases.contains { lease in
                guard lease.flows > 0, case .update? = lease.exchange?.purpose else { return false }
                return true
            }
    }

    /// An address is pointed to only while its own anchor is known to hold it as attached and nothing else, so that
    /// two anchors never send packets to each other in a circle (T8).
    private func isSafe(_ place: Lease.Place) -> Bool {
        switch place {
        case .attached: return true
        case .away(let careOf, let interface), .both(_, let careOf, let interface):
            return leases.contains { $0.address == careOf && $0.confirmed == .attached(interface) }
        }
    }

    private func path(_ place: Lease.Place, _ lease: Lease) -> AnchorPath {
        switch place {
        case .attached(let interface): .direct(interface)
        case .away(let careOf, let interface):
            tunnel(careOf, lease).map { .tunnelled($0, interface) } ?? .unreachable
        case .both(let direct, let careOf, let interface):
            tunnel(careOf, lease).map {
                .both(direct: direct, $0, interface, bicast: configuration.bicast)
            } ?? .direct(direct)
        }
    }

    private func tunnel(_ careOf: IPAddress, _ lease: Lease) -> Tunnel? {
        guard let endpoint = lease.endpoint(careOf.family) else { return nil }
        return Tunnel(local: careOf, peer: endpoint, kind: tunnelKind(lease))
    }

    private func tunnelKind(_ lease: Lease) -> TunnelKind {
        switch configuration.tunnel {
        case .ipInIP: .ipInIP
        case .gre(let sequenced): .gre(key: lease.greKey, sequenced: sequenced)
        }
    }

    /// Whether all of a path of an address is alive.
    private func isUsable(_ path: AnchorPath, of address: IPAddress) -> Bool {
        switch path {
        case .direct(let interface): isAlive(interface, with: address)
        case .tunnelled(let tunnel, let interface): isAlive(interface, with: tunnel.local)
        case .both(let direct, let tunnel, let interface, _):
            isAlive(direct, with: address) && isAlive(interface, with: tunnel.local)
        case .unreachable: false
        }
    }

    private func isAlive(_ interface: InterfaceID, with address: IPAddress) -> Bool {
        uplinkIndex(interface).flatMap { uplinks[$0].attachment }?.addresses.contains(address) == true
    }

    private mutating func setPath(_ index: Int, _ path: AnchorPath, _ actions: inout [MobileNodeAction]) {
        guard leases[index].path != path || leases[index].admitted != leases[index].endpoints else { return }
        leases[index].path = path
        leases[index].admitted = leases[index].endpoints
        actions.append(.install(leases[index].binding))
    }

    private mutating func setRoutes(_ current: Int?, _ actions: inout [MobileNodeAction]) {
        guard let current, let attachment = uplinks[current].attachment else { return }
        for family in AddressFamily.allCases {
            guard let gateway = attachment.gateways[family],
                let source = attachment.addresses.first(where: { $0.family == family })
            else { continue }
            let route = DefaultRoute(
                gateway: gateway, interface: uplinks[current].interface, source: source, mtu: attachment.mtu)
            guard routes[family] != route else { continue }
            routes[family] = route
            actions.append(.setRoute(route))
        }
    }

    private mutating func setPreferences(_ current: Int?, _ actions: inout [MobileNodeAction]) {
        guard let current, let attachment = uplinks[current].attachment else { return }
        for index in leases.indices {
            let preferred = attachment.addresses.contains(leases[index].address)
            guard leases[index].preferred != preferred else { continue }
            leases[index].preferred = preferred
            actions.append(.addAddress(ownAddress(leases[index])))
        }
    }

    // MARK: The end of an address

    mutating func note(_ counts: [FlowCount]) {
        for count in counts {
            guard let index = leases.firstIndex(where: { $0.address == count.address }) else { continue }
            leases[index].flows = max(0, count.count)
        }
    }

    /// An address that only old flows use is released some time after the last of them ended [0050].
    private mutating func noteIdleness(_ index: Int, _ current: Int?, at now: MonotonicInstant) {
        let lease = leases[index]
        let isAway = !uplinks.contains { $0.attachment?.addresses.contains(lease.address) == true }
        guard isAway, lease.flows == 0, current != nil else {
            leases[index].idleSince = nil
            return
        }
        guard let since = lease.idleSince else {
            leases[index].idleSince = now
            return
        }
        guard !uplinks.contains(where: { $0.isAsking(about: lease.address) }) else {
            leases[index].idleSince = now
            return
        }
        if !lease.isReleasing, now >= since + configuration.linger {
            leases[index].exchange = Lease.Exchange(purpose: .release, retry: Retry(startingAt: now))
        }
    }

    private mutating func expire(at now: MonotonicInstant, _ actions: inout [MobileNodeAction]) {
        for index in leases.indices where leases[index].expires.nanoseconds == .max {
            leases[index].expires = now + leases[index].lifetime
        }
        for lease in leases where lease.expires <= now {
            lose(lease.address, code: 0, "its lifetime ran out before the anchor answered", &actions)
        }
    }

    /// A release that nobody answers: the lifetime ends it at the anchor.
    private mutating func dropReleased(_ actions: inout [MobileNodeAction]) {
        for lease in leases where lease.isReleasing && lease.exchange!.retry.attempts > 6 {
            _ = drop(lease.address, &actions)
            actions.append(.report(.released(address: lease.address)))
        }
    }

    /// The program ends: every anchor is told once; lifetimes do the rest.
    mutating func stop(_ actions: inout [MobileNodeAction]) {
        for index in leases.indices { sendRelease(index, &actions) }
        for lease in leases { _ = drop(lease.address, &actions) }
        for family in AddressFamily.allCases {
            if let route = routes[family] { actions.append(.removeRoute(family, route.interface)) }
        }
        routes = [:]
        for index in uplinks.indices { uplinks[index].state = .down }
    }
}
