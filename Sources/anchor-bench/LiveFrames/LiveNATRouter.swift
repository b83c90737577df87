import AnchorDataPlane
import BPFKit
import BPFObjects
import FlowAnchorABI
import Foundation
import NetworkLab
import PacketKit

/// A NAT44 router between two links, with UDP packets of hosts through it.
final class LiveNATRouter {
    /// What translates.
    enum Kind: CaseIterable {
        /// The kernel: forwarding, connection tracking, and masquerading by nftables.
        case kernel
        /// FlowAnchor's programs.
        case anchor
    }

    private let cables: RouterCables
    private let traffic: LiveTraffic
    private let flows: NATFlows
    private var link: XDPLink?
    private var router: NATRouter?

    init(_ kind: Kind, flows: NATFlows) throws {
        self.flows = flows
        cables = try RouterCables()
        let frame = Self.frame
        traffic = try LiveTraffic(
            frame, making: Self.making(frame, flows), words: (0..<flows.count).map { flows.words($0) },
            expecting: frame.count, over: cables)
        switch kind {
        case .kernel: try startKernel()
        case .anchor: try startAnchor()
        }
    }

    /// Sends the first packet of each flow.
    /// - Returns: flows made a second: those whose packet came out again. Where this core serves others too, some are lost
    ///   on full rings.
    /// - Throws: if most of them are.
    func makeFlows() throws -> Double {
        traffic.begin(inOrder: true)
        let (received, seconds) = try traffic.send(flows.count)
        traffic.begin(inOrder: false)
        guard received > flows.count / 2 else {
            throw BenchError("a router let \(received) first packets of \(flows.count) flows through")
        }
        return Double(received) / seconds
    }

    /// Packets of known flows that get through a second, in millions.
    func rate(count: Int) throws -> Double { try traffic.rate(count: count) }

    /// The header's checksum is right for the host's address 10.0.0.0: the generator corrects it.
    private static var frame: [UInt8] {
        var frame = NATFrame(.up).bytes
        frame.replaceSubrange(headerSum..<headerSum + 2, with: [0, 0])
        var sum = InternetChecksum()
        sum.add(frame[14..<34])
        frame.replaceSubrange(
            headerSum..<headerSum + 2, with: [UInt8(sum.complement >> 8), UInt8(truncatingIfNeeded: sum.complement)])
        return frame
    }

    /// Where the IPv4 header's checksum is.
    private static let headerSum = 24

    private static func making(_ frame: [UInt8], _ flows: NATFlows) -> fa_bench {
        let offsets = NATFrame(.up).offsets
        var making = fa_bench(frame, flows: flows.count)
        making.from_words = 1
        making.offset = (UInt32(offsets[0]), UInt32(offsets[1]))
        making.base.0 = UInt32(truncatingIfNeeded: Family.v4.host(0).low)
        making.checksum.0 = UInt32(headerSum)
        return making
    }

    private func startKernel() throws {
        let loaded = try BPFObject(path: try BPFObjects.path(of: "live")).load()
        try cables.router.run {
            let program = try loaded.program("live_pass")
            link = try XDPLink(attaching: program, to: try RouterCables.interface("in0").index, modes: [.native])
            // The UDP checksum of the frames is right for no flow; it is changed as if it were.
            for (name, value) in [("ipv4/ip_forward", "1"), ("netfilter/nf_conntrack_checksum", "0")] {
                try value.write(toFile: "/proc/sys/net/\(name)", atomically: false, encoding: .utf8)
            }
            _ = try Command(
                ["nft", "-f", "-"],
                input: """
                    table ip nat {
                      chain postrouting {
                        type nat hook postrouting priority srcnat; policy accept;
                        oifname "out0" masquerade
                      }
                    }

                    """
            ).check()
        }
        try cables.configureRouter(
            """
            addr add 10.255.255.254/8 dev in0
            addr add 192.0.2.1/24 dev out0
            neigh add 192.0.2.254 lladdr \(Frame.nextHop) dev out0 nud permanent
            route add 198.51.100.0/24 via 192.0.2.254 dev out0
            """)
    }

    private func startAnchor() throws {
        router = try cables.router.run {
            let router = try NATRouter(
                flows: flows, incoming: try RouterCables.interface("in0"),
                outgoing: try RouterCables.interface("out0"))
            try router.load(.up, .other)
            try router.attach()
            return router
        }
    }
}
