import AnchorDataPlane
import Glibc
import Netlink
import NetworkTypes

/// How packets for a tunnel's far end leave this machine.
struct TunnelWay: Hashable {
    var hop: NextHop
    /// Bytes, where it is less than the link's.
    var mtu: UInt16?
}

/// Ways that the kernel has told of, as long as no route changes.
struct TunnelWays {
    private var classes: RouteClasses?
    private var byClass: [Class: Found] = [:]
    /// Where the kernel chooses for each destination.
    private var byPeer: [IPAddress: Found] = [:]
    /// Of the last question: most often the next one is of the same class.
    private var last: (class: Class, way: Found)?

    /// Ways by peer that are remembered at once.
    private static let limit = 1 << 16

    private struct Class: Hashable {
        var index: Int
        var local: IPAddress
    }

    /// A way that holds for each of a class.
    enum Found {
        /// By a gateway, or the kernel's.
        case way(TunnelWay)
        /// The peer itself is on the link.
        case onLink(PortIndex, mtu: UInt16?)

        func way(to peer: IPAddress) -> TunnelWay {
            switch self {
            case .way(let way): way
            case .onLink(let port, let mtu): TunnelWay(hop: .neighbour(peer, port: port), mtu: mtu)
            }
        }
    }

    /// The peers that have the way of the last answer, which is not said of one that the kernel chose for its peer alone.
    var peersOfLastWay: ClosedRange<IPAddress>? {
        guard case .way? = last?.way else { return nil }
        return last.flatMap { classes?.destinations(of: $0.class.index) }
    }

    /// - Parameters:
    ///   - read: reads routes and rules.
    ///   - ask: asks the kernel for the way to the peer.
    mutating func way(
        to peer: IPAddress, from local: IPAddress, read: () -> RouteClasses, ask: () -> Found
    ) -> TunnelWay {
        if classes == nil { classes = read() }
        guard let index = classes?.index(of: peer) else {
            last = nil
            if let known = byPeer[peer] { return known.way(to: peer) }
            let found = ask()
            if byPeer.count >= Self.limit { byPeer.removeAll(keepingCapacity: true) }
            byPeer[peer] = found
            return found.way(to: peer)
        }
        let key = Class(index: index, local: local)
        if let last, last.class == key { return last.way.way(to: peer) }
        let found = byClass[key] ?? ask()
        byClass[key] = found
        last = (key, found)
        return found.way(to: peer)
    }
}

extension ForwardingPlane {
    /// As the kernel would route it. Where it can't, the packet goes to the kernel, which says so to its sender.
    func way(to peer: IPAddress, from local: IPAddress) -> TunnelWay {
        var way = ways.way(to: peer, from: local, read: readClasses) { ask(peer, local) }
        if !learned.isEmpty, let learned = learned[peer] { way.mtu = min(way.mtu ?? learned.mtu, learned.mtu) }
        return way
    }

    private func readClasses() -> RouteClasses {
        do throws(NetlinkError) {
            return RouteClasses(try netlink.routes(), try netlink.rules())
        } catch {
            reports.warn("\(error)")
            return .unknown
        }
    }

    private func ask(_ peer: IPAddress, _ local: IPAddress) -> TunnelWays.Found {
        var mtu: UInt16? = settings.coreMTU
        do throws(NetlinkError) {
            let route = try netlink.route(to: peer, from: local)
            if let own = route.mtu { mtu = min(settings.coreMTU, UInt16(clamping: own)) }
            guard route.kind == .unicast, let interface = route.interface,
                let port = ports.kernelIndices[interface]
            else { return .way(TunnelWay(hop: .kernel, mtu: mtu)) }
            guard let gateway = route.gateway else { return .onLink(port, mtu: mtu) }
            return .way(TunnelWay(hop: .neighbour(gateway, port: port), mtu: mtu))
        } catch {
            if ![ENETUNREACH, EHOSTUNREACH].contains(error.code) { reports.warn("\(error)") }
            return .way(TunnelWay(hop: .kernel, mtu: mtu))
        }
    }
}
