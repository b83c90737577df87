import AnchorCore
import AnchorDataPlane
import Netlink
import NetworkTypes

/// Counts the live flows of the own addresses: connected sockets, and what the programs saw that no socket of this
/// namespace stands for (containers, ping, unconnected datagram sockets). Learns of ends from the sockets
/// themselves [0050], from FIN and RST, and from silence.
final class FlowCounter {
    /// What the programs recorded.
    protocol Records: AnyObject {
        func flows() throws -> [FlowEntry]
        /// The flows ended: their sockets are gone.
        func end(_ flows: Set<FlowKey>) throws
        /// Forget these.
        func remove(where condition: (FlowEntry) -> Bool) throws
    }

    private let diagnostics: SocketDiagnostics
    private let monitor: SocketMonitor
    private let patience: FlowPatience
    private weak var records: (any Records)?
    private let controlPort: UInt16?
    private var counts: [IPAddress: Int] = [:]

    /// - Parameter controlPort: of the anchor protocol: its messages are nobody's flow.
    init(
        namespace: NetworkNamespace? = nil, records: (any Records)?, patience: FlowPatience = FlowPatience(),
        controlPort: UInt16? = nil
    ) throws {
        self.controlPort = controlPort
        monitor = try SocketMonitor(namespace: namespace)
        diagnostics = try SocketDiagnostics(namespace: namespace)
        self.records = records
        self.patience = patience
    }

    /// Readable when sockets ended.
    var descriptor: Int32 { monitor.descriptor }

    /// Live flows of the own addresses, as counted last.
    func count(of address: IPAddress) -> Int { counts[address] ?? 0 }

    /// Takes note of the sockets that ended.
    /// - Returns: whether any was one of the addresses', so that it is time to count again.
    func socketsEnded(of addresses: Set<IPAddress>) throws -> Bool {
        var concerned = false
        var ended: Set<FlowKey> = []
        for event in try monitor.receive() {
            switch event {
            case .overrun: concerned = true
            case .destroyed(let socket):
                guard addresses.contains(socket.local), socket.isConnected else { continue }
                concerned = true
                ended.insert(socket.key)
            }
        }
        try records?.end(ended)
        return concerned
    }

    /// Counts anew.
    /// - Returns: the addresses whose number changed since the last time.
    func recount(_ addresses: Set<IPAddress>) throws -> [FlowCount] {
        var live: [IPAddress: Set<FlowKey>] = [:]
        let states: Set<SocketDescription.TCPState> = Set(SocketDescription.TCPState.allCases)
            .subtracting([.timeWait, .close, .listen, .boundInactive])
        var sockets = try diagnostics.sockets(.tcp, states: states)
        sockets += try diagnostics.sockets(.udp, states: [.established])
        for socket in sockets where addresses.contains(socket.local) && socket.isConnected {
            live[socket.local, default: []].insert(socket.key)
        }
        for flow in try records?.flows() ?? []
        where addresses.contains(flow.key.local) && patience.holds(flow) && !isControl(flow.key) {
            live[flow.key.local, default: []].insert(flow.key)
        }
        try records?.remove { patience.isForgotten($0) && live[$0.key.local]?.contains($0.key) != true }
        let now = Dictionary(uniqueKeysWithValues: addresses.map { ($0, live[$0]?.count ?? 0) })
        let changes = addresses.filter { now[$0] != counts[$0] }.sorted()
        counts = now
        return changes.map { FlowCount(address: $0, count: now[$0] ?? 0) }
    }

    private func isControl(_ key: FlowKey) -> Bool {
        key.transport == SocketProtocol.udp.rawValue && key.localPort == controlPort
    }
}

extension SocketDescription {
    var key: FlowKey {
        FlowKey(
            local: local, localPort: localPort, remote: remote, remotePort: remotePort, transport: transport.rawValue)
    }
}
