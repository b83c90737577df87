import AnchorCore
import AnchorDataPlane
import ControlAPI
import NetworkTypes

/// What operators may ask of a mobile node.
struct MobileNodeControl: ControlService {
    let service: MobileNodeService
    let started: MonotonicInstant
    let unloaded: @Sendable () -> Void

    func status() async throws(ControlError) -> StatusModel {
        try await service.queue.answer { [service, started] () throws(ControlError) in
            StatusModel(
                instance: service.dataPlane.options.instance, roles: [service.name], version: DaemonVersion.text,
                uptime: Double((MonotonicClock.now() - started).nanoseconds) / 1e9,
                epoch: service.driver.state.currentEpoch, adopted: service.dataPlane.wasAdopted,
                interfaces: service.interfaceModels, tables: try MapModel.pinned(service.dataPlane),
                warnings: service.warnings)
        }
    }

    func hosts() async throws(ControlError) -> [HostModel] { throw .otherRole("the host table", "an access router") }
    func setHost(_ host: StaticHostModel) async throws(ControlError) -> HostModel {
        throw .otherRole("the host table", "an access router")
    }
    func deleteHost(_ address: IPAddress) async throws(ControlError) {
        throw .otherRole("the host table", "an access router")
    }
    func nodes() async throws(ControlError) -> [NodeModel] { throw .otherRole("the nodes", "an access router") }
    func node(_ address: IPAddress) async throws(ControlError) -> NodeModel {
        throw .otherRole("the nodes", "an access router")
    }
    func attachNode(_ address: IPAddress, _ station: StationModel) async throws(ControlError) {
        throw .otherRole("attaching other nodes", "an access router")
    }
    func handovers() async throws(ControlError) -> [HandoverModel] {
        throw .otherRole("handovers", "an access router")
    }

    func servers() async throws(ControlError) -> [ServerModel] { throw .otherRole("servers", "an access router") }
    func setServerState(_ name: String, _ state: ServerStateModel) async throws(ControlError) -> ServerModel {
        throw .otherRole("servers", "an access router")
    }

    func subscribers() async throws(ControlError) -> [SubscriberModel] {
        throw .otherRole("translating", "an access router")
    }

    func subscriber(_ inside: IPAddress) async throws(ControlError) -> SubscriberModel {
        throw .otherRole("translating", "an access router")
    }

    func translatedFlows(_ query: TranslatedFlowQuery) async throws(ControlError) -> [TranslatedFlowModel] {
        throw .otherRole("translating", "an access router")
    }

    func explain(_ query: PacketQuery) async throws(ControlError) -> PacketExplanationModel {
        throw .otherRole("explaining packets", "an access router")
    }

    func flows() async throws(ControlError) -> [FlowModel] {
        try await service.queue.answer { [service] () throws(ControlError) in try service.flowModels() }
    }

    func anchors() async throws(ControlError) -> [AnchorModel] {
        try await service.queue.answer { [service] () throws(ControlError) in service.anchorModels }
    }

    func attach(_ request: AttachModel) async throws(ControlError) {
        try await service.queue.answer { [service] () throws(ControlError) in
            guard let uplink = service.uplinks.first(where: { $0.value == request.interface })?.key else {
                let names = service.uplinks.values.sorted().joined(separator: ", ")
                throw ControlError(.notFound, "\(request.interface) is no uplink", nextStep: "uplinks are: \(names)")
            }
            guard service.driver.kernelIndex(of: uplink) != nil else {
                throw ControlError(.unavailable, "there is no interface \(request.interface) now")
            }
            service.driver.attach(uplink, router: request.router)
        }
    }

    func peers() async throws(ControlError) -> [PeerModel] { throw .otherRole("peering", "an access router") }
    func pingPeer(_ name: String, timeout: Double) async throws(ControlError) -> PeerPingModel {
        throw .otherRole("peering", "an access router")
    }

    func maps() async throws(ControlError) -> [MapModel] { try MapModel.pinned(service.dataPlane) }

    // Beside the queue: a scan of large tables must not hold up the protocol.
    func mapEntries(_ name: String, key: String?, limit: Int) async throws(ControlError) -> [MapEntryModel] {
        try MapEntryModel.entries(of: name, key: key, limit: limit, in: service.dataPlane)
    }

    func reasons() async throws(ControlError) -> [ReasonModel] { try ReasonModel.all(service.dataPlane) }

    func metrics() async throws(ControlError) -> [MetricModel] {
        try await service.queue.answer { [service] () throws(ControlError) in
            try MetricModel.dataPlane(service.dataPlane) + [
                MetricModel(
                    name: "flowanchor_live_flows", kind: .gauge, help: "Live flows by the own address that they use.",
                    samples: service.anchorModels.map {
                        .init(Double($0.flows), labels: ["address": "\($0.address)", "anchor": "\($0.anchor)"])
                    })
            ]
        }
    }

    func events() async -> AsyncStream<EventModel> { service.events.watch() }

    func unload() async throws(ControlError) {
        // Ending a mobile node takes its programs and tables out.
        unloaded()
    }
}

extension MobileNodeService {
    var interfaceModels: [InterfaceModel] {
        uplinks.sorted { $0.key < $1.key }.map { identifier, name in
            let link = driver.link(of: identifier)
            let port = dataPlane.port(OwnAddressTable.port(of: identifier))
            let isAttached = link != nil && port?.interfaceIndex == link.map { Int32($0.index) }
            return InterfaceModel(
                name: name, role: PortRole.mobile.text, mode: isAttached ? "tc" : "none", mtu: link?.mtu ?? 0,
                isUp: link?.isUsable ?? false)
        }
    }

    var warnings: [String] {
        uplinks.sorted { $0.key < $1.key }.filter { driver.kernelIndex(of: $0.key) == nil }
            .map { "\($0.value): there is no such interface" } + MapModel.fullnessWarnings(dataPlane)
    }

    var anchorModels: [AnchorModel] {
        driver.state.anchorTable.map { row in
            var model = AnchorModel(
                address: row.address, anchor: row.anchor, router: row.router, path: "", careOf: nil, interface: nil,
                flows: driver.liveFlows(of: row.address), preferred: row.preferred)
            switch row.path {
            case .direct(let interface):
                model.path = "direct"
                model.interface = uplinkName(interface)
            case .tunnelled(let tunnel, let interface):
                model.path = "tunnelled"
                model.careOf = tunnel.local
                model.interface = uplinkName(interface)
            case .both(let direct, let tunnel, _, _):
                model.path = "both"
                model.careOf = tunnel.local
                model.interface = uplinkName(direct)
            case .unreachable: model.path = "unreachable"
            }
            return model
        }
    }

    func flowModels() throws(ControlError) -> [FlowModel] {
        let anchors = Dictionary(driver.state.anchorTable.map { ($0.address, $0.anchor) }) { first, _ in first }
        let flows: [FlowEntry]
        do { flows = try driver.flowTable() } catch { throw ControlError(failure: error) }
        return flows.map { flow in
            FlowModel(
                // Begun while attached to the anchor, the entry doesn't name it.
                anchor: flow.anchor ?? anchors[flow.key.local], correspondent: flow.key.remote,
                address: flow.key.local, transport: Self.transportName(flow.key.transport), port: flow.key.localPort,
                correspondentPort: flow.key.remotePort, state: flow.isEnded ? "ended" : "open",
                idle: Double(flow.idle.components.seconds) + Double(flow.idle.components.attoseconds) / 1e18,
                packetsSent: flow.packetsUp, packetsReceived: flow.packetsDown, bytesSent: flow.bytesUp,
                bytesReceived: flow.bytesDown)
        }.sorted { ($0.address, $0.correspondent, $0.port) < ($1.address, $1.correspondent, $1.port) }
    }

    private static func transportName(_ number: UInt8) -> String {
        switch number {
        case 6: "tcp"
        case 17: "udp"
        case 1, 58: "icmp"
        default: "\(number)"
        }
    }
}
