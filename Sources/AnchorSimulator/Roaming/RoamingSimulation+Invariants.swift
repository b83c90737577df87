import AnchorCore
import NetworkTypes

/// What must hold.
extension RoamingSimulation {
    // MARK: At any time

    /// One router has a host in an epoch. Those that nobody could tell of each other may have begun with the same one.
    func checkHolder(_ router: Int, _ binding: RoamingBinding) {
        guard case .here(_, isClaimed: false) = binding.place else { return }
        let name = routers[router].name
        let holder = holders[binding.address]?[binding.epoch]
        if let holder, holder != name, scenario.isCalm {
            violate("\(binding.address) is at \(holder) and at \(name) in epoch \(binding.epoch)")
        }
        holders[binding.address, default: [:]][binding.epoch] = name
    }

    /// A flow begins where its first packet leaves, and nowhere else.
    func checkBeginning(_ packet: RoamingPacket, at router: Int) {
        let flow = flows[packet.flow]
        guard let anchor = flow.anchor, let anchored = flow.anchored, anchor != routers[router].name else { return }
        if packet.sent <= anchored {
            // Two packets of a new flow were on their way at once while its host moved.
            flows[packet.flow].isExcused = true
        } else if !isExcused(packet.flow, at: router) {
            violate("flow \(packet.flow), which began at \(anchor), begins anew at \(routers[router].name)")
        }
    }

    /// Where a table says that a flow began, its packets are taken.
    func checkTaken(_ packet: RoamingPacket, from peer: String, at router: Int) {
        guard scenario.isCalm, packet.isKnown, packet.direction == .up, !flows[packet.flow].isExcused,
            !flows[packet.flow].isEnded
        else { return }
        violate("\(routers[router].name) takes no packet of its flow \(packet.flow) from \(peer)")
    }

    /// Nobody forgets a host whose flows are alive.
    func checkRemoval(_ router: Int, _ address: IPAddress) {
        for flow in routers[router].up[address, default: []].sorted() {
            guard flows[flow].anchor == routers[router].name, !flows[flow].isEnded, !flows[flow].isExcused else {
                continue
            }
            violate("\(routers[router].name) forgets \(address), whose flow \(flow) is alive")
        }
    }

    // MARK: When all is well again

    /// Ten seconds later all tables say the same, and all flows work.
    func checkAgreement() {
        for host in hosts {
            guard let place = host.place, let entry = routers[place].table[host.address] else { continue }
            guard case .here(_, isClaimed: false) = entry.place else {
                violate("\(host.address) is at \(routers[place].name), which has \(Self.text(entry))")
                continue
            }
            if entry.previous != nil { violate("\(routers[place].name) still waits: \(Self.text(entry))") }
            for router in routers.indices where router != place {
                checkAnchor(routers[router], of: host.address, at: routers[place].name, entry)
            }
            checkRows(host.address, place)
        }
        for (index, flow) in flows.enumerated() where !flow.isEnded && !flow.isExcused { checkWorks(index, flow) }
    }

    private func checkAnchor(
        _ router: SimulatedRoamingRouter, of address: IPAddress, at place: String, _ entry: RoamingBinding
    ) {
        guard let other = router.table[address] else {
            if router.up[address]?.isEmpty == false { violate("\(router.name) has flows of \(address) and no entry") }
            return
        }
        if other.place != .away(at: place) { violate("\(router.name) has \(Self.text(other)), it is at \(place)") }
        if other.epoch > entry.epoch { violate("\(router.name) has epoch \(other.epoch), \(place) \(entry.epoch)") }
        if other.isAsked { violate("\(router.name) is still asked: \(Self.text(other))") }
        if !entry.anchors.contains(router.name) { violate("\(place) doesn't know of its anchor \(router.name)") }
        if router.away[address]?.isEmpty == false { violate("\(router.name) has flows of others left") }
    }

    /// What is said of flows and what they are.
    private func checkRows(_ address: IPAddress, _ place: Int) {
        guard let entry = routers[place].table[address] else { return }
        for (flow, anchor) in routers[place].away[address, default: [:]].sorted(by: { $0.key < $1.key })
        where !entry.anchors.contains(anchor) && !flows[flow].isExcused {
            violate("flow \(flow) is known to be at \(anchor), which is no anchor")
        }
    }

    /// Both ways, through the tables as they are.
    private func checkWorks(_ index: Int, _ flow: SimulatedRoamingFlow) {
        let host = hosts[flow.host]
        guard let anchorName = flow.anchor, let anchor = self.index(anchorName), let place = host.place else { return }
        guard routers[anchor].up[host.address]?.contains(index) == true else {
            return violate("flow \(index) is gone from its anchor \(anchorName)")
        }
        guard anchor != place else { return }
        if routers[place].away[host.address]?[index] != anchorName {
            violate("flow \(index) of \(anchorName) is not known at \(routers[place].name)")
        }
        if routers[anchor].table[host.address]?.place != .away(at: routers[place].name) {
            violate("flow \(index): \(anchorName) doesn't know where its host is")
        }
    }

    /// After the end of all flows only the router that has a host knows of it.
    func checkReleases() {
        for host in hosts {
            for router in routers.indices {
                let state = routers[router]
                if state.away[host.address]?.isEmpty == false { violate("\(state.name) still has flows of others") }
                if router != host.place, let entry = state.table[host.address] {
                    violate("\(state.name) has not forgotten: \(Self.text(entry))")
                }
            }
            if let place = host.place, let entry = routers[place].table[host.address],
                !entry.anchors.isEmpty || entry.previous != nil
            {
                violate("\(routers[place].name) still knows of others: \(Self.text(entry))")
            }
        }
    }

    func checkNothingIsLeft() {
        for router in routers {
            if !router.table.isEmpty { violate("\(router.name) has \(router.table.values.map(Self.text))") }
            if router.machine?.hostCount != 0 { violate("\(router.name) still knows a host") }
        }
    }
}
