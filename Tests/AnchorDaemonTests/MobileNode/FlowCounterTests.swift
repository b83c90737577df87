import AnchorCore
import AnchorDataPlane
import NamespaceTestSupport
import Netlink
import NetworkTypes
import Testing

@testable import AnchorDaemon

/// A flow table that a test fills.
private final class Records: FlowCounter.Records {
    var entries: [FlowEntry] = []
    private(set) var ended: Set<FlowKey> = []

    func flows() -> [FlowEntry] { entries }
    func end(_ flows: Set<FlowKey>) { ended.formUnion(flows) }
    func remove(where condition: (FlowEntry) -> Bool) { entries.removeAll(where: condition) }
}

@Suite(.inNamespaces)
struct FlowCounterTests {
    private let own: Set<IPAddress> = [IPAddress("127.0.0.1")!, IPAddress("::1")!]

    private func namespace() throws -> NetworkNamespace {
        let namespace = try NetworkNamespace.anonymous()
        let socket = try NetlinkSocket(namespace: namespace)
        try socket.changeLink(socket.link(named: "lo").index, up: true)
        return namespace
    }

    private func flow(
        _ local: String, _ port: UInt16, transport: UInt8 = 17, idle: Duration = .zero, ended: Bool = false,
        begun: Bool = true
    ) -> FlowEntry {
        FlowEntry(
            key: FlowKey(
                local: IPAddress(local)!, localPort: port, remote: IPAddress("198.51.100.5")!, remotePort: 80,
                transport: transport),
            hasBegun: begun, isEnded: ended, idle: idle)
    }

    @Test(arguments: [IPAddress("127.0.0.1")!, IPAddress("::1")!])
    func `connections count while they last, and their end is heard of`(address: IPAddress) throws {
        let namespace = try namespace()
        let records = Records()
        let counter = try FlowCounter(namespace: namespace, records: records)
        let listener = try TestSocket.listening(in: namespace, on: address)
        #expect(try counter.recount(own).map(\.count) == [0, 0], "a listening socket is no flow")
        var client: TestSocket? = try TestSocket.connected(in: namespace, .tcp, to: address, port: listener.port())
        let port = try client!.port()
        #expect(try counter.recount(own) == [FlowCount(address: address, count: 2)], "both ends are here")
        #expect(try counter.recount(own).isEmpty, "nothing changed")

        client = nil
        var server: TestSocket? = try listener.accept()
        #expect(server != nil)
        server = nil
        try poll("the end of both sockets") {
            try counter.socketsEnded(of: own) && records.ended.count == 2 ? true : nil
        }
        #expect(records.ended.contains { $0.localPort == port && $0.local == address })
        try poll("no flow") { try counter.recount(own).first { $0.address == address && $0.count == 0 } }
        #expect(counter.count(of: address) == 0)
    }

    @Test func `flows without a socket count by their packets`() throws {
        let records = Records()
        let counter = try FlowCounter(namespace: namespace(), records: records)
        records.entries = [
            flow("127.0.0.1", 1), flow("127.0.0.1", 2, idle: .seconds(300)),
            flow("127.0.0.1", 3, transport: 6, idle: .seconds(3600)),
            flow("127.0.0.1", 4, transport: 6, idle: .seconds(300), begun: false),
            flow("127.0.0.1", 5, transport: 6, ended: true), flow("127.0.0.1", 6, transport: 1, idle: .seconds(90)),
            flow("10.9.9.9", 7),
        ]
        #expect(try counter.recount([IPAddress("127.0.0.1")!]).map(\.count) == [2])
        // What is silent is forgotten, what has just ended is remembered for its late packets.
        #expect(records.entries.map(\.key.localPort) == [1, 3, 5, 7])
    }

    @Test func `messages of the anchor protocol are nobody's flow`() throws {
        let records = Records()
        let counter = try FlowCounter(namespace: namespace(), records: records, controlPort: 4346)
        records.entries = [flow("127.0.0.1", 4346), flow("127.0.0.1", 4346, transport: 6)]
        #expect(try counter.recount([IPAddress("127.0.0.1")!]).map(\.count) == [1])
    }

    @Test func `a flow is counted once, whether by its socket or by its packets`() throws {
        let namespace = try namespace()
        let records = Records()
        let address = IPAddress("127.0.0.1")!
        let counter = try FlowCounter(namespace: namespace, records: records)
        let client = try TestSocket.connected(in: namespace, .udp, to: address, port: 4711)
        records.entries = [
            FlowEntry(
                key: FlowKey(
                    local: address, localPort: try client.port(), remote: address, remotePort: 4711, transport: 17),
                idle: .seconds(10_000))
        ]
        #expect(try counter.recount([address]).map(\.count) == [1])
        #expect(records.entries.count == 1, "its socket keeps it")
    }
}
