import AnchorCore
import Netlink
import NetworkTypes

/// The mobile node's uplinks: by the number that the state machine knows, by name, and by the kernel's index while
/// the interface exists. Turns the kernel's news about links and neighbours into the state machine's events [0045b].
///
/// Knows what it is told only, so that it can be tried without a kernel.
struct UplinkTable {
    /// What is known of one uplink.
    struct Uplink: Hashable, Sendable {
        let id: InterfaceID
        let name: String
        /// `nil` while the interface does not exist.
        var link: Link?
        /// The routers in use, by the family of their address.
        var gateways: [AddressFamily: IPAddress] = [:]
    }

    private(set) var uplinks: [InterfaceID: Uplink]
    private let identifiers: [String: InterfaceID]

    init(_ names: [InterfaceID: String]) {
        uplinks = Dictionary(uniqueKeysWithValues: names.map { ($0, Uplink(id: $0, name: $1)) })
        identifiers = Dictionary(names.map { ($1, $0) }) { first, _ in first }
    }

    subscript(id: InterfaceID) -> Uplink? { uplinks[id] }

    func uplink(index: InterfaceIndex) -> Uplink? { uplinks.values.first { $0.link?.index == index } }

    /// The kernel's index; `nil` while the interface does not exist.
    func index(of id: InterfaceID) -> InterfaceIndex? { uplinks[id]?.link?.index }

    /// Its neighbour entry failing means that the router is unreachable.
    mutating func setGateway(_ gateway: IPAddress?, family: AddressFamily, on id: InterfaceID) {
        uplinks[id]?.gateways[family] = gateway
    }

    /// All links as they are now: at the start, and after changes were lost.
    mutating func refresh(_ links: [Link]) -> [MobileNodeEvent] {
        var events: [MobileNodeEvent] = []
        for uplink in uplinks.values.sorted(by: { $0.id < $1.id }) {
            let link = links.first { $0.name == uplink.name }
            // An interface of that name that was removed and made again is another one.
            if let before = uplink.link, before.index != link?.index { events += removed(before) }
            if let link { events += changed(link) }
        }
        return events
    }

    mutating func handle(_ change: NetlinkChange) -> [MobileNodeEvent] {
        switch change {
        case .link(let link): changed(link)
        case .linkRemoved(let link): removed(link)
        case .neighbour(let neighbour): changed(neighbour)
        case .address, .addressRemoved, .route, .routeRemoved, .neighbourRemoved, .overrun: []
        }
    }

    private mutating func changed(_ link: Link) -> [MobileNodeEvent] {
        // Known under another name until now: for us that one is gone.
        if let renamed = uplink(index: link.index), renamed.name != link.name {
            return removed(link) + changed(link)
        }
        guard let id = identifiers[link.name], let before = uplinks[id] else { return [] }
        uplinks[id]?.link = link
        let wasUsable = before.link?.isUsable ?? false
        guard link.isUsable else { return wasUsable ? [.linkDown(id)] : [] }
        // A carrier that went and came back between two looks may have come back on another link.
        let flapped = wasUsable && before.link?.carrierChanges != link.carrierChanges
        if wasUsable, !flapped, before.link?.mac == link.mac { return [] }
        return (flapped ? [.linkDown(id)] : []) + [.linkUp(id, mac: link.mac ?? .zero)]
    }

    /// Whether these events leave an uplink without a link.
    func isDown(after events: [MobileNodeEvent]) -> Bool {
        events.contains { event in
            guard case .linkDown(let id) = event else { return false }
            return uplinks[id]?.link?.isUsable != true
        }
    }

    private mutating func removed(_ link: Link) -> [MobileNodeEvent] {
        guard let before = uplink(index: link.index) else { return [] }
        uplinks[before.id]?.link = nil
        uplinks[before.id]?.gateways = [:]
        return before.link?.isUsable == true ? [.linkDown(before.id)] : []
    }

    private func changed(_ neighbour: Netlink.Neighbour) -> [MobileNodeEvent] {
        guard neighbour.state == .failed, let uplink = uplink(index: neighbour.interface),
            uplink.gateways.values.contains(neighbour.address)
        else { return [] }
        return [.routerUnreachable(uplink.id)]
    }
}
