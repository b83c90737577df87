import AnchorProtocol
import NetworkTypes

/// An interface of a mobile node that may attach to an access router.
struct Uplink: Sendable {
    let interface: InterfaceID
    /// `nil` without a carrier.
    var mac: MACAddress?
    /// The only router to attach to, if its user said so.
    var wanted: UInt64?
    var state = State.down

    enum State: Sendable {
        /// No carrier, or told to stay away.
        case down
        /// Looks for a router, and may have asked some already.
        case soliciting(Retry, guesses: [Guess] = [])
        /// Asked one for addresses.
        case attaching(Sighting, Retry, listed: Set<IPAddress>)
        case attached(Attachment)
        /// Refused; looks again later.
        case refused(until: MonotonicInstant)
    }

    var attachment: Attachment? {
        guard case .attached(let attachment) = state else { return nil }
        return attachment
    }

    /// Addresses about which an attach request is on its way to that router.
    func isAsking(about address: IPAddress) -> Bool {
        switch state {
        case .attaching(_, _, let listed): listed.contains(address)
        case .attached(let attachment): attachment.refresh != nil && attachment.listed.contains(address)
        case .soliciting(_, let guesses): guesses.contains { $0.listed.contains(address) }
        case .down, .refused: false
        }
    }
}

/// A router that was heard.
struct Sighting: Hashable, Sendable {
    let router: UInt64
    /// Of its start.
    var epoch: UInt32
    /// Where its advertisement came from, and thus the family to talk in.
    var source: IPAddress
    /// After so long without a word it is gone.
    var lifetime: TimeSpan
    /// The pools of the link: another link of the same router has others.
    var prefixes: [IPPrefix]
}

/// What an attach reply gave.
struct Attachment: Sendable {
    var sighting: Sighting
    /// The later, the newer.
    let rank: Int
    var addresses: [IPAddress]
    var gateways: [AddressFamily: IPAddress]
    var mtu: UInt16
    var lastHeard: MonotonicInstant
    var refreshAt: MonotonicInstant
    /// A refresh that is on its way, and the addresses in it.
    var refresh: Retry?
    var listed: Set<IPAddress> = []
    /// Whether the router is still there is being found out; perhaps another one is.
    var probe: Retry?
    var candidate: Sighting?
}
