import AnchorCore
import AnchorProtocol
import NetworkTypes
import Testing

/// One access router, nodes that are nothing but keys, and a clock that the test moves.
struct RouterBench {
    static let router: UInt64 = 1001
    static let endpoint = IPAddress("192.0.2.1")!
    static let endpoint6 = IPAddress("2001:db8::1")!
    static let link = InterfaceID(3)

    var machine: AccessRouter
    var now = MonotonicInstant(nanoseconds: 1_000_000_000)
    /// Everything that was asked for since `actions` was emptied.
    var actions: [AccessRouterAction] = []
    /// Everything ever given to storage.
    var journal: [AccessRouterRecord] = []
    var newestRecord: RecordNumber = 0
    private var sequences: [UInt64: UInt32] = [:]
    var epochs: [UInt64: UInt32] = [:]

    static func configuration(
        quota: Int = 8, pools: [String] = ["10.1.0.0/24", "fd01::/64"], epoch: UInt32 = 1
    ) -> AccessRouterConfiguration {
        AccessRouterConfiguration(
            router: router, epoch: epoch, endpoints: [endpoint, endpoint6],
            links: [
                AccessLink(
                    interface: link, gateways: [IPAddress("10.1.0.1")!, IPAddress("fd01::1")!],
                    pools: pools.map { IPPrefix($0)! }, chain: "firewall")
            ],
            nodes: (1...3).map { NodeAccount(id: $0, spi: UInt32(256 + $0), key: key($0), quota: quota) })
    }

    init(
        _ configuration: AccessRouterConfiguration = RouterBench.configuration(),
        restoring records: [AccessRouterRecord] = []
    ) throws {
        machine = try AccessRouter(configuration, restoring: records)
    }

    static func key(_ node: UInt64) -> [UInt8] { (0..<32).map { UInt8(truncatingIfNeeded: node + $0) } }

    static func association(_ node: UInt64) throws -> SecurityAssociation {
        try SecurityAssociation(spi: UInt32(256 + node), node: node, key: key(node))
    }

    // MARK: Events

    mutating func handle(_ event: AccessRouterEvent) { take(machine.handle(event, at: now)) }

    mutating func start() { take(machine.start(at: now)) }

    mutating func wait(_ span: TimeSpan) {
        let end = now + span
        while let due = machine.nextDeadline, due <= end {
            now = max(now, due)
            handle(.timer)
        }
        now = end
        handle(.timer)
    }

    mutating func store() { handle(.persisted(through: newestRecord)) }

    private mutating func take(_ new: [AccessRouterAction]) {
        actions += new
        for case .persist(let record, let number) in new {
            journal.append(record)
            newestRecord = number
        }
    }

    // MARK: Messages

    mutating func message(_ body: MessageBody, of node: UInt64, sequence: UInt32? = nil) throws -> [UInt8] {
        let number = sequence ?? (sequences[node] ?? 0) + 1
        sequences[node] = max(sequences[node] ?? 0, number)
        let header = MessageHeader(
            spi: UInt32(256 + node), epoch: epochs[node] ?? 1, sequence: number, sender: node, recipient: Self.router)
        return AnchorMessage(header, body).encoded(with: try Self.association(node))
    }

    mutating func receive(_ bytes: [UInt8], from source: IPAddress = .anyV4, on interface: InterfaceID? = link) {
        handle(
            .datagram(
                Datagram(
                    source: source, sourcePort: AnchorMessage.port,
                    destination: source.isUnspecified ? IPAddress(v4: .max) : Self.endpoint, interface: interface,
                    bytes: bytes)))
    }

    /// Attaches and stores.
    mutating func attach(
        _ node: UInt64, _ families: Set<AddressFamily> = [.v4], previous: [IPAddress] = [],
        on interface: InterfaceID? = link
    ) throws -> AttachReply? {
        actions = []
        let body = AttachRequest(
            linkAddress: MACAddress(bits: 0x02_0000 + node), families: families, lifetime: 0,
            previousAddresses: previous)
        receive(try message(.attachRequest(body), of: node), on: interface)
        store()
        guard case .attachReply(let reply)? = answers(to: node).last else { return nil }
        return reply
    }

    /// Sends a location update from the care-of address; does not store.
    mutating func update(_ node: UInt64, _ address: IPAddress, careOf: IPAddress) throws {
        let body = LocationUpdate(address: address, location: .away(careOf: careOf, .ipInIP), lifetime: 0)
        receive(try message(.locationUpdate(body), of: node), from: careOf, on: nil)
    }

    /// What the router answered to that node, opened with its key.
    func answers(to node: UInt64) -> [MessageBody] {
        guard let association = try? Self.association(node) else { return [] }
        return actions.compactMap { action in
            guard case .send(let datagram) = action,
                let opened = try? KeyRing([association]).open(datagram.bytes, as: node), opened.isAuthentic
            else { return nil }
            return opened.message.body
        }
    }

    func errors(to node: UInt64) -> [ErrorCode] {
        answers(to: node).compactMap { if case .error(let error) = $0 { error.code } else { nil } }
    }

    var installed: [HostBinding] { actions.compactMap { if case .install(let binding) = $0 { binding } else { nil } } }
    var removed: [IPAddress] { actions.compactMap { if case .remove(let address) = $0 { address } else { nil } } }
    var reports: [AccessRouterReport] {
        actions.compactMap { if case .report(let report) = $0 { report } else { nil } }
    }
}

/// What an action is, for assertions about order.
enum Step { case persist, install, remove, send, report }

extension AccessRouterAction {
    var step: Step {
        switch self {
        case .persist: .persist
        case .install: .install
        case .remove: .remove
        case .send: .send
        case .report: .report
        }
    }
}
