import AnchorDataPlane
import NetworkTypes

/// Which servers each chain has and what comes after each of them (row S1) [0041] [0044b]. Pure: it says which
/// next hops to use, and the caller makes paths of them.
struct ServerPlan {
    /// A server as it is now.
    struct Server: Equatable {
        var name: String
        var legs: Legs
        var whenDown: ServerSettings.WhenDown
        var areLegsUp: Bool
        /// An operator took it out of service.
        var isMarkedDown: Bool

        /// Packets may pass it.
        var isUp: Bool { areLegsUp && !isMarkedDown }
    }

    enum Legs: Equatable {
        /// Ports towards its node's and its core's side, and their MAC addresses.
        case two(inside: PortIndex, MACAddress, outside: PortIndex, MACAddress)
        case one(PortIndex, NextHop)

        /// To its node's side: what goes up enters here.
        var up: NextHop {
            switch self {
            // As if this leg of ours spoke to the other one: a bridge in between learns both.
            case .two(let inside, _, _, let outsideMAC): .station(outsideMAC, port: inside)
            case .one(_, let hop): hop
            }
        }

        /// To its core's side: what goes down enters here.
        var down: NextHop {
            switch self {
            case .two(_, let insideMAC, let outside, _): .station(insideMAC, port: outside)
            case .one(_, let hop): hop
            }
        }

        /// The port that what went up comes out of, and the one that what went down comes out of.
        var exits: (up: PortIndex, down: PortIndex) {
            switch self {
            case .two(let inside, _, let outside, _): (outside, inside)
            case .one(let port, _): (port, port)
            }
        }
    }

    enum Chain: Equatable {
        case through(up: NextHop, down: NextHop)
        case bypass
        case refuse
    }

    private(set) var chains: [Chain] = []
    /// Where what comes out of a port goes on; nothing: it has passed its last server.
    private(set) var nextUp: [PortIndex: NextHop] = [:]
    private(set) var nextDown: [PortIndex: NextHop] = [:]

    /// - Parameters:
    ///   - chains: names of servers, from the node outwards.
    ///   - servers: all of them.
    init(chains: [[String]], servers: [Server]) {
        let byName = Dictionary(servers.map { ($0.name, $0) }) { first, _ in first }
        for names in chains {
            let all = names.compactMap { byName[$0] }
            guard !all.contains(where: { !$0.isUp && $0.whenDown == .refuse }) else {
                self.chains.append(.refuse)
                continue
            }
            let running = all.filter(\.isUp)
            guard let first = running.first, let last = running.last else {
                self.chains.append(.bypass)
                continue
            }
            self.chains.append(.through(up: first.legs.up, down: last.legs.down))
            for (server, next) in zip(running, running.dropFirst()) {
                nextUp[server.legs.exits.up] = next.legs.up
                nextDown[next.legs.exits.down] = server.legs.down
            }
        }
    }
}
