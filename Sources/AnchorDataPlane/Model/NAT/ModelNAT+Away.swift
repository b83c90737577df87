import NetworkTypes

extension ModelNAT {
    /// Where a flow began.
    enum Beginning: Hashable {
        case here
        /// At another router, by its index.
        case at(UInt32)
    }

    /// Where the flow of a host's packet began; `nil` if it is not known here.
    /// - Parameter seen: what its own packet says; `nil` of one that is only spoken of.
    mutating func beginning(of tuple: Tuple, _ seen: Seen?) -> Beginning? {
        trace?.note(.away(tuple))
        guard var flow = away[tuple] else { return flow(tuple) == nil ? nil : .here }
        if let seen {
            flow.seen.formUnion(seen)
            flow.last = now
            away[tuple] = flow
        }
        return .at(flow.router)
    }

    /// A flow of a subscriber that began at another router.
    /// - Returns: whether it is there now: unless it is too many, or there is no room.
    mutating func insertAway(_ tuple: Tuple, router: UInt32) -> Bool {
        guard let subscriber = subscribers[tuple.local.address] else { return false }
        guard flows[tuple] == nil else { return true }
        if away[tuple] != nil {
            away[tuple]?.router = router
            away[tuple]?.last = now
            return true
        }
        let others = away.count { $0.key.local.address == tuple.local.address && $0.value.router == router }
        guard others < subscriber.flowLimit, (try? takeSlot(NATKind.away, tuple)) != nil else { return false }
        away[tuple] = Away(router: router, seen: .packet, last: now)
        return true
    }

    /// Flows of a host that began at a router, or at any.
    mutating func removeAway(of host: IPAddress, router: UInt32?) {
        for (tuple, flow) in away where tuple.local.address == host && (router == nil || flow.router == router) {
            remove(tuple)
        }
    }
}
