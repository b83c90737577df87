import AnchorProtocol
import NetworkTypes

/// A router of before that was asked for addresses on a link that came up, before anybody said that it is there, as
/// RFC 4436 has a host test former networks while it asks for a new one: where it is there, a round trip
/// is saved; where not, nobody answers.
struct Guess: Sendable {
    let sighting: Sighting
    let retry: Retry
    /// The addresses in the request.
    let listed: Set<IPAddress>
}

/// A router that a node was attached to.
struct FormerRouter: Sendable {
    let sighting: Sighting
    /// Its addresses on the link.
    let gateways: [IPAddress]
}

extension MobileNode {
    /// Routers remembered, and so at most as many guesses a link.
    static let longestMemory = 4

    mutating func remember(_ router: FormerRouter) {
        formerRouters.removeAll { $0.sighting.router == router.sighting.router }
        formerRouters.insert(router, at: 0)
        if formerRouters.count > Self.longestMemory { formerRouters.removeLast() }
    }

    /// Asks those routers for addresses that leased some to this node before and that it isn't attached to.
    mutating func guess(
        _ index: Int, at now: MonotonicInstant, _ actions: inout [MobileNodeAction]
    ) -> [Guess] {
        guard let mac = uplinks[index].mac else { return [] }
        var guesses: [Guess] = []
        var gateways: [IPAddress] = []
        for former in formerRouters where uplinks[index].wanted.map({ $0 == former.sighting.router }) ?? true {
            let sighting = former.sighting
            let isInUse = uplinks.contains { $0.attachment?.sighting.router == sighting.router }
            let previous = previousAddresses(index, sighting.router)
            guard !isInUse, !previous.isEmpty else { continue }
            // It may be on no link here at all: asked by its own address it would hold up the queue of its neighbour entry.
            let route = DatagramRoute.allRouters(on: uplinks[index].interface, sighting.source.family)
            let (reference, listed) = sendAttachRequest(index, sighting.router, mac, previous, route, &actions)
            var retry = Retry(startingAt: now)
            retry.sent(reference, nextAt: now + retransmission(after: 0, atMost: configuration.longestRetransmission))
            guesses.append(Guess(sighting: sighting, retry: retry, listed: listed))
            gateways += former.gateways
        }
        if !gateways.isEmpty { actions.append(.resolve(gateways, uplinks[index].interface)) }
        return guesses
    }

    /// The guess that this answer proves right becomes the router that is being attached to.
    mutating func confirmGuess(_ index: Int, _ reference: MessageReference, of router: UInt64) {
        guard case .soliciting(_, let guesses) = uplinks[index].state,
            let guess = guesses.first(where: { $0.sighting.router == router && $0.retry.isAnswered(by: reference) })
        else { return }
        uplinks[index].state = .attaching(guess.sighting, guess.retry, listed: guess.listed)
    }
}
