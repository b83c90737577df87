import NetworkTypes

/// Packets of hosts that know nothing of us and roam between access routers: each flow leaves through the router where it
/// began [0079]–[0083] [0087].
extension ModelWalk {
    /// Who has put a packet into a tunnel, and what for.
    enum Origin {
        /// A host that is there.
        case host
        /// Another router, for a host here: of a flow that began there.
        case flowBegan
        /// The same, for a host that has moved on meanwhile.
        case movedOn
        /// Another router that knows no such flow, from a host here: it begins one, unless it is known by now where it
        /// began.
        case begins
        /// The same, from a host that has moved on meanwhile.
        case returned
    }

    /// Where a packet of a roaming host goes.
    private enum Way {
        case here
        /// To another router, by its index plus one.
        case router(UInt32)
        /// Its flow is not known.
        case unknown
    }

    /// Addresses that are let in by their first packet [0077].
    func isLetIn(_ address: IPAddress) -> Bool {
        configuration.pools.first { $0.contains(address) }.map(configuration.unaware.contains) ?? false
    }

    /// The host of a packet from another router that is shared with it.
    func sharer(
        _ inner: ModelPacket.Header, with peer: IPAddress
    ) -> (ModelDataPlane.ModelHost, Origin)? {
        tables.trace?.note(.routerAt(peer))
        guard let router = tables.routers.first(where: { $0.value.address == peer })?.key else { return nil }
        func isShared(_ entry: HostEntry) -> Bool {
            entry.attachment != nil && entry.tunnel == nil && entry.anchors >> UInt32(router) & 1 != 0
        }
        if let host = host(inner.destination), host.entry.isUnaware {
            if isShared(host.entry) { return (host, .flowBegan) }
            // What its own place sends isn't sent back there.
            if let tunnel = host.entry.tunnel, tunnel.peer != peer,
                tables.isAdmitted(peer, of: inner.destination)
            {
                return (host, .movedOn)
            }
        }
        if let host = host(inner.source), host.entry.isUnaware {
            if isShared(host.entry) { return (host, .begins) }
            if host.entry.tunnel != nil, host.entry.previous == UInt32(router) + 1 { return (host, .returned) }
        }
        return nil
    }

    mutating func action(
        _ host: ModelDataPlane.ModelHost, _ header: ModelPacket.Header, _ origin: Origin
    ) throws(Exit) -> Action {
        switch origin {
        case .host, .begins: return try uplink(host, header)
        case .flowBegan: return try deliver(host)
        case .movedOn: return try after(host, "passed_on")
        case .returned: return try after(host, "returned")
        }
    }

    /// From a host here that has been elsewhere, or from one that is gone and asks here for its flows.
    /// - Parameter peer: of a packet from a host here, the router that has sent it back.
    mutating func roam(
        _ packet: inout ModelPacket, _ header: ModelPacket.Header, _ host: ModelDataPlane.ModelHost,
        returnedBy peer: IPAddress? = nil
    ) throws(Exit) -> ModelOutcome {
        let isHere = host.entry.attachment != nil
        var (way, opens) = way(packet, header, peer == nil ? host.entry.previous : 0)
        if let peer {
            switch way {
            case .unknown: way = .here
            case .router(let number) where tables.router(Int(number) - 1)?.address == peer: way = .here
            case .here, .router: break
            }
        } else if case .unknown = way {
            // Only a SYN begins a connection while not all flows of its host are known.
            if isHere && (opens || host.entry.previous == 0) {
                way = .here
            } else if host.entry.previous != 0 {
                way = .router(host.entry.previous)
            }
        }
        switch way {
        case .here:
            packet.clampMSS(header, configuration)
            return try send(&packet, header, try uplink(host, header))
        case .router(let number):
            guard let router = tables.router(Int(number) - 1) else { throw Self.exit("no_route") }
            let reason = Reason(name: isHere ? "to_anchor" : "passed_on")!
            let action = Action(
                path: router.path, reason: reason, decrements: configuration.decrementsTTL, router: router.address)
            return try send(&packet, header, action)
        case .unknown: return try send(&packet, header, try after(host, "returned"))
        }
    }

    /// - Returns: also whether it opens a connection.
    private mutating func way(
        _ packet: ModelPacket, _ header: ModelPacket.Header, _ previous: UInt32
    ) -> (Way, opens: Bool) {
        // What isn't translated has no entry a flow: all packets of the address go where it was.
        guard header.isV4, isInside(header.source) else { return (previous == 0 ? .here : .router(previous), false) }
        if isExempt(header.destination) { return (.here, false) }
        guard let sign = try? sign(packet, header, .up) else { return (.unknown, false) }
        var beginning: ModelNAT.Beginning?
        var isOpening = false
        switch sign {
        case .flow(let tuple, let seen, let opens):
            beginning = tables.nat.beginning(of: tuple, seen)
            isOpening = opens && tuple.transport == .tcp
        case .error:
            if let (tuple, _) = try? quotedFlow(packet, header, .up) {
                beginning = tables.nat.beginning(of: tuple, nil)
            }
        }
        switch beginning {
        case .here: return (.here, isOpening)
        case .at(let router): return (.router(router + 1), isOpening)
        case nil: return (.unknown, isOpening)
        }
    }

    /// To where the host is, past the servers here.
    private mutating func after(_ host: ModelDataPlane.ModelHost, _ reason: String) throws(Exit) -> Action {
        var action = try deliver(host)
        action.reason = Reason(name: reason)!
        return action
    }
}

extension HostEntry {
    /// Whether it is said where packets of this host go, who is here, by more than their destination.
    var roams: Bool { isUnaware && (isClaimed || isDraining || anchors != 0 || previous != 0) }
}
