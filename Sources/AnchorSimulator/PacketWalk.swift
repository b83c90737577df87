import AnchorCore
import NetworkTypes

/// What became of a packet of a flow.
struct PacketWalk {
    var servers: [Int] = []
    var anchors: [Int] = []
    var end: End
    /// Packets in the air at once are followed one after the other.
    enum End: Equatable {
        /// The correspondent has it.
        case correspondent
        case node(Int)
        case dropped(String)
    }
}

/// Packets through the tables as they are at one moment, after the rows A1 to A9.
extension Simulation {
    /// From a node's address to its correspondent: all copies.
    func walkUp(_ flow: SimulatedFlow) -> [PacketWalk] {
        guard let binding = nodes[flow.node].bindings[flow.address] else {
            return [PacketWalk(end: .dropped("no binding at the node"))]
        }
        switch binding.path {
        case .direct(let interface): return [walkPlain(flow, interface)]
        case .tunnelled(let tunnel, let interface): return [walkTunnelled(flow, tunnel, interface)]
        case .both(let direct, let tunnel, let interface, let bicast):
            let plain = walkPlain(flow, direct)
            return bicast ? [plain, walkTunnelled(flow, tunnel, interface)] : [plain]
        case .unreachable: return [PacketWalk(end: .dropped("nowhere to go"))]
        }
    }

    /// A1 and A6: `[M>C]`.
    private func walkPlain(_ flow: SimulatedFlow, _ interface: InterfaceID) -> PacketWalk {
        guard let plug = nodes[flow.node].plugs[Int(interface.number)] else {
            return PacketWalk(end: .dropped("no carrier"))
        }
        let mac = nodes[flow.node].mac(Int(interface.number))
        guard isHere(flow.address, plug, mac) else { return PacketWalk(end: .dropped("source not here")) }
        routers[plug.router].seen.insert(flow.address)
        return PacketWalk(servers: [plug.router], anchors: [plug.router], end: .correspondent)
    }

    /// A2 and A3: `[nM>oA][oM>C]`, past the server of the router in between.
    private func walkTunnelled(_ flow: SimulatedFlow, _ tunnel: Tunnel, _ interface: InterfaceID) -> PacketWalk {
        guard let plug = nodes[flow.node].plugs[Int(interface.number)] else {
            return PacketWalk(end: .dropped("no carrier"))
        }
        let mac = nodes[flow.node].mac(Int(interface.number))
        guard isHere(tunnel.local, plug, mac) else { return PacketWalk(end: .dropped("care-of address not here")) }
        guard let anchor = AddressPlan.router(withEndpoint: tunnel.peer) else {
            return PacketWalk(end: .dropped("no such endpoint"))
        }
        guard isConnected(plug.router, anchor) else { return PacketWalk(end: .dropped("partitioned")) }
        routers[plug.router].seen.insert(tunnel.local)
        var servers = scenario.tampering.serversSeeForeignTunnels ? [plug.router] : []
        guard let binding = routers[anchor].table[flow.address] else {
            return PacketWalk(end: .dropped("inner source unknown"))
        }
        let accepted = [binding.location.tunnel?.peer, binding.alsoAcceptedFrom]
        guard accepted.contains(tunnel.local) else {
            return PacketWalk(end: .dropped("inner source not allowed from that peer"))
        }
        if let kind = binding.location.tunnel?.kind, binding.alsoAcceptedFrom != tunnel.local, kind != tunnel.kind {
            return PacketWalk(end: .dropped("tunnel kind mismatch"))
        }
        routers[anchor].seen.insert(flow.address)
        servers.append(anchor)
        return PacketWalk(servers: servers, anchors: [anchor], end: .correspondent)
    }

    /// From the correspondent to an address: all copies.
    func walkDown(_ address: IPAddress) -> [PacketWalk] {
        guard let anchor = AddressPlan.home(of: address), let binding = routers[anchor].table[address] else {
            return [PacketWalk(end: .dropped("no host entry at the anchor"))]
        }
        switch binding.location {
        case .attached(let neighbour): return [walkToLink(address, neighbour, anchor)]
        case .tunnelled(let tunnel): return [walkThroughTunnel(address, tunnel, anchor)]
        case .both(let neighbour, let tunnel, let bicast):
            let plain = walkToLink(address, neighbour, anchor)
            return bicast ? [plain, walkThroughTunnel(address, tunnel, anchor)] : [plain]
        }
    }

    private func walkToLink(_ address: IPAddress, _ neighbour: Neighbour, _ anchor: Int) -> PacketWalk {
        var walk = PacketWalk(servers: [anchor], anchors: [anchor], end: .dropped("nobody at that link address"))
        guard let (node, _) = station(neighbour, anchor) else { return walk }
        walk.end = nodes[node].addresses[address] == nil ? .dropped("not an address of that node") : .node(node)
        return walk
    }

    /// A4 and A5: `[oA>nM][C>oM]`, past the server of the router in between.
    private func walkThroughTunnel(_ address: IPAddress, _ tunnel: Tunnel, _ anchor: Int) -> PacketWalk {
        var walk = PacketWalk(servers: [anchor], anchors: [anchor], end: .dropped("no route to the care-of address"))
        guard let access = AddressPlan.home(of: tunnel.peer) else { return walk }
        guard isConnected(anchor, access) else { return walk }
        if scenario.tampering.serversSeeForeignTunnels { walk.servers.append(access) }
        guard let neighbour = routers[access].table[tunnel.peer]?.location.neighbour,
            let (node, _) = station(neighbour, access)
        else {
            walk.end = .dropped("nobody at the care-of address")
            return walk
        }
        guard nodes[node].addresses[tunnel.peer] != nil,
            let own = nodes[node].machine.anchorTable.first(where: { $0.address == address }),
            AddressPlan.router(withEndpoint: tunnel.local) == AddressPlan.home(of: own.address)
        else {
            walk.end = .dropped("tunnel not expected by that node")
            return walk
        }
        walk.end = .node(node)
        return walk
    }
}
