import AnchorProtocol
import NetworkTypes

extension AccessRouter {
    var capabilities: RouterCapabilities {
        var result: RouterCapabilities = [.ipInIP, .gre, .greSequence, .bothInUse]
        let families = Set(configuration.links.flatMap(\.pools).map(\.family))
        if families.contains(.v4) { result.insert(.v4) }
        if families.contains(.v6) { result.insert(.v6) }
        return result
    }

    /// Here I am, to the one who asked. The answer is smaller than the question (T7).
    mutating func answerSolicitation(
        _ header: MessageHeader, _ datagram: Datagram, _ actions: inout [AccessRouterAction]
    ) {
        guard let interface = datagram.interface, let link = linkIndex[interface.number] else {
            actions.append(.report(.refused(node: nil, source: datagram.source, .noLink)))
            return
        }
        let body = advertisement(of: link, inReplyTo: header.reference)
        let message = AnchorMessage(nextHeader(to: header.sender, spi: 0), .advertise(body))
        guard let bytes = message.encoded(with: nil, noLongerThan: datagram.bytes.count) else { return }
        actions.append(.send(OutgoingDatagram(bytes, answerRoute(datagram))))
    }

    /// To everybody on a link, in each family that the router has a gateway of there, from time to time.
    mutating func advertise(on link: Int, at now: MonotonicInstant, _ actions: inout [AccessRouterAction]) {
        nextAdvertisement[link] = now + random.jittered(configuration.advertisementInterval)
        let body = advertisement(of: link, inReplyTo: nil)
        let bytes = AnchorMessage(nextHeader(to: 0, spi: 0), .advertise(body)).encoded(with: nil)
        let configured = configuration.links[link]
        for family in AddressFamily.allCases where configured.gateways.contains(where: { $0.family == family }) {
            actions.append(.send(OutgoingDatagram(bytes, .allNodes(on: configured.interface, family))))
        }
    }

    private func advertisement(of link: Int, inReplyTo solicitation: MessageReference?) -> Advertise {
        let interval = configuration.advertisementInterval
        return Advertise(
            inReplyTo: solicitation, lifetime: UInt32(max(1, (interval * 3 + .seconds(1)).wholeSeconds)),
            interval: UInt32(interval.nanoseconds / 1_000_000), capabilities: capabilities,
            endpoints: advertisedEndpoints,
            prefixes: Array(configuration.links[link].pools.prefix(Advertise.largestPrefixCount)))
    }

    mutating func setLink(
        _ interface: InterfaceID, isUp: Bool, at now: MonotonicInstant, _ actions: inout [AccessRouterAction]
    ) {
        guard let link = linkIndex[interface.number] else { return }
        let wasUp = linkIsUp[link]
        linkIsUp[link] = isUp
        if !isUp {
            nextAdvertisement[link] = nil
        } else if !wasUp || nextAdvertisement[link] == nil {
            advertise(on: link, at: now, &actions)
        }
    }
}
