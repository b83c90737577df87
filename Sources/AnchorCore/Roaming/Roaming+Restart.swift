import NetworkTypes

extension Roaming {
    /// After a restart of the daemon: a host that the data plane has. To be told of all before anything else happens.
    ///
    /// What the host table doesn't say comes back when sessions do: each router with flows of the host says so to the one
    /// that has it. A host that was being looked for is looked for again. Since when a host is here isn't known; it
    /// counts as long ago, so that a router that it has come to meanwhile gets it.
    public mutating func adopt(_ binding: RoamingBinding, at now: MonotonicInstant) {
        var host = RoamingRecord(
            binding.address, epoch: binding.epoch, place: .here, neighbour: nil, at: now)
        host.installed = binding
        switch binding.place {
        case .here(let neighbour, let isClaimed):
            host.neighbour = neighbour
            host.unanswered = peers
            host.attached = nil
            if isClaimed {
                var search = RoamingSearch(began: now, deadline: now + patience(connected))
                search.isWide = true
                host.isAdopted = true
                host.place = .claiming(search)
            } else {
                let isTranslated = isTranslated(binding.address)
                host.anchors = binding.anchors.intersection(peers)
                host.chain = isTranslated ? [binding.previous].compactMap { $0 }.filter(peers.contains) : []
                host.isHome = !isTranslated && binding.previous == nil
                for router in host.sharers { missing(router, &host, at: now) }
            }
        case .away(let place):
            host.place = .away
            host.attached = nil
            var away = RoamingAway(at: place, since: now)
            let isTranslated = isTranslated(binding.address)
            away.isAsked = binding.isAsked && isTranslated
            if !isTranslated {
                away.isAcknowledged = true
                away.cleanUp = nil
            }
            host.away = away
            if away.isAsked {
                host.chain = [name] + [binding.previous].compactMap { $0 }.filter(peers.contains)
                host.anchors = binding.alsoAcceptedFrom.union(host.chain).intersection(peers)
                host.untold = host.anchors
                planTelling(&host, at: now)
            } else {
                for router in binding.alsoAcceptedFrom { host.former[router] = now + configuration.grace }
            }
            missing(place, &host, at: now)
        }
        store(host)
    }
}
