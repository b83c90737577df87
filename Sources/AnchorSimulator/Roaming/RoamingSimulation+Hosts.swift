import AnchorCore
import NetworkTypes

/// Nodes roam, and their flows come and go.
extension RoamingSimulation {
    func move(_ host: Int) {
        guard !hosts[host].isStill else { return }
        statistics.moves += 1
        let old = hosts[host].place
        hosts[host].place = nil
        // Often between the same two.
        let choices = routers.indices.filter { $0 != old }
        let next = chance.isHit(perMille: 500) ? choices.first! : chance.pick(choices)!
        queue.plan(.arrive(host, at: next), at: now + chance.microseconds(10...5000))
    }

    func arrive(_ host: Int, at router: Int) {
        guard hosts[host].place == nil else { return }
        hosts[host].place = router
        note("\(hosts[host].address) comes to \(routers[router].name)")
        for flow in flows.indices where flows[flow].host == host && !flows[flow].isEnded {
            if chance.isHit(perMille: 500) { sendPacket(flow) }
        }
        if isTurbulent { queue.plan(.move(host), at: now + chance.milliseconds(scenario.stay)) }
    }

    func beginFlow(_ host: Int) {
        guard isTurbulent else { return }
        queue.plan(.begin(host: host), at: now + chance.milliseconds(40...500))
        guard flows.count < 60 else { return }
        addFlow(host)
    }

    func addFlow(_ host: Int) {
        flows.append(SimulatedRoamingFlow(host: host, isTCP: chance.isHit(perMille: 500)))
        statistics.flows += 1
        send(flows.count - 1)
    }

    func send(_ flow: Int) {
        guard !flows[flow].isEnded else { return }
        sendPacket(flow)
        if isTurbulent, flows[flow].anchor != nil, chance.isHit(perMille: 30) { return endFlow(flow) }
        queue.plan(.send(flow: flow), at: now + (isTurbulent ? chance.milliseconds(scenario.pace) : .milliseconds(500)))
    }

    private func sendPacket(_ flow: Int) {
        guard let router = hosts[flows[flow].host].place else { return }
        statistics.packets += 1
        fromHost(
            RoamingPacket(
                host: hosts[flows[flow].host].address, flow: flow, direction: .up,
                isFirst: flows[flow].anchor == nil, sent: now), at: router)
    }

    func endFlow(_ flow: Int) {
        guard !flows[flow].isEnded else { return }
        flows[flow].isEnded = true
        queue.plan(.expire(flow: flow), at: now + chance.milliseconds(150...800))
    }

    /// It has been silent for long enough, everywhere.
    func expire(_ flow: Int) {
        let address = hosts[flows[flow].host].address
        for router in routers.indices {
            routers[router].away[address]?[flow] = nil
            if routers[router].up[address]?.remove(flow) != nil { tellIfEnded(router, address) }
        }
    }

    func tellIfEnded(_ router: Int, _ address: IPAddress) {
        guard routers[router].up[address, default: []].isEmpty, case .away = routers[router].table[address]?.place
        else {
            return
        }
        drive(router, .flowsEnded(address))
    }

    // MARK: Excuses

    /// A router has let in a host without being told who had it.
    func excuseFlows(of address: IPAddress, at router: Int) {
        guard let others = holders[address], !others.isEmpty else { return }
        if scenario.isCalm {
            violate("\(routers[router].name) takes \(address) for new, it was at \(others.sorted { $0.key < $1.key })")
        }
        takenForNew[address] = now
        excuse(address)
    }

    /// Also while two routers take the host for theirs, or while routers that know it can't tell each other.
    func isExcused(_ flow: Int, at router: Int) -> Bool {
        if !flows[flow].isExcused, !scenario.isCalm {
            let address = hosts[flows[flow].host].address
            let count = routers.count { router in
                if case .here(_, isClaimed: false) = router.table[address]?.place { true } else { false }
            }
            flows[flow].isExcused = count > 1 || isDisturbed(address, at: router)
        }
        return flows[flow].isExcused
    }

    /// Routers that have to do with the host have no sessions, or have had none a moment ago.
    func isDisturbed(_ address: IPAddress, at router: Int) -> Bool {
        guard !scenario.isCalm else { return false }
        if let time = takenForNew[address], now - time < .milliseconds(400) { return true }
        let concerned = routers.indices.filter { $0 == router || routers[$0].table[address] != nil }
        return concerned.contains { first in
            concerned.contains { second in
                guard first < second, let session = sessions[[first, second]] else { return false }
                return !session.isUp || now - session.changed < .milliseconds(400)
            }
        }
    }

    func excuse(_ address: IPAddress) {
        guard let host = host(address) else { return }
        for flow in flows.indices where flows[flow].host == host && !flows[flow].isEnded && !flows[flow].isExcused {
            flows[flow].isExcused = true
            statistics.excusedFlows += 1
        }
    }
}
