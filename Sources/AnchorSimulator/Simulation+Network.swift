import AnchorCore
import AnchorProtocol
import NetworkTypes

/// How control datagrams travel: over access links, and from router to router. Between routers and to nodes they take
/// the way of any packet, through the tables.
extension Simulation {
    func send(_ outgoing: OutgoingDatagram, fromNode index: Int) {
        let node = nodes[index]
        switch outgoing.route {
        case .allRouters(let interface, let family):
            guard let plug = node.plugs[Int(interface.number)] else { return }
            let source = family == .v4 ? IPAddress.anyV4 : node.linkLocal(Int(interface.number))
            deliver(
                Datagram(
                    source: source, sourcePort: AnchorMessage.port,
                    destination: family == .v4 ? IPAddress(v4: .max) : IPAddress(high: 0xff02 << 48, low: 0x4346),
                    interface: InterfaceID(UInt32(plug.link)), bytes: outgoing.bytes),
                toRouter: plug.router, over: shortDelay())
        case .neighbour(let address, _, let interface):
            guard let plug = node.plugs[Int(interface.number)],
                address == AddressPlan.linkLocal(plug.router, plug.link)
            else { return }
            deliver(
                Datagram(
                    source: node.linkLocal(Int(interface.number)), sourcePort: AnchorMessage.port,
                    destination: address, interface: InterfaceID(UInt32(plug.link)), bytes: outgoing.bytes),
                toRouter: plug.router, over: shortDelay())
        case .unicast(let destination, _, let source):
            sendFromNode(index, outgoing.bytes, to: destination, from: source)
        case .allNodes: violate("node \(index + 1) sends to all nodes")
        }
    }

    private func sendFromNode(_ index: Int, _ bytes: [UInt8], to destination: IPAddress, from source: IPAddress) {
        guard let interface = nodes[index].addresses[source], let plug = nodes[index].plugs[Int(interface.number)],
            let target = AddressPlan.router(withEndpoint: destination)
        else { return }
        let isLocal = target == plug.router
        if !isLocal {
            // The access router forwards for hosts that are on that link only.
            guard isHere(source, plug, nodes[index].mac(Int(interface.number))), isConnected(plug.router, target) else {
                return
            }
        }
        deliver(
            Datagram(
                source: source, sourcePort: AnchorMessage.port, destination: destination,
                interface: isLocal ? InterfaceID(UInt32(plug.link)) : nil, bytes: bytes),
            toRouter: target, over: isLocal ? shortDelay() : shortDelay() + longDelay())
    }

    func send(_ outgoing: OutgoingDatagram, fromRouter index: Int) {
        switch outgoing.route {
        case .allNodes(let interface, let family):
            let link = Int(interface.number)
            let source = family == .v4 ? AddressPlan.gateway(index, link, .v4) : AddressPlan.linkLocal(index, link)
            for (node, port) in plugged(into: .init(router: index, link: link)) {
                deliver(outgoing.bytes, from: source, toNode: node, interface: port, over: shortDelay())
            }
        case .neighbour(let address, _, let interface):
            let link = Int(interface.number)
            for (node, port) in plugged(into: .init(router: index, link: link))
            where nodes[node].linkLocal(port) == address || nodes[node].addresses[address] != nil {
                deliver(
                    outgoing.bytes, from: AddressPlan.linkLocal(index, link), toNode: node, interface: port,
                    over: shortDelay())
            }
        case .unicast(let destination, _, let source):
            guard let home = AddressPlan.home(of: destination), isConnected(index, home) else { return }
            guard let neighbour = routers[home].table[destination]?.location.neighbour,
                let (node, port) = station(neighbour, home)
            else { return }
            deliver(
                outgoing.bytes, from: source, toNode: node, interface: port,
                over: home == index ? shortDelay() : shortDelay() + longDelay())
        case .allRouters: violate("router \(index) sends to all routers")
        }
    }

    // MARK: Links

    func plugged(into plug: SimulatedNode.Plug) -> [(node: Int, interface: Int)] {
        var result: [(node: Int, interface: Int)] = []
        for node in nodes where !node.isStopped {
            for interface in node.plugs.indices where node.plugs[interface] == plug {
                result.append((node.index, interface))
            }
        }
        return result
    }

    /// The interface that a router's neighbour entry reaches.
    func station(_ neighbour: Neighbour, _ router: Int) -> (node: Int, interface: Int)? {
        plugged(into: .init(router: router, link: Int(neighbour.interface.number)))
            .first { nodes[$0.node].mac($0.interface) == neighbour.mac }
    }

    func isHere(_ address: IPAddress, _ plug: SimulatedNode.Plug, _ mac: MACAddress) -> Bool {
        routers[plug.router].table[address]?.location.neighbour
            == Neighbour(mac: mac, interface: InterfaceID(UInt32(plug.link)))
    }

    func isConnected(_ a: Int, _ b: Int) -> Bool { a == b || !partitions.contains([min(a, b), max(a, b)]) }

    private func shortDelay() -> TimeSpan { chance.microseconds(100...2000) }
    private func longDelay() -> TimeSpan { chance.microseconds(100...scenario.longestDelay * 1000) }

    // MARK: Delivery

    private func copies() -> Int {
        guard isTurbulent else { return 1 }
        if chance.isHit(perMille: scenario.lossPerMille) { return 0 }
        return chance.isHit(perMille: scenario.duplicationPerMille) ? 2 : 1
    }

    private func deliver(_ datagram: Datagram, toRouter index: Int, over delay: TimeSpan) {
        statistics.datagrams += 1
        if captured.count < 40 {
            captured.append((index, datagram))
        } else if chance.isHit(perMille: 100) {
            captured[chance.number(in: 0...captured.count - 1)] = (index, datagram)
        }
        for copy in 0..<copies() {
            let late = copy == 0 ? delay : delay + chance.milliseconds(0...300)
            queue.plan(.toRouter(index, datagram), at: now + late)
        }
    }

    private func deliver(
        _ bytes: [UInt8], from source: IPAddress, toNode index: Int, interface: Int, over delay: TimeSpan
    ) {
        statistics.datagrams += 1
        let datagram = Datagram(
            source: source, sourcePort: AnchorMessage.port, destination: source.isV4 ? .anyV4 : .anyV6,
            interface: InterfaceID(UInt32(interface)), bytes: bytes)
        for copy in 0..<copies() {
            let late = copy == 0 ? delay : delay + chance.milliseconds(0...300)
            queue.plan(.toNode(index, datagram), at: now + late)
        }
    }
}
