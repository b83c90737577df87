import AnchorDataPlane
import Glibc
import Netlink
import NetworkTypes

/// Follows the link addresses of the next hops that paths use. For one serial queue.
final class NextHops {
    private let dataPlane: any DataPlane
    private let netlink: NetlinkSocket
    private let interfaces: any InterfaceNumbering
    private let warn: (String) -> Void
    /// What was last told of each.
    private var known: [NextHop: MACAddress?] = [:]

    init(
        _ dataPlane: any DataPlane, netlink: NetlinkSocket, interfaces: any InterfaceNumbering,
        warn: @escaping (String) -> Void
    ) {
        self.dataPlane = dataPlane
        self.netlink = netlink
        self.interfaces = interfaces
        self.warn = warn
    }

    /// Has the next hop followed from now on, before a path through it is made.
    func follow(_ hop: NextHop) {
        guard case .neighbour = hop, known[hop] == nil else { return }
        refresh(hop)
    }

    /// Asks the kernel for all of them, has it verify that they are there still, and forgets those that no path uses.
    /// Packets that the programs send don't tell the kernel that a neighbour is alive, so this is called from time to
    /// time.
    func refreshAll() {
        let used = Set(dataPlane.paths.map(\.specification.nextHop))
        known = known.filter { used.contains($0.key) }
        for hop in used { refresh(hop) }
    }

    /// The port's interface vanished, returned or changed: what was known of its neighbours may be wrong.
    func portChanged(_ port: PortIndex) {
        for hop in known.keys {
            if case .neighbour(_, port) = hop { refresh(hop) }
        }
    }

    func handle(_ neighbour: Netlink.Neighbour, isGone: Bool = false) {
        guard let port = interfaces.number(ofKernelIndex: neighbour.interface) else { return }
        let hop = NextHop.neighbour(neighbour.address, port: port.number)
        guard let former = known[hop] else { return }
        tell(hop, neighbour.isUsable && !isGone ? neighbour.mac : nil)
        // It does not answer at the address that it had: perhaps it has another one by now.
        if former != nil, neighbour.state == .failed {
            attempt { try netlink.resolve(neighbour.address, on: neighbour.interface) }
        }
    }

    private func refresh(_ hop: NextHop) {
        guard case .neighbour(let address, let port) = hop else { return }
        guard let index = interfaces.kernelIndex(of: .init(port)) else { return tell(hop, nil) }
        attempt {
            let found = try netlink.neighbour(address, on: index)
            let isUsable = found?.isUsable == true
            tell(hop, isUsable ? found?.mac : nil)
            if !isUsable {
                try netlink.resolve(address, on: index)
            } else if let found, !found.state.isDisjoint(with: [.reachable, .stale, .delay]) {
                // Only the programs send to it, so the kernel would take half a minute and more to doubt it.
                try netlink.verify(address, on: index)
            }
        }
        // Followed even where the kernel knows nothing yet: it will tell.
        if known[hop] == nil { known[hop] = .some(nil) }
    }

    private func tell(_ hop: NextHop, _ mac: MACAddress?) {
        guard known[hop] != .some(mac) else { return }
        known[hop] = .some(mac)
        attempt { try dataPlane.setNextHop(hop, NextHopResolution(destination: mac)) }
    }

    private func attempt(_ work: () throws -> Void) {
        do { try work() } catch let error as NetlinkError where [ENETDOWN, ENODEV, ENOENT].contains(error.code) {
            // The link is down, or the entry has gone meanwhile: the kernel tells when that changes.
        } catch {
            warn("\(error)")
        }
    }
}
