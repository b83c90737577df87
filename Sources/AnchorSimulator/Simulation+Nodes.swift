import AnchorCore
import NetworkTypes

extension Simulation {
    func drive(node index: Int, _ event: MobileNodeEvent) {
        guard !nodes[index].isStopped else { return }
        let actions = nodes[index].machine.handle(event, at: now)
        for original in actions {
            guard let action = scenario.tampering.nodeAction(original) else { continue }
            perform(action, node: index)
        }
        guard let deadline = nodes[index].machine.nextDeadline else { return }
        let due = max(deadline, now + .microseconds(1))
        if nodes[index].timer.map({ due < $0 }) ?? true {
            nodes[index].timer = due
            queue.plan(.nodeTimer(index, run: nodes[index].run), at: due)
        }
    }

    private func perform(_ action: MobileNodeAction, node index: Int) {
        switch action {
        case .addAddress(let own): nodes[index].addresses[own.address] = own.interface
        case .removeAddress(let address, let interface):
            if nodes[index].addresses[address] == interface { nodes[index].addresses[address] = nil }
        case .setRoute(let route): nodes[index].routes[route.gateway.family] = route
        case .removeRoute(let family, _): nodes[index].routes[family] = nil
        // Simulated neighbours need no MAC.
        case .resolve: break
        case .install(let binding):
            nodes[index].bindings[binding.address] = binding
            note("node \(index + 1) uses \(binding.address) \(binding.path)")
        case .remove(let address): nodes[index].bindings[address] = nil
        case .send(let datagram): send(datagram, fromNode: index)
        case .remember(let record): nodes[index].remembered[record.address] = record
        case .forget(let address): nodes[index].remembered[address] = nil
        case .rememberEpoch(let epoch): nodes[index].epoch = max(nodes[index].epoch, epoch)
        case .report(let report):
            note("node \(index + 1): \(report)")
            if case .anchorLost(let address, _, let text) = report { flowsLost(address, text, node: index) }
        }
    }

    private func flowsLost(_ address: IPAddress, _ text: String, node index: Int) {
        let lost = flows.filter { $0.node == index && $0.address == address }
        guard !lost.isEmpty else { return }
        statistics.lostFlows += lost.count
        flows.removeAll { $0.node == index && $0.address == address }
        if !scenario.mayLoseFlows { violate("node \(index + 1) lost flows of \(address): \(text)") }
    }

    func plug(_ node: Int, _ interface: Int, _ plug: SimulatedNode.Plug) {
        guard !nodes[node].isStopped else { return }
        nodes[node].plugs[interface] = plug
        note("node \(node + 1) plugs interface \(interface) into router \(plug.router) link \(plug.link)")
        drive(node: node, .linkUp(InterfaceID(UInt32(interface)), mac: nodes[node].mac(interface)))
    }

    func unplug(_ node: Int, _ interface: Int) {
        guard nodes[node].plugs[interface] != nil else { return }
        nodes[node].plugs[interface] = nil
        note("node \(node + 1) unplugs interface \(interface)")
        drive(node: node, .linkDown(InterfaceID(UInt32(interface))))
    }

    /// The program of a node is started anew. The kernel keeps addresses and connections.
    func restart(node index: Int, forgetsEpoch: Bool) {
        if !forgetsEpoch { nodes[index].epoch += 1 }
        var configuration = nodes[index].configuration
        configuration.epoch = forgetsEpoch ? 1 : nodes[index].epoch
        configuration.randomSeed &+= UInt64(now.nanoseconds)
        let records = nodes[index].remembered.values.sorted { $0.address < $1.address }
        note("node \(index + 1) starts anew with \(records.count) addresses, epoch \(configuration.epoch)")
        nodes[index].machine = Self.machine(configuration, records)
        nodes[index].run += 1
        nodes[index].timer = nil
        tellFlows(of: index)
        for interface in nodes[index].plugs.indices where nodes[index].plugs[interface] != nil {
            drive(node: index, .linkUp(InterfaceID(UInt32(interface)), mac: nodes[index].mac(interface)))
        }
        // What the data plane holds and the node does not know of.
        let known = Set(nodes[index].machine.bindings.map(\.address))
        nodes[index].bindings = nodes[index].bindings.filter { known.contains($0.key) }
        nodes[index].addresses = nodes[index].addresses.filter { known.contains($0.key) }
    }

    // MARK: Flows

    func startFlow(_ node: Int) {
        let family = chance.pick(AddressFamily.allCases.filter(scenario.families.contains))!
        guard let route = nodes[node].routes[family], nodes[node].addresses[route.source] != nil,
            nodes[node].machine.anchorTable.contains(where: { $0.address == route.source && $0.preferred }),
            let anchor = AddressPlan.home(of: route.source)
        else { return }
        nextFlow += 1
        statistics.flows += 1
        flows.append(SimulatedFlow(id: nextFlow, node: node, address: route.source, anchor: anchor))
        note("node \(node + 1) starts flow \(nextFlow) from \(route.source)")
        tellFlows(of: node, route.source)
    }

    func endFlow(_ index: Int) {
        let flow = flows.remove(at: index)
        note("node \(flow.node + 1) ends flow \(flow.id) from \(flow.address)")
        tellFlows(of: flow.node, flow.address)
    }

    private func tellFlows(of node: Int, _ address: IPAddress) {
        let count = flows.count { $0.node == node && $0.address == address }
        drive(node: node, .flows([FlowCount(address: address, count: count)]))
    }

    private func tellFlows(of node: Int) {
        let addresses = Set(flows.filter { $0.node == node }.map(\.address))
        for address in addresses.sorted() { tellFlows(of: node, address) }
    }
}
