import NetworkTypes

extension Roaming {
    /// What the data plane should hold of a host; `nil` for nothing.
    func binding(_ host: RoamingRecord) -> RoamingBinding? {
        switch host.place {
        case .gone: return nil
        case .claiming:
            // Whoever has flows of it may send before anybody has answered: nothing of that is dropped.
            guard let neighbour = host.neighbour else { return nil }
            return RoamingBinding(
                address: host.address, epoch: host.epoch, place: .here(neighbour, isClaimed: true), anchors: peers)
        case .here:
            guard let neighbour = host.neighbour else { return nil }
            return RoamingBinding(
                address: host.address, epoch: host.epoch, place: .here(neighbour, isClaimed: false),
                anchors: host.sharers.union(host.former.keys), previous: previous(of: host))
        case .away:
            guard let away = host.away else { return nil }
            var others = Set(host.former.keys)
            if away.isAsked { others.formUnion(host.sharers) }
            return RoamingBinding(
                address: host.address, epoch: host.epoch, place: .away(at: away.at), previous: previous(of: host),
                isAsked: isTranslated(host.address) && (away.isAsked || !away.hasFlows),
                alsoAcceptedFrom: others.subtracting([name, away.at]))
        }
    }

    /// Who is asked next about a flow that isn't known here.
    private func previous(of host: RoamingRecord) -> String? {
        guard isTranslated(host.address) else { return host.isHere && !host.isHome ? host.anchors.min() : nil }
        if host.isHere { return host.chain.first { !host.lost.contains($0) } }
        guard let away = host.away, away.isAsked, let own = host.chain.firstIndex(of: name) else { return nil }
        return host.chain[(own + 1)...].first { $0 != away.at }
    }

    /// Puts the host's binding in force if it is another one.
    func refresh(_ host: inout RoamingRecord, _ actions: inout [RoamingAction]) {
        let binding = binding(host)
        guard binding != host.installed else { return }
        host.installed = binding
        actions.append(binding.map(RoamingAction.install) ?? .remove(host.address))
    }

    /// Takes out all that there is of it.
    func forget(_ host: inout RoamingRecord, _ actions: inout [RoamingAction]) {
        cancelTransfer(&host, &actions)
        actions.append(.removeAway(host.address, router: nil))
        if host.installed != nil { actions.append(.remove(host.address)) }
        host.installed = nil
        host.isForgotten = true
    }
}
