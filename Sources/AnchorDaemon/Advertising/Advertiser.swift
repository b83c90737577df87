import AnchorCore
import AnchorDataPlane
import Logging
import Glibc
import NetworkTypes

/// Tells nodes that configure their own IPv6 addresses which ones to use: those of this router, and for what began with
/// them those of the routers that they come from. For one serial queue.
final class Advertiser {
    /// A link with advertisements.
    private struct AdvertisedLink {
        var port: PortIndex
        /// Of this router.
        var own: [IPPrefix]
        /// Of other routers.
        var others: [IPPrefix]
    }

    let sockets: AdvertisementSockets
    private let links: [PortIndex: AdvertisedLink]
    private let ports: PortTable
    private let logger: Logger

    /// Seconds: how long a node has this router without another word (RFC 4861, section 6.2.1), and addresses. Those of
    /// other routers end two hours after the last word of them at the earliest (RFC 4862, section 5.5.3).
    private static let routerLifetime: UInt16 = 1800
    private static let validLifetime: UInt32 = 86400
    private static let preferredLifetime: UInt32 = 14400
    private static let deprecatedLifetime: UInt32 = 7200

    /// - Returns: `nil` where no link is to have advertisements.
    init?(_ settings: AccessRouterSettings, _ ports: PortTable, logger: Logger) throws(DaemonError) {
        var links: [PortIndex: AdvertisedLink] = [:]
        for link in settings.access where link.advertises {
            guard let port = ports[link.interface] else { continue }
            let blocks = link.unaware.filter { $0.family == .v6 }
            let own = blocks.filter { block in link.gateways.contains { block.contains($0.address) } }
            links[port.index] = AdvertisedLink(
                port: port.index, own: own, others: blocks.filter { !own.contains($0) })
        }
        guard !links.isEmpty else { return nil }
        self.links = links
        self.ports = ports
        self.logger = logger
        sockets = try AdvertisementSockets()
    }

    /// What a node has asked for.
    func answer(hosts: (MACAddress) -> [IPAddress]) {
        for heard in sockets.receive() {
            guard let port = ports.number(ofKernelIndex: heard.interface) else { continue }
            advertise(to: heard.mac, on: port.number, hosts(heard.mac))
        }
    }

    /// Tells a node which addresses to use.
    /// - Parameter hosts: addresses that it has been seen with here.
    func advertise(to station: MACAddress, on index: PortIndex, _ hosts: [IPAddress]) {
        guard let link = links[index], let port = ports.ports[index], let interface = port.link,
            let source = port.addresses.filter(\.isLinkLocal).filter({ !$0.isV4 }).min()
        else { return }
        let own = link.own.map {
            RouterAdvertisement.Prefix(
                prefix: $0, isOnLink: true, validLifetime: Self.validLifetime,
                preferredLifetime: Self.preferredLifetime)
        }
        let others = link.others.filter { block in hosts.contains { block.contains($0) } }.map {
            RouterAdvertisement.Prefix(
                prefix: $0, isOnLink: false, validLifetime: Self.deprecatedLifetime, preferredLifetime: 0)
        }
        let advertisement = RouterAdvertisement(
            routerLifetime: Self.routerLifetime, prefixes: own + others, mtu: UInt32(interface.mtu),
            mac: interface.mac ?? .zero)
        let failure = sockets.send(advertisement.packet(from: source), to: station, on: interface.index)
        if failure != 0 {
            logger.debug("no advertisement to \(station) on \(port.name): \(String(cString: strerror(failure)))")
        }
    }
}
