import AnchorProtocol
import NetworkTypes

extension MobileNode {
    mutating func beginAttaching(_ index: Int, to sighting: Sighting, at now: MonotonicInstant) {
        uplinks[index].state = .attaching(sighting, Retry(startingAt: now), listed: [])
    }

    mutating func refreshNow(_ index: Int, at now: MonotonicInstant) {
        changeAttachment(index) { attachment in
            attachment.refresh = Retry(startingAt: now)
            attachment.listed = []
        }
    }

    /// Asks for addresses, the first time or again. It names those that this router leased to it, except where another
    /// interface uses them: they stay there.
    mutating func requestAttachment(
        _ index: Int, _ sighting: Sighting, _ retry: Retry, at now: MonotonicInstant,
        _ actions: inout [MobileNodeAction]
    ) {
        guard let mac = uplinks[index].mac else { return }
        let interface = uplinks[index].interface
        let route: DatagramRoute =
            sighting.source.isV4
            ? .allRouters(on: interface, .v4)
            : .neighbour(sighting.source, port: AnchorMessage.port, on: interface)
        let previous = previousAddresses(index, sighting.router)
        let (reference, listed) = sendAttachRequest(index, sighting.router, mac, previous, route, &actions)
        var retry = retry
        let wait = retransmission(after: retry.attempts, atMost: configuration.longestRetransmission)
        retry.sent(reference, nextAt: now + wait)
        if case .attached(var attachment) = uplinks[index].state {
            attachment.refresh = retry
            attachment.listed = listed
            uplinks[index].state = .attached(attachment)
        } else {
            uplinks[index].state = .attaching(sighting, retry, listed: listed)
        }
    }

    /// Those that are leased from the router, then those that once were.
    func previousAddresses(_ index: Int, _ router: UInt64) -> [IPAddress] {
        let former = (formerAddresses[router] ?? []).filter { address in
            !leases.contains { $0.address == address }
        }
        return Array((addressesToName(index, router) + former).prefix(AttachRequest.largestPreviousCount))
    }

    /// - Returns: the number of the message, and which of the addresses are leased now.
    mutating func sendAttachRequest(
        _ index: Int, _ router: UInt64, _ mac: MACAddress, _ previous: [IPAddress], _ route: DatagramRoute,
        _ actions: inout [MobileNodeAction]
    ) -> (MessageReference, listed: Set<IPAddress>) {
        let header = nextHeader(to: router, spi: configuration.spi)
        let body = AttachRequest(
            linkAddress: mac, families: configuration.families, lifetime: 0, previousAddresses: previous)
        let bytes = AnchorMessage(header, .attachRequest(body)).encoded(with: association)
        actions.append(.send(OutgoingDatagram(bytes, route)))
        var listed: Set<IPAddress> = []
        for lease in leases.indices where leases[lease].router == router && previous.contains(leases[lease].address) {
            listed.insert(leases[lease].address)
            leases[lease].newestSent = header.reference
            // From now on its anchor may hold that it is here alone.
            if leases[lease].confirmed != .attached(uplinks[index].interface) { leases[lease].confirmed = nil }
        }
        return (header.reference, listed)
    }

    /// At most as many as a request holds, those with flows first.
    func addressesToName(_ index: Int, _ router: UInt64) -> [IPAddress] {
        let named = leases.filter { lease in
            guard lease.router == router, !lease.isReleasing else { return false }
            return !uplinks.indices.contains { other in
                guard other != index else { return false }
                return uplinks[other].attachment?.addresses.contains(lease.address) == true
                    || uplinks[other].isAsking(about: lease.address)
            }
        }
        let used = named.filter { $0.flows > 0 } + named.filter { $0.flows == 0 }
        return used.prefix(AttachRequest.largestPreviousCount).map(\.address)
    }

    mutating func attached(
        _ reply: AttachReply, by router: UInt64, epoch: UInt32, _ datagram: Datagram, at now: MonotonicInstant,
        _ actions: inout [MobileNodeAction]
    ) {
        guard let index = uplinks.firstIndex(where: { $0.isWaiting(for: reply.inReplyTo, of: router) }) else { return }
        confirmGuess(index, reply.inReplyTo, of: router)
        let isRefresh = uplinks[index].attachment != nil
        let listed: Set<IPAddress>
        var sighting: Sighting
        let retry: Retry?
        switch uplinks[index].state {
        case .attaching(let seen, let asking, let asked): (sighting, retry, listed) = (seen, asking, asked)
        case .attached(let attachment):
            (sighting, retry, listed) = (attachment.sighting, attachment.refresh, attachment.listed)
        case .down, .soliciting, .refused: return
        }
        // What was said of an address after all copies of the question counts, not this answer.
        let overtaken = leases.filter { lease in
            lease.newestSent > reply.inReplyTo && retry?.isAnswered(by: lease.newestSent) != true
        }.map(\.address)
        let given = reply.leases.filter { !overtaken.contains($0.address) }
        for other in uplinks.indices where other != index {
            changeAttachment(other) { attachment in
                attachment.addresses.removeAll { address in given.contains { $0.address == address } }
            }
        }
        sighting.epoch = epoch
        if !isRefresh { attachments += 1 }
        let lifetime = reply.leases.map { Int($0.lifetime) }.min() ?? 60
        var gateways: [AddressFamily: IPAddress] = [:]
        for lease in reply.leases { gateways[lease.address.family] = lease.gateway }
        remember(FormerRouter(sighting: sighting, gateways: gateways.values.sorted()))
        uplinks[index].state = .attached(
            Attachment(
                sighting: sighting,
                rank: isRefresh ? uplinks[index].attachment!.rank : attachments,
                addresses: given.map(\.address), gateways: gateways, mtu: reply.mtu, lastHeard: now,
                refreshAt: now + random.jittered(.seconds(lifetime) / 2)))
        for lost in listed.subtracting(reply.leases.map(\.address)).sorted() {
            lose(lost, code: ErrorCode.unknownAddress.rawValue, "the router did not give it back", &actions)
        }
        for granted in given { take(granted, reply, router, index, isRefresh, at: now, &actions) }
        if !isRefresh {
            routes = routes.filter { $0.value.interface != uplinks[index].interface }
            actions.append(
                .report(
                    .attached(
                        uplinks[index].interface, router: router, addresses: reply.leases.map(\.address))))
        }
    }

    /// A leased address: new, or one that it had.
    private mutating func take(
        _ granted: AddressLease, _ reply: AttachReply, _ router: UInt64, _ index: Int, _ isRefresh: Bool,
        at now: MonotonicInstant, _ actions: inout [MobileNodeAction]
    ) {
        let interface = uplinks[index].interface
        if let other = leases.first(where: { $0.address == granted.address && $0.router != router }) {
            lose(other.address, code: 0, "router \(router) leases the same address", &actions)
        }
        let known = leases.firstIndex { $0.address == granted.address }
        var lease =
            known.map { leases[$0] }
            ?? Lease(address: granted.address, router: router, endpoints: [], greKey: 0, interface: interface)
        let before = lease
        lease.endpoints = reply.endpoints
        lease.greKey = reply.greKey
        lease.lifetime = .seconds(Int(granted.lifetime))
        lease.expires = now + lease.lifetime
        lease.refreshAt = MonotonicInstant(nanoseconds: .max)  // the attachment's refresh serves it
        lease.idleSince = nil
        lease.confirmed = .attached(interface)
        lease.exchange = nil
        if known == nil || lease.interface != interface {
            let old = lease.interface
            lease.interface = interface
            actions.append(.addAddress(ownAddress(lease)))
            if known != nil, old != interface { actions.append(.removeAddress(lease.address, old)) }
        }
        if known == nil || lease.endpoints != before.endpoints || lease.greKey != before.greKey
            || lease.interface != before.interface
        {
            actions.append(.remember(lease.record))
        }
        if let known { leases[known] = lease } else { leases.append(lease) }
    }

    func ownAddress(_ lease: Lease) -> OwnAddress {
        OwnAddress(address: lease.address, interface: lease.interface, preferred: lease.preferred)
    }

    /// An address is of no use any more: its flows are lost.
    mutating func lose(_ address: IPAddress, code: UInt16, _ text: String, _ actions: inout [MobileNodeAction]) {
        guard drop(address, &actions) else { return }
        actions.append(.report(.anchorLost(address: address, code: code, text: text)))
    }

    /// Takes an address out everywhere.
    mutating func drop(_ address: IPAddress, _ actions: inout [MobileNodeAction]) -> Bool {
        guard let index = leases.firstIndex(where: { $0.address == address }) else { return false }
        let lease = leases.remove(at: index)
        for uplink in uplinks.indices {
            changeAttachment(uplink) { attachment in
                guard attachment.addresses.contains(address) else { return }
                attachment.addresses.removeAll { $0 == address }
                // The link still wants an address.
                if attachment.refresh == nil { attachment.refresh = Retry(startingAt: .zero) }
            }
        }
        for (family, route) in routes where route.source == address { routes[family] = nil }
        var former = (formerAddresses[lease.router] ?? []).filter { $0 != address }
        former.append(address)
        formerAddresses[lease.router] = former.suffix(4)
        actions.append(.remove(address))
        actions.append(.removeAddress(address, lease.interface))
        actions.append(.forget(address))
        return true
    }
}

extension Lease {
    var record: MobileNodeRecord {
        MobileNodeRecord(address: address, router: router, endpoints: endpoints, greKey: greKey, interface: interface)
    }
}

extension Uplink {
    func isWaiting(for reference: MessageReference, of router: UInt64) -> Bool {
        switch state {
        case .attaching(let sighting, let retry, _):
            sighting.router == router && retry.isAnswered(by: reference)
        case .attached(let attachment):
            attachment.sighting.router == router && attachment.refresh?.isAnswered(by: reference) == true
        case .soliciting(_, let guesses):
            guesses.contains { $0.sighting.router == router && $0.retry.isAnswered(by: reference) }
        case .down, .refused: false
        }
    }
}
