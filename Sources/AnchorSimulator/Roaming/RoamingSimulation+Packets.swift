import AnchorCore
import NetworkTypes

/// The data plane: what becomes of each packet, by the tables as they are where it is at the time [0079] [0080] [0083].
extension RoamingSimulation {
    private static let mostHops = 12

    /// From the host, on an access link.
    func fromHost(_ packet: RoamingPacket, at router: Int) {
        guard let host = host(packet.host) else { return }
        let neighbour = hosts[host].neighbour(router)
        switch routers[router].table[packet.host]?.place {
        case .here(neighbour, isClaimed: false): uplink(packet, at: router)
        case .here(neighbour, isClaimed: true): hold(packet, at: router)
        case .here, .away, nil:
            hold(packet, at: router)
            drive(router, .attached(packet.host, neighbour))
        }
    }

    private func hold(_ packet: RoamingPacket, at router: Int) {
        guard routers[router].machine != nil else { return drop(packet, "no daemon") }
        routers[router].held[packet.host, default: []].append(packet)
    }

    private func uplink(_ packet: RoamingPacket, at router: Int) {
        let state = routers[router]
        if let anchor = state.away[packet.host]?[packet.flow] {
            tunnel(packet, from: router, to: anchor, isKnown: true)
        } else if state.up[packet.host]?.contains(packet.flow) == true {
            leave(packet, at: router)
        } else if packet.isFirst && flows[packet.flow].isTCP {
            begin(packet, at: router)
        } else if let previous = state.table[packet.host]?.previous {
            tunnel(packet, from: router, to: previous)
        } else {
            begin(packet, at: router)
        }
    }

    func tunnel(_ packet: RoamingPacket, from: Int, to name: String, isKnown: Bool = false) {
        guard let to = index(name) else { return drop(packet, "no such router") }
        guard to != from else { return violate("\(name) sends a packet to itself") }
        guard !partitions.contains(pair(from, to)) else { return drop(packet, "partitioned") }
        var packet = packet
        packet.path.append(from)
        packet.isKnown = isKnown
        guard packet.path.count <= Self.mostHops else {
            // The tables of routers that can't be told may send each other what neither knows, until its TTL ends.
            guard isDisturbed(packet.host, at: from) else {
                return violate("a packet of flow \(packet.flow) goes round and round: \(packet.path)")
            }
            return drop(packet, "TTL")
        }
        queue.plan(
            .packet(packet, from: from, to: to), at: now + delay(pair(from, to)))
    }

    /// Out of a tunnel.
    func tunnelled(_ packet: RoamingPacket, from: Int, at router: Int) {
        let peer = routers[from].name
        guard let entry = routers[router].table[packet.host] else {
            checkTaken(packet, from: peer, at: router)
            return drop(packet, "no host")
        }
        switch (entry.place, packet.direction) {
        case (.here(let neighbour, _), .down):
            guard entry.anchors.contains(peer) else {
                checkTaken(packet, from: peer, at: router)
                return drop(packet, "not an anchor")
            }
            deliver(packet, neighbour, at: router)
        case (.here(_, let isClaimed), .up):
            guard entry.anchors.contains(peer), !isClaimed else { return drop(packet, "not an anchor") }
            // Came back: nobody knows it.
            statistics.returned += 1
            if routers[router].up[packet.host]?.contains(packet.flow) == true {
                leave(packet, at: router)
            } else if let anchor = routers[router].away[packet.host]?[packet.flow], anchor != peer {
                tunnel(packet, from: router, to: anchor, isKnown: true)
            } else {
                begin(packet, at: router)
            }
        case (.away(let at), .down):
            guard entry.alsoAcceptedFrom.contains(peer) else { return drop(packet, "not here") }
            statistics.passedOn += 1
            tunnel(packet, from: router, to: at)
        case (.away(let at), .up):
            guard at == peer || entry.alsoAcceptedFrom.contains(peer) else {
                checkTaken(packet, from: peer, at: router)
                return drop(packet, "not from its place")
            }
            if routers[router].up[packet.host]?.contains(packet.flow) == true {
                leave(packet, at: router)
            } else if !entry.isAsked {
                begin(packet, at: router)
            } else if let anchor = routers[router].away[packet.host]?[packet.flow], anchor != peer {
                statistics.passedOn += 1
                tunnel(packet, from: router, to: anchor, isKnown: true)
            } else if let previous = entry.previous {
                statistics.passedOn += 1
                tunnel(packet, from: router, to: previous)
            } else {
                tunnel(packet, from: router, to: at)
            }
        }
    }

    /// From the correspondent.
    func fromCorrespondent(_ packet: RoamingPacket, at router: Int) {
        guard routers[router].up[packet.host]?.contains(packet.flow) == true else { return drop(packet, "no flow") }
        switch routers[router].table[packet.host]?.place {
        case .here(let neighbour, _): deliver(packet, neighbour, at: router)
        case .away(let at): tunnel(packet, from: router, to: at)
        case nil: drop(packet, "no host")
        }
    }

    private func deliver(_ packet: RoamingPacket, _ neighbour: Neighbour, at router: Int) {
        guard let host = host(packet.host), hosts[host].place == router, neighbour == hosts[host].neighbour(router)
        else {
            return drop(packet, "the host is not there")
        }
        statistics.delivered += 1
    }

    private func begin(_ packet: RoamingPacket, at router: Int) {
        guard packet.isFirst || !flows[packet.flow].isTCP else { return drop(packet, "not open") }
        checkBeginning(packet, at: router)
        routers[router].up[packet.host, default: []].insert(packet.flow)
        leave(packet, at: router)
    }

    /// To the core, and its answer comes.
    private func leave(_ packet: RoamingPacket, at router: Int) {
        let flow = flows[packet.flow]
        let name = routers[router].name
        if flow.anchor == nil {
            flows[packet.flow].anchor = name
            flows[packet.flow].anchored = now
            note("flow \(packet.flow) begins at \(name)")
        } else if flow.anchor != name, !isExcused(packet.flow, at: router) {
            violate("a packet of flow \(packet.flow), which began at \(flow.anchor!), leaves through \(name)")
        }
        statistics.delivered += 1
        guard chance.isHit(perMille: 600) else { return }
        var answer = packet
        answer.direction = .down
        answer.path = []
        answer.isKnown = false
        fromCorrespondent(answer, at: router)
    }

    func drop(_ packet: RoamingPacket, _ reason: String) {
        statistics.dropped += 1
        note("a packet of flow \(packet.flow) is dropped: \(reason)")
    }
}
