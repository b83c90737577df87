import AnchorCore

extension Simulation {
    /// The whole story: turmoil, healing, convergence, the end of all flows, the end of all nodes.
    public func run() {
        for index in nodes.indices {
            for interface in nodes[index].plugs.indices where interface == 0 || chance.isHit(perMille: 300) {
                queue.plan(
                    .plug(node: index, interface: interface, randomPlug()), at: now + chance.milliseconds(0...500))
            }
        }
        queue.plan(.turmoil, at: now + chance.milliseconds(scenario.pace))
        queue.plan(.walk, at: now + .milliseconds(100))
        run(until: now + scenario.turmoil)
        heal()
        run(until: now + .seconds(15))
        runUntilSettled()
        guard violations.isEmpty else { return }
        checkConvergence()
        while !flows.isEmpty { endFlow(flows.count - 1) }
        run(until: now + .seconds(6))
        runUntilSettled()
        guard violations.isEmpty else { return }
        checkReleases()
        stop()
        run(until: now + scenario.leaseLifetime * 2 + .seconds(10))
        guard violations.isEmpty else { return }
        checkNothingLeaks()
    }

    /// A refresh may be under way at any moment; that everybody is settled at one moment is enough.
    private func runUntilSettled() {
        for _ in 0..<50 {
            if nodes.allSatisfy({ $0.machine.isSettled }), routers.allSatisfy({ $0.machine?.outstandingRecords == 0 }) {
                return
            }
            run(until: now + .milliseconds(20))
        }
    }

    /// From now on nothing goes wrong.
    private func heal() {
        isTurbulent = false
        partitions = []
        note("all is well again")
        for index in routers.indices where routers[index].machine == nil { boot(index) }
        for index in nodes.indices where nodes[index].plugs.allSatisfy({ $0 == nil }) {
            plug(index, 0, randomPlug())
        }
    }

    private func stop() {
        for index in nodes.indices {
            drive(node: index, .stop)
            nodes[index].isStopped = true
            nodes[index].timer = nil
            nodes[index].run += 1
        }
        for index in routers.indices {
            for link in routers[index].configuration.links {
                drive(router: index, .link(link.interface, isUp: false))
            }
        }
        queue.removeAll { event in
            if case .walk = event { true } else { false }
        }
    }
}
