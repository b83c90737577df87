import AnchorProtocol
import NetworkTypes

extension MobileNode {
    /// Sends what is due to the anchor of an address.
    mutating func exchange(_ index: Int, at now: MonotonicInstant, _ actions: inout [MobileNodeAction]) {
        guard canReachAnchor(of: leases[index]) else { return }
        if leases[index].exchange == nil, leases[index].refreshAt <= now, let place = leases[index].confirmed {
            leases[index].exchange = Lease.Exchange(purpose: .update(place), retry: Retry(startingAt: now))
        }
        guard var exchange = leases[index].exchange, exchange.retry.nextAt <= now else { return }
        let reference: MessageReference?
        switch exchange.purpose {
        case .update(let place): reference = sendUpdate(index, place, &actions)
        case .release: reference = sendRelease(index, &actions)
        }
        guard let reference else { return }
        let wait = retransmission(after: exchange.retry.attempts, atMost: configuration.longestRetransmission)
        exchange.retry.sent(reference, nextAt: now + wait)
        leases[index].exchange = exchange
        if exchange.retry.attempts == 6, !leases[index].unreachableWasReported {
            leases[index].unreachableWasReported = true
            actions.append(.report(.anchorUnreachable(address: leases[index].address)))
        }
    }

    func canReachAnchor(of lease: Lease) -> Bool {
        switch lease.exchange?.purpose {
        case .update(let place): source(for: place, lease) != nil
        case .release, nil: anySource(for: lease) != nil
        }
    }

    private mutating func sendUpdate(
        _ index: Int, _ place: Lease.Place, _ actions: inout [MobileNodeAction]
    ) -> MessageReference? {
        let lease = leases[index]
        guard let source = source(for: place, lease), let endpoint = lease.endpoint(source.family),
            let location = nodeLocation(place, lease)
        else { return nil }
        let body = LocationUpdate(address: lease.address, location: location, lifetime: 0)
        let header = nextHeader(to: lease.router, spi: configuration.spi)
        send(header, .locationUpdate(body), to: endpoint, from: source, &actions)
        leases[index].newestSent = header.reference
        // Until the answer comes the anchor may hold the one or the other.
        if leases[index].confirmed != place { leases[index].confirmed = nil }
        return header.reference
    }

    @discardableResult
    mutating func sendRelease(_ index: Int, _ actions: inout [MobileNodeAction]) -> MessageReference? {
        let lease = leases[index]
        guard let source = anySource(for: lease), let endpoint = lease.endpoint(source.family) else { return nil }
        let header = nextHeader(to: lease.router, spi: configuration.spi)
        send(header, .release(Release(address: lease.address)), to: endpoint, from: source, &actions)
        leases[index].newestSent = header.reference
        leases[index].confirmed = nil
        return header.reference
    }

    private func send(
        _ header: MessageHeader, _ body: MessageBody, to endpoint: IPAddress, from source: IPAddress,
        _ actions: inout [MobileNodeAction]
    ) {
        let bytes = AnchorMessage(header, body).encoded(with: association)
        actions.append(
            .send(OutgoingDatagram(bytes, .unicast(to: endpoint, port: AnchorMessage.port, from: source))))
    }

    private func nodeLocation(_ place: Lease.Place, _ lease: Lease) -> NodeLocation? {
        let tunnel: TunnelParameters =
            switch configuration.tunnel {
            case .ipInIP: .ipInIP
            case .gre(let sequenced): .gre(key: lease.greKey, sequenced: sequenced)
            }
        switch place {
        case .attached(let interface): return mac(interface).map { .attached($0) }
        case .away(let careOf, _): return .away(careOf: careOf, tunnel)
        case .both(let direct, let careOf, _): return mac(direct).map { .both($0, careOf: careOf, tunnel) }
        }
    }

    private func mac(_ interface: InterfaceID) -> MACAddress? { uplinkIndex(interface).flatMap { uplinks[$0].mac } }

    /// An update comes from the care-of address in it; one about a return from the link itself.
    private func source(for place: Lease.Place, _ lease: Lease) -> IPAddress? {
        switch place {
        case .attached(let interface): source(on: interface, for: lease)
        case .away(let careOf, let interface), .both(_, let careOf, let interface):
            isAttached(interface, with: careOf) ? careOf : nil
        }
    }

    private func isAttached(_ interface: InterfaceID, with address: IPAddress) -> Bool {
        uplinkIndex(interface).flatMap { uplinks[$0].attachment }?.addresses.contains(address) ?? false
    }

    private func source(on interface: InterfaceID, for lease: Lease) -> IPAddress? {
        uplinkIndex(interface).flatMap { uplinks[$0].attachment }?.addresses.first { lease.endpoint($0.family) != nil }
    }

    /// Of the newest attachment that has an address: on a second one to the same router there may be none.
    private func anySource(for lease: Lease) -> IPAddress? {
        uplinks.filter { $0.attachment != nil }.sorted { $0.attachment!.rank > $1.attachment!.rank }.lazy
            .compactMap { self.source(on: $0.interface, for: lease) }.first
    }
}
