import AnchorCore
import NetworkTypes

extension Simulation {
    /// A packet of each flow in each direction, whatever is going on: it may be lost, but it never gets where it must not.
    func walkAll() {
        for flow in flows { check(flow) }
        checkForLoops()
        for index in routers.indices {
            let seen = routers[index].seen
            guard !seen.isEmpty else { continue }
            routers[index].seen = []
            drive(router: index, .activity(seen.sorted().map { HostActivity(address: $0, lastSeen: now) }))
        }
        queue.plan(.walk, at: now + chance.milliseconds(100...400))
    }

    /// No care-of address leads back to the address that it serves (T8).
    private func checkForLoops() {
        for router in routers {
            for address in router.table.keys {
                var next = router.table[address]?.location.tunnel?.peer
                var hops = 0
                while let careOf = next, let home = AddressPlan.home(of: careOf) {
                    if careOf == address || hops > 16 { return violate("packets to \(address) go round in circles") }
                    next = routers[home].table[careOf]?.location.tunnel?.peer
                    hops += 1
                }
            }
        }
    }

    /// Whether packets arrive up and down.
    @discardableResult
    func check(_ flow: SimulatedFlow) -> (up: Bool, down: Bool) {
        var result = (up: false, down: false)
        for walk in walkUp(flow) where walk.end == .correspondent {
            result.up = true
            passed(walk, flow, "to the correspondent")
        }
        for walk in walkDown(flow.address) {
            guard case .node(let node) = walk.end else { continue }
            if node == flow.node {
                result.down = true
                passed(walk, flow, "to the node")
            } else {
                violate("a packet of flow \(flow.id) of node \(flow.node + 1) reached node \(node + 1)")
            }
        }
        statistics.walks += 2
        statistics.delivered += (result.up ? 1 : 0) + (result.down ? 1 : 0)
        return result
    }

    private func passed(_ walk: PacketWalk, _ flow: SimulatedFlow, _ direction: String) {
        guard walk.servers != [flow.anchor] || walk.anchors != [flow.anchor] else { return }
        violate(
            "a packet of flow \(flow.id) \(direction) passed the servers of routers \(walk.servers) instead of "
                + "that of its anchor, router \(flow.anchor)")
    }

    /// Some time after everything healed: nodes know where they are, anchors know it too, and every flow works.
    func checkConvergence() {
        for node in nodes {
            let isPlugged = node.plugs.contains { $0 != nil }
            guard isPlugged else { continue }
            if !node.machine.isSettled {
                violate(
                    "node \(node.index + 1) is not settled: \(node.machine.attachmentStates) \(node.machine.anchorTable)"
                )
            }
            for row in node.machine.anchorTable { checkAnchor(of: row, node) }
        }
        for flow in flows {
            guard nodes[flow.node].plugs.contains(where: { $0 != nil }) else { continue }
            let arrived = check(flow)
            if !arrived.up { violate("flow \(flow.id) is cut off upwards: \(walkUp(flow).map(\.end))") }
            if !arrived.down { violate("flow \(flow.id) is cut off downwards: \(walkDown(flow.address).map(\.end))") }
        }
        for router in routers { checkTable(router) }
    }

    private func checkAnchor(of row: AnchorRow, _ node: SimulatedNode) {
        guard let home = AddressPlan.home(of: row.address) else { return }
        let binding = routers[home].table[row.address]
        let agrees: Bool =
            switch (row.path, binding?.location) {
            case (.direct(let interface), .attached(let neighbour)):
                neighbour.mac == node.mac(Int(interface.number))
            case (.tunnelled(let mine, _), .tunnelled(let its)): mine.local == its.peer && mine.kind == its.kind
            case (.both(let direct, let mine, _, _), .both(let neighbour, let its, _)):
                neighbour.mac == node.mac(Int(direct.number)) && mine.local == its.peer && mine.kind == its.kind
            default: false
            }
        if !agrees {
            violate(
                "node \(node.index + 1) and the anchor of \(row.address) disagree: \(row.path) and "
                    + (binding.map(describe) ?? "nothing"))
        }
    }

    /// The data plane holds what the router's program thinks.
    private func checkTable(_ router: SimulatedRouter) {
        guard let machine = router.machine else { return violate("router \(router.index) is down") }
        let wanted = Dictionary(uniqueKeysWithValues: machine.bindings.map { ($0.address, $0) })
        for (address, binding) in router.table where wanted[address] != binding {
            violate("router \(router.index) has \(address) \(describe(binding)) in its table, and does not know")
        }
        for address in wanted.keys where router.table[address] == nil {
            violate("router \(router.index) misses \(address) in its table")
        }
        if machine.outstandingRecords > 0 { violate("router \(router.index) waits for records that are stored") }
    }

    /// Without flows a node has the addresses of its attachments and no others [0050].
    func checkReleases() {
        for node in nodes where node.plugs.contains(where: { $0 != nil }) {
            for row in node.machine.anchorTable {
                if case .tunnelled = row.path {
                    violate("node \(node.index + 1) still has \(row.address) though no flow uses it")
                }
            }
            let known = Set(node.machine.anchorTable.map(\.address))
            if Set(node.addresses.keys) != known || Set(node.bindings.keys) != known
                || Set(node.remembered.keys) != known
            {
                violate("node \(node.index + 1) left addresses behind")
            }
        }
    }

    /// After everybody left and every lifetime ran out nothing is held.
    func checkNothingLeaks() {
        for node in nodes where !(node.addresses.isEmpty && node.bindings.isEmpty && node.remembered.isEmpty) {
            violate("node \(node.index + 1) stopped and left \(node.addresses) \(node.bindings) \(node.remembered)")
        }
        for router in routers {
            guard let machine = router.machine else { continue }
            if machine.hostCount > 0 || !router.table.isEmpty {
                violate("router \(router.index) still has \(machine.hostTable)")
            }
            if machine.timersInHand > 0 { violate("router \(router.index) still has timers") }
            if machine.outstandingRecords > 0 { violate("router \(router.index) still waits for storage") }
        }
    }
}
