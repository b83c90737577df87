import AnchorCore

extension RoamingSimulation {
    /// The whole story: turmoil, healing, agreement, the end of all flows, the end of all hosts.
    public func run() {
        for a in routers.indices { for b in routers.indices where b > a { connect([a, b]) } }
        for host in hosts.indices {
            queue.plan(
                .arrive(host, at: chance.number(in: 0...routers.count - 1)), at: now + chance.milliseconds(0...50))
            queue.plan(.begin(host: host), at: now + chance.milliseconds(51...100))
        }
        queue.plan(.trouble, at: now + chance.milliseconds(200...600))
        run(until: now + scenario.turmoil)
        heal()
        run(until: now + .milliseconds(20))
        // Each is heard of where it is.
        for host in hosts.indices { addFlow(host) }
        run(until: now + .seconds(10))
        guard violations.isEmpty else { return }
        checkAgreement()
        if chance.isHit(perMille: 300) {
            // Hosts that are switched off take their flows along.
            for flow in flows.indices { flows[flow].isEnded = true }
        } else {
            for flow in flows.indices { endFlow(flow) }
            run(until: now + .seconds(10))
            guard violations.isEmpty else { return }
            checkReleases()
        }
        for host in hosts {
            for router in routers.indices { drive(router, .silent(host.address)) }
        }
        run(until: now + .seconds(10))
        guard violations.isEmpty else { return }
        checkNothingIsLeft()
    }

    /// From now on nothing goes wrong, and nobody moves.
    private func heal() {
        isTurbulent = false
        note("all is well again")
        for router in routers.indices {
            routers[router].dyingAfter = nil
            if routers[router].machine == nil { restart(router) }
        }
        for key in partitions.sorted(by: { $0.lexicographicallyPrecedes($1) }) { heal(key) }
        for host in hosts.indices { hosts[host].isStill = true }
    }
}
