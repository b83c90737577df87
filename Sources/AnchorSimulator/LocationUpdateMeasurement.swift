import AnchorCore
import AnchorProtocol
import NetworkTypes

/// How many location updates of distinct nodes an anchor takes: opened, checked, recorded, put in force and
/// acknowledged. The messages are made beforehand; storage confirms every hundred records.
public struct LocationUpdateMeasurement {
    public let nodes: Int
    public let updates: Int

    public init(nodes: Int, updates: Int) {
        self.nodes = nodes
        self.updates = updates
    }

    /// - Returns: a line with the rate.
    public func run<C: Clock>(clock: C) throws -> String where C.Duration == Duration {
        var router = try makeRouter()
        var time = MonotonicInstant(nanoseconds: 1_000_000_000)
        let addresses = attach(&router, &time)
        let datagrams = try makeUpdates(addresses)
        var acknowledged = 0
        var newest: RecordNumber = 0
        func count(_ actions: [AccessRouterAction]) {
            for action in actions {
                switch action {
                case .persist(_, let number): newest = number
                case .send: acknowledged += 1
                case .install, .remove, .report: continue
                }
            }
        }
        let took = clock.measure {
            for (index, datagram) in datagrams.enumerated() {
                time = time + .microseconds(20)
                count(router.handle(.datagram(datagram), at: time))
                if index % 100 == 99 { count(router.handle(.persisted(through: newest), at: time)) }
            }
            count(router.handle(.persisted(through: newest), at: time))
        }
        guard acknowledged == updates else { throw Failure.unanswered(updates - acknowledged) }
        let seconds = Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
        return
            "\(updates) location updates of \(nodes) nodes in \(seconds) s: \(Int(Double(updates) / seconds)) a second"
    }

    enum Failure: Error { case unanswered(Int) }

    private func makeRouter() throws -> AccessRouter {
        var configuration = AccessRouterConfiguration(
            router: 1, epoch: 1, endpoints: [IPAddress(v4: 0xc000_0201)],
            links: [
                AccessLink(
                    interface: InterfaceID(0), gateways: [IPAddress(v4: 0x0a00_0001)],
                    pools: [IPPrefix(IPAddress(v4: 0x0a00_0000), length: 8)!], chain: "firewall")
            ],
            nodes: (0..<nodes).map {
                NodeAccount(id: UInt64($0 + 1), spi: UInt32($0 + 256), key: Simulation.key(of: $0))
            })
        configuration.rateLimit = RateLimit(perSecond: 1_000_000, burst: 1_000_000)
        return try AccessRouter(configuration)
    }

    private func association(_ node: Int) throws -> SecurityAssociation {
        try SecurityAssociation(spi: UInt32(node + 256), node: UInt64(node + 1), key: Simulation.key(of: node))
    }

    private func header(_ node: Int, _ sequence: UInt32) -> MessageHeader {
        MessageHeader(
            spi: UInt32(node + 256), epoch: 1, sequence: sequence, sender: UInt64(node + 1), recipient: 1)
    }

    private func attach(_ router: inout AccessRouter, _ time: inout MonotonicInstant) -> [IPAddress] {
        var addresses: [IPAddress] = []
        for node in 0..<nodes {
            let body = AttachRequest(
                linkAddress: MACAddress(bits: UInt64(node) + 2), families: [.v4], lifetime: 0)
            guard let association = try? association(node) else { return [] }
            let bytes = AnchorMessage(header(node, 1), .attachRequest(body)).encoded(with: association)
            let datagram = Datagram(
                source: .anyV4, sourcePort: AnchorMessage.port, destination: IPAddress(v4: .max),
                interface: InterfaceID(0), bytes: bytes)
            time = time + .microseconds(20)
            for case .persist(.host(let record), let number) in router.handle(.datagram(datagram), at: time) {
                addresses.append(record.address)
                _ = router.handle(.persisted(through: number), at: time)
            }
        }
        return addresses
    }

    private func makeUpdates(_ addresses: [IPAddress]) throws -> [Datagram] {
        let associations = try (0..<nodes).map(association)
        return (0..<updates).map { index in
            let node = index % nodes
            let careOf = IPAddress(v4: 0xac10_0000 &+ UInt32(index))
            let body = LocationUpdate(
                address: addresses[node], location: .away(careOf: careOf, .ipInIP), lifetime: 0)
            let bytes = AnchorMessage(header(node, UInt32(index / nodes + 2)), .locationUpdate(body))
                .encoded(with: associations[node])
            return Datagram(
                source: careOf, sourcePort: AnchorMessage.port, destination: IPAddress(v4: 0xc000_0201),
                interface: nil, bytes: bytes)
        }
    }
}
