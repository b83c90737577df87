import ControlAPI
import NetworkTypes
import Synchronization

/// A daemon that only keeps hosts, and the mark of its one server.
final class FakeService: ControlService {
    let table = Mutex<[IPAddress: HostModel]>([:])
    let isMarkedDown = Mutex(false)
    /// No event comes after its two.
    private let endsEvents: Bool

    init(endsEvents: Bool = true) { self.endsEvents = endsEvents }

    func status() async throws(ControlError) -> StatusModel {
        StatusModel(
            instance: "ar1", roles: ["access-router"], version: "1", uptime: 2.5, epoch: 3, adopted: false,
            interfaces: [InterfaceModel(name: "acc0", role: "access", mode: "native", mtu: 1500, isUp: true)],
            tables: try await maps(), warnings: [])
    }

    func hosts() async throws(ControlError) -> [HostModel] {
        table.withLock { $0.values.sorted { $0.address < $1.address } }
    }

    func setHost(_ host: StaticHostModel) async throws(ControlError) -> HostModel {
        guard host.careOf != nil || host.interface != nil else {
            throw ControlError(.invalid, "neither interface nor careOf", nextStep: "say where the host is")
        }
        let made = HostModel(
            address: host.address, node: 0, place: host.careOf == nil ? .attached : .tunnelled, careOf: host.careOf)
        table.withLock { $0[host.address] = made }
        return made
    }

    func deleteHost(_ address: IPAddress) async throws(ControlError) {
        guard table.withLock({ $0.removeValue(forKey: address) }) != nil else {
            throw ControlError(.notFound, "\(address) is no host of this router")
        }
    }

    func flows() async throws(ControlError) -> [FlowModel] { [] }
    func nodes() async throws(ControlError) -> [NodeModel] {
        [NodeModel(address: IPAddress("10.64.0.100")!, place: .away, epoch: 3, anchors: ["ar1"])]
    }
    func node(_ address: IPAddress) async throws(ControlError) -> NodeModel {
        guard let node = try await nodes().first(where: { $0.address == address }) else {
            throw ControlError(.notFound, "\(address) is no node here")
        }
        return node
    }
    func attachNode(_ address: IPAddress, _ station: StationModel) async throws(ControlError) {
        guard station.interface == "acc0" else { throw ControlError(.invalid, "no such link") }
    }
    func handovers() async throws(ControlError) -> [HandoverModel] {
        [
            HandoverModel(
                number: 7, address: IPAddress("10.64.0.100")!, epoch: 3, from: "ar1", to: "ar2", begun: 2,
                steps: [.init("settled", after: 0.002)])
        ]
    }
    func anchors() async throws(ControlError) -> [AnchorModel] { [] }
    func attach(_ request: AttachModel) async throws(ControlError) {
        throw ControlError(.conflict, "not a mobile node")
    }
    func subscribers() async throws(ControlError) -> [SubscriberModel] {
        [
            SubscriberModel(
                inside: IPAddress("10.0.0.1")!, outside: IPAddress("192.0.2.1")!, ports: ["1024-1535"], tcp: 1, udp: 2,
                icmp: 3, flows: 4, flowLimit: 5, refused: 6)
        ]
    }
    func subscriber(_ inside: IPAddress) async throws(ControlError) -> SubscriberModel {
        guard let found = try await subscribers().first(where: { $0.inside == inside }) else {
            throw ControlError(.notFound, "\(inside) is not translated")
        }
        return found
    }
    func translatedFlows(_ query: TranslatedFlowQuery) async throws(ControlError) -> [TranslatedFlowModel] {
        let transports = query.transport.map { [$0] } ?? TranslatedFlowQuery.Transport.allCases
        return transports.prefix(query.limit).map { transport in
            TranslatedFlowModel(
                transport: transport.rawValue, inside: query.host ?? IPAddress("10.0.0.1")!, insidePort: 1,
                outside: IPAddress("192.0.2.1")!, outsidePort: 2, correspondent: IPAddress("203.0.113.1")!,
                correspondentPort: 3, state: "open", idleUp: 1, idleDown: 2)
        }
    }
    func explain(_ query: PacketQuery) async throws(ControlError) -> PacketExplanationModel {
        PacketExplanationModel(
            interface: query.interface ?? "acc0", role: "access", headers: "\(query)", content: "", lookUps: [],
            verdict: "sent")
    }
    func servers() async throws(ControlError) -> [ServerModel] {
        [
            ServerModel(
                name: "fire wall/1", kind: "two-legged", interfaces: ["srv0", "srv1"], areLegsUp: true,
                isMarkedDown: isMarkedDown.withLock { $0 }, whenDown: "refuse", chain: "acc0")
        ]
    }
    func setServerState(_ name: String, _ state: ServerStateModel) async throws(ControlError) -> ServerModel {
        guard name == "fire wall/1" else { throw ControlError(.notFound, "there is no server '\(name)'") }
        isMarkedDown.withLock { $0 = state.state == .down }
        return try await servers()[0]
    }
    func peers() async throws(ControlError) -> [PeerModel] {
        [PeerModel(name: "ar2", address: IPAddress("192.0.2.2")!, port: 4346)]
    }
    func pingPeer(_ name: String, timeout: Double) async throws(ControlError) -> PeerPingModel {
        guard name == "ar2" else { throw ControlError(.notFound, "there is no peer '\(name)'") }
        return PeerPingModel(peer: name, roundTrip: timeout < 1 ? nil : timeout / 1000)
    }
    func maps() async throws(ControlError) -> [MapModel] {
        [MapModel(name: "fa_hosts", type: "array", keySize: 4, valueSize: 64, capacity: 8, entries: 2)]
    }
    func mapEntries(_ name: String, key: String?, limit: Int) async throws(ControlError) -> [MapEntryModel] {
        if let key { return [MapEntryModel(key: key, fields: ["name": name])] }
        return (0..<min(limit, 3)).map { MapEntryModel(key: "\($0)", fields: ["name": name]) }
    }
    func reasons() async throws(ControlError) -> [ReasonModel] {
        [ReasonModel(reason: "source_unknown", kind: "drop", packets: 7, meaning: "not leased")]
    }
    func metrics() async throws(ControlError) -> [MetricModel] {
        [
            MetricModel(
                name: "flowanchor_packets_total", kind: .counter, help: "Packets by reason.",
                samples: [.init(7, labels: ["reason": "a\"b"])])
        ]
    }
    func events() async -> AsyncStream<EventModel> {
        AsyncStream {
            $0.yield(EventModel(time: 1, kind: "attached", text: "one"))
            $0.yield(EventModel(time: 2, kind: "moved", text: "two", fields: ["node": "1"]))
            if endsEvents { $0.finish() }
        }
    }
    func unload() async throws(ControlError) {}
}
