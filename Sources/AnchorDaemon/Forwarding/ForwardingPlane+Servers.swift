import AnchorDataPlane

extension ForwardingPlane {
    /// Takes servers out of service as if their links were lost, and puts all others back.
    /// - Parameter names: those of all servers that are out of service by an operator's mark.
    func setMarkedDown(_ names: Set<String>) throws {
        markedDown = names
        try describePorts()
    }

    /// The servers as they are now: packets pass one while all of its legs are up and no mark is against it.
    var servers: [ServerPlan.Server] {
        settings.servers.compactMap { server in
            let legs: ServerPlan.Legs
            let ports: [RouterPort]
            switch server.legs {
            case .none: return nil
            case .two(let insideName, let outsideName):
                guard let inside = self.ports[insideName], let outside = self.ports[outsideName] else { return nil }
                legs = .two(
                    inside: inside.index, inside.link?.mac ?? .zero, outside: outside.index, outside.link?.mac ?? .zero)
                ports = [inside, outside]
            case .one(let name, let way):
                guard let port = self.ports[name] else { return nil }
                ports = [port]
                switch way {
                case .station(let mac): legs = .one(port.index, .station(mac, port: port.index))
                // Both families' addresses are of one station: either finds it.
                case .nextHop(let hops): legs = .one(port.index, .neighbour(hops[0], port: port.index))
                }
            }
            return ServerPlan.Server(
                name: server.name, legs: legs, whenDown: server.whenDown, areLegsUp: ports.allSatisfy(\.isUp),
                isMarkedDown: markedDown.contains(server.name))
        }
    }
}
