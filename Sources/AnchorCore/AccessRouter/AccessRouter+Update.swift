import AnchorProtocol
import NetworkTypes

extension AccessRouter {
    /// A node says where one of its addresses is now [0045] [0049].
    mutating func update(
        _ update: LocationUpdate, _ reply: Reply, _ datagram: Datagram, at now: MonotonicInstant,
        _ actions: inout [AccessRouterAction]
    ) {
        guard let slot = ownHost(update.address, reply, datagram, &actions) else { return }
        guard let slot else {
            refuse(reply, .unknownAddress, .unknownAddress, datagram.source, &actions)
            return
        }
        let location: StoredLocation
        switch resolve(update.location, reply, datagram, slot) {
        case .success(let resolved): location = resolved
        case .failure(let refusal):
            refuse(reply, refusal.code, refusal.cause, datagram.source, &actions)
            return
        }
        let change = HostChange(slot: slot, location: location, lifetime: granted(update.lifetime))
        let number = nextRecord
        accept(change, order: reply.message, &actions)
        operations.append(PendingOperation(numbers: number...number, step: .update(change, reply)))
    }

    /// A node needs an address no more [0050].
    mutating func release(
        _ release: Release, _ reply: Reply, _ datagram: Datagram, _ actions: inout [AccessRouterAction]
    ) {
        guard let slot = ownHost(release.address, reply, datagram, &actions) else { return }
        guard let slot else {
            // Released before and the answer lost: it is what the node wants.
            answer(reply, .releaseAck(ReleaseAck(inReplyTo: reply.message, address: release.address)), &actions)
            return
        }
        hosts[slot].order = reply.message
        remove(slot, order: reply.message, &actions) { .release(slot: slot, reply) }
    }

    /// The host of an address if the message may speak for it; `.some(nil)` where there is no such lease, `nil` where
    /// the message was refused (T5, T14).
    private mutating func ownHost(
        _ address: IPAddress, _ reply: Reply, _ datagram: Datagram, _ actions: inout [AccessRouterAction]
    ) -> UInt32?? {
        guard let slot = hosts.slot(of: address) else { return .some(nil) }
        guard hosts[slot].node == reply.node else {
            refuse(reply, .notOwner, .notOwner, datagram.source, &actions)
            return nil
        }
        guard reply.message > hosts[slot].order else {
            refuse(reply, .outdated, .outdated, datagram.source, &actions)
            return nil
        }
        return hosts[slot].isLeaving ? .some(nil) : slot
    }

    private struct Refusal: Error {
        let code: ErrorCode
        let cause: RefusalCause
    }

    /// What the message says, checked: the care-of address is its source, so nobody can send traffic to an address
    /// where he is not (T7), and a link address is one on the access link that the message came by.
    private func resolve(
        _ location: NodeLocation, _ reply: Reply, _ datagram: Datagram, _ slot: UInt32
    ) -> Result<StoredLocation, Refusal> {
        switch location {
        case .attached(let mac):
            guard let interface = datagram.interface, linkIndex[interface.number] != nil else {
                return .failure(Refusal(code: .notOnLink, cause: .noLink))
            }
            return .success(StoredLocation(.attached(Neighbour(mac: mac, interface: interface))))
        case .away(let careOf, let parameters):
            return tunnel(careOf, parameters, reply, datagram).map { StoredLocation(.tunnelled($0)) }
        case .both(let mac, let careOf, let parameters):
            // It comes through the new attachment; where the old one is, is known here.
            let neighbour = latestLocation(of: slot).neighbour
            return tunnel(careOf, parameters, reply, datagram).map { tunnel in
                guard let neighbour, neighbour.mac == mac else { return StoredLocation(.tunnelled(tunnel)) }
                return StoredLocation(.both(neighbour, tunnel, bicast: configuration.bicast))
            }
        }
    }

    private func tunnel(
        _ careOf: IPAddress, _ parameters: TunnelParameters, _ reply: Reply, _ datagram: Datagram
    ) -> Result<Tunnel, Refusal> {
        guard careOf == datagram.source, !careOf.isLinkLocal, !careOf.isLoopback,
            !configuration.endpoints.contains(careOf), !pools.contains(where: { $0.holds(careOf) })
        else { return .failure(Refusal(code: .careOfMismatch, cause: .careOfMismatch)) }
        let unsupported = Refusal(code: .unsupportedTunnel, cause: .unsupported)
        guard let endpoint = endpoint(careOf.family) else { return .failure(unsupported) }
        let kind: TunnelKind
        switch parameters {
        case .ipInIP: kind = .ipInIP
        case .gre(let key, let sequenced):
            guard key == nodes[Int(reply.node)].greKey else { return .failure(unsupported) }
            kind = .gre(key: key, sequenced: sequenced)
        }
        return .success(Tunnel(local: endpoint, peer: careOf, kind: kind))
    }

    /// The anchor's step of a handover: one overwrite, then the acknowledgement.
    mutating func completeUpdate(
        _ change: HostChange, _ reply: Reply, at now: MonotonicInstant, _ actions: inout [AccessRouterAction]
    ) {
        let before = hosts[change.slot].location
        guard apply(change, at: now, &actions), let location = location(of: change.slot) else { return }
        let host = hosts[change.slot]
        if host.location != before {
            let node = nodes[Int(host.node)].account.id
            actions.append(.report(.moved(node: node, address: host.address, location)))
        }
        let body = LocationAck(
            inReplyTo: reply.message, address: host.address, tunnel: location.tunnel.map(\.kind.parameters),
            lifetime: UInt32(max(1, change.lifetime.wholeSeconds)))
        answer(reply, .locationAck(body), &actions)
    }

    mutating func completeRelease(
        _ slot: UInt32, _ reply: Reply, at now: MonotonicInstant, _ actions: inout [AccessRouterAction]
    ) {
        let address = hosts[slot].address
        let node = nodes[Int(hosts[slot].node)].account.id
        actions.append(.remove(address))
        actions.append(.report(.released(node: node, address: address)))
        answer(reply, .releaseAck(ReleaseAck(inReplyTo: reply.message, address: address)), &actions)
        vacate(slot, at: now)
    }
}

extension TunnelKind {
    /// As messages say it.
    var parameters: TunnelParameters {
        switch self {
        case .ipInIP: .ipInIP
        case .gre(let key, let sequenced): .gre(key: key, sequenced: sequenced)
        }
    }
}
