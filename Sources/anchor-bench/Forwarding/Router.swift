import AnchorDataPlane
import BPFKit
import Glibc
import NetworkTypes

/// An access router with hosts, its programs on no interface until they are attached.
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

    /// An interface in the current network namespace.
    struct Interface {
        var name: String
        var index: Int32

        static let loopback = Interface(name: "lo", index: 1)
    }

    /// - Parameters:
    ///   - incoming: where packets arrive, whatever the job.
    ///   - outgoing: where they leave with ``Exit/other``.
    init(
        _ family: Family, capacity: Int, name: String = "bench", incoming: Interface = .loopback,
        outgoing: Interface = .loopback
    ) throws {
        self.family = family
        dataPlane = try KernelDataPlane(
            .init(instance: "\(name)-\(getpid())", hostCapacity: capacity, spillCapacity: max(4096, capacity / 64)))
        let ports: [(PortIndex, PortRole, Interface)] = [
            (Self.corePort, .core, incoming), (Self.accessPort, .access, incoming), (Self.otherPort, .core, outgoing),
        ]
        for (index, role, interface) in ports {
            try dataPlane.setPort(
                index,
                Port(
                    role: role, name: interface.name, interfaceIndex: interface.index, mac: Frame.router, mtu: 1500,
                    addresses: gateways))
        }
    }

    deinit { _ = try? dataPlane.unload() }

    private var gateways: [IPAddress] { [family.host(0x00ff_fffe)] }

    /// Fills the host table for this job.
    func load(_ job: Job, _ exit: Exit, hosts: Range<UInt32>) throws {
        let incoming = job.isFromNode ? Self.accessPort : Self.corePort
        let outgoing = exit == .same ? incoming : Self.otherPort
        let nextHop = NextHop.neighbour(family.correspondent, port: outgoing)
        let plain = try dataPlane.path(for: PathSpecification(nextHop: nextHop))
        let tunnel = try dataPlane.path(
            for: PathSpecification(
                nextHop: nextHop, encapsulation: Encapsulation(source: family.endpoint, kind: .ipip)))
        try dataPlane.setNextHop(nextHop, NextHopResolution(destination: Frame.nextHop))
        try dataPlane.setConfiguration(
            DataPlaneConfiguration(
                endpoints: [family.endpoint], pools: [family.pool], defaultPathV4: plain, defaultPathV6: plain,
                maximumSegmentV4: 1400, maximumSegmentV6: 1380))
        try dataPlane.setHosts(
            hosts.lazy.map { [family] number in
                HostEntry(
                    key: HostKey(family.host(number)), node: number,
                    attachment: job.isFromNode ? HostAttachment(mac: Frame.station, port: Self.accessPort) : nil,
                    tunnel: job.isFromNode
                        ? nil : HostTunnel(peer: family.peer(number), kind: .ipip, path: tunnel))
            })
    }

    /// Puts the programs on both interfaces, which are those of the current network namespace.
    func attach(_ job: Job) throws {
        for port in [job.isFromNode ? Self.accessPort : Self.corePort, Self.otherPort] {
            let attachment = try dataPlane.attach(port)
            guard attachment.mode == .native else {
                throw BenchError("\(attachment.interface) doesn't run programs in its driver")
            }
        }
    }

    func program(_ job: Job) throws -> BPFProgram {
        let port = job.isFromNode ? Self.accessPort : Self.corePort
        return try dataPlane.unattachedPrograms(port, transmits: true).program(
            job.isFromNode ? "fa_access" : "fa_core")
    }

    /// Verdicts that say that a packet is on its way: XDP_TX and XDP_REDIRECT.
    static func isSent(_ verdict: UInt32) -> Bool { verdict == 3 || verdict == 4 }
}
