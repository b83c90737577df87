import AnchorDataPlane
import BPFKit
import Glibc
import NetworkTypes

/// An access router with hosts, its programs on no interface.
final class Router {
    /// Where packets leave: on the interface that they came in by, as the reference's do, or on another one.
    enum Exit: String, CaseIterable {
        case same
        case other
    }

    static let corePort: PortIndex = 1
    static let accessPort: PortIndex = 2
    static let otherPort: PortIndex = 3

    let dataPlane: KernelDataPlane
    private let family: Family

    init(_ family: Family, capacity: Int) throws {
        self.family = family
        dataPlane = try KernelDataPlane(
            .init(instance: "bench-\(getpid())", hostCapacity: capacity, spillCapacity: max(4096, capacity / 64)))
        for (index, role) in [(Self.corePort, PortRole.core), (Self.accessPort, .access), (Self.otherPort, .core)] {
            try dataPlane.setPort(
                index,
                Port(role: role, name: "lo", interfaceIndex: 1, mac: Frame.router, mtu: 1500, addresses: gateways))
        }
    }

    deinit { _ = try? dataPlane.unload() }

    private var gateways: [IPAddress] { [family.host(0x00ff_fffe)] }

    /// Fills the host table for this job.
    func load(_ job: Job, _ exit: Exit, hosts: Range<UInt32>) throws {
        let incoming = job == .forward ? Self.accessPort : Self.corePort
        let outgoing = exit == .same ? incoming : Self.otherPort
        let nextHop = NextHop.neighbour(family.correspondent, port: outgoing)
        let plain = try dataPlane.path(for: PathSpecification(nextHop: nextHop))
        let tunnel = try dataPlane.path(
            for: PathSpecification(
                nextHop: nextHop, encapsulation: Encapsulation(source: family.endpoint, kind: .ipip)))
        try dataPlane.setNextHop(nextHop, NextHopResolution(destination: MACAddress(bits: 0x0200_0000_0001)))
        try dataPlane.setConfiguration(
            DataPlaneConfiguration(
                endpoints: [family.endpoint], pools: [family.pool], defaultPathV4: plain, defaultPathV6: plain,
                maximumSegmentV4: 1400, maximumSegmentV6: 1380))
        try dataPlane.setHosts(
            hosts.lazy.map { [family] number in
                HostEntry(
                    key: HostKey(family.host(number)), node: number,
                    attachment: job == .forward ? HostAttachment(mac: Frame.station, port: Self.accessPort) : nil,
                    tunnel: job == .forward
                        ? nil : HostTunnel(peer: family.peer(number), kind: .ipip, path: tunnel))
            })
    }

    func program(_ job: Job) throws -> BPFProgram {
        let port = job == .forward ? Self.accessPort : Self.corePort
        return try dataPlane.unattachedPrograms(port, transmits: true).program(
            job == .forward ? "fa_access" : "fa_core")
    }

    /// Verdicts that say that a packet is on its way: XDP_TX and XDP_REDIRECT.
    static func isSent(_ verdict: UInt32) -> Bool { verdict == 3 || verdict == 4 }
}
