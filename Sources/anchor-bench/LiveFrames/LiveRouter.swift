import BPFKit
import BPFObjects
import FlowAnchorABI
import Foundation

/// A router between two links, with the traffic through it.
final class LiveRouter {
    /// What routes.
    enum Kind: Hashable {
        /// The least that an XDP program can do.
        case minimal
        /// The kernel: its forwarding, with neighbours that are known.
        case kernel
        /// The kernel, into a tunnel of its own: VXLAN, which every kernel has, to one far end.
        case kernelTunnel
        /// FlowAnchor's programs.
        case anchor(Job)
    }

    private let cables: RouterCables
    private let traffic: LiveTraffic
    private var links: [ProgramLink] = []
    private var router: Router?

    init(_ kind: Kind, hosts: Int) throws {
        let cables = try RouterCables()
        let job = if case .anchor(let job) = kind { job } else { Job.encapsulate }
        let frame = Frame(job, .v4, firstHost: 0)
        self.cables = cables
        traffic = try LiveTraffic(
            frame.bytes, making: fa_bench(frame, flows: hosts), expecting: frame.bytes.count + Self.growth(kind),
            over: cables)
        switch kind {
        case .minimal: try startMinimal(hosts)
        case .kernel: try startKernel(Self.plainRoute)
        case .kernelTunnel: try startKernel(Self.tunnelRoute)
        case .anchor(let job): try startAnchor(job, hosts)
        }
    }

    /// Frames that get through a second, in millions.
    func rate(count: Int) throws -> Double { try traffic.rate(count: count) }

    /// Bytes that a frame gains on its way.
    private static func growth(_ kind: Kind) -> Int {
        switch kind {
        case .minimal, .kernel, .anchor(.forward), .anchor(.bypass): 0
        case .anchor(.encapsulate): 20
        case .anchor(.decapsulate): -20
        case .kernelTunnel: 14 + 8 + 8 + 20  // Ethernet, VXLAN, UDP, IPv4
        }
    }

    private func startMinimal(_ hosts: Int) throws {
        let reference = try Reference(.v4, hosts: 0..<UInt32(hosts), capacity: max(4096, 2 * hosts))
        try cables.router.run {
            let program = try reference.router(sendingFrom: try RouterCables.interface("out0").index)
            for name in ["in0", "out0"] { try attach(program, to: name) }
        }
    }

    private func startKernel(_ routes: String) throws {
        let loaded = try BPFObject(path: try BPFObjects.path(of: "live")).load()
        try cables.router.run {
            try attach(try loaded.program("live_pass"), to: "in0")
            try "1".write(toFile: "/proc/sys/net/ipv4/ip_forward", atomically: false, encoding: .utf8)
        }
        try cables.configureRouter(
            """
            addr add 203.0.113.1/24 dev in0
            addr add 192.0.2.1/24 dev out0
            neigh add 192.0.2.254 lladdr \(Frame.nextHop) dev out0 nud permanent
            route add 198.51.100.0/24 dev in0
            \(routes)
            """)
    }

    private static let plainRoute = "route add 10.0.0.0/8 via 192.0.2.254 dev out0"
    private static let tunnelRoute = """
        link add tunnel0 type vxlan id 1 local 192.0.2.1 remote 192.0.2.254 dstport 4789 dev out0
        link set tunnel0 up
        addr add 203.0.114.1/24 dev tunnel0
        neigh add 203.0.114.2 lladdr \(Frame.nextHop) dev tunnel0 nud permanent
        route add 10.0.0.0/8 via 203.0.114.2 dev tunnel0
        """

    private func startAnchor(_ job: Job, _ hosts: Int) throws {
        router = try cables.router.run {
            let router = try Router(
                .v4, capacity: max(4096, 2 * hosts), name: "bench-\(job)",
                incoming: try RouterCables.interface("in0"), outgoing: try RouterCables.interface("out0"))
            try router.load(job, .other, hosts: 0..<UInt32(hosts))
            try router.attach(job)
            return router
        }
    }

    private func attach(_ program: borrowing BPFProgram, to name: String) throws {
        links.append(
            ProgramLink(
                try XDPLink(
                    attaching: program, to: try RouterCables.interface(name).index, modes: [.native])))
    }

    /// Keeps a program on its interface.
    private final class ProgramLink {
        private let link: XDPLink
        init(_ link: consuming XDPLink) { self.link = link }
    }
}
