import AnchorCore
import AnchorDataPlane
import ControlAPI
import NetworkTypes

/// What operators may ask of an access router.
struct AccessRouterControl: ControlService {
    let service: AccessRouterService
    let started: MonotonicInstant
    let unloaded: @Sendable () -> Void

    func status() async throws(ControlError) -> StatusModel {
        let others = await service.peering?.warnings() ?? []
        return try await service.queue.answer { [service, started] () throws(ControlError) in
            StatusModel(
                instance: service.dataPlane.options.instance, roles: [service.name], version: DaemonVersion.text,
                uptime: Double((MonotonicClock.now() - started).nanoseconds) / 1e9, epoch: service.epoch,
                adopted: service.dataPlane.wasAdopted, interfaces: service.interfaceModels,
                tables: try MapModel.pinned(service.dataPlane), warnings: service.warnings + others)
        }
    }

    func hosts() async throws(ControlError) -> [HostModel] {
        var models: [HostModel] = []
        var place: Int? = 0
        while let from = place {
            let part = try await service.queue.answer { [service] () throws(ControlError) in
                try service.hostModels(from: from)
            }
            models += part.models
            place = part.next
        }
        return models.sorted { $0.address < $1.address }
    }

    func setHost(_ host: StaticHostModel) async throws(ControlError) -> HostModel {
        try await service.queue.answer { [service] () throws(ControlError) in try service.setStaticHost(host) }
    }

    func deleteHost(_ address: IPAddress) async throws(ControlError) {
        try await service.queue.answer { [service] () throws(ControlError) in try service.deleteHost(address) }
    }

    func flows() async throws(ControlError) -> [FlowModel] { throw .otherRole("the flow table", "a mobile node") }

    // Beside the queue: a scan of large tables must not hold up the protocol.
    func subscribers() async throws(ControlError) -> [SubscriberModel] {
        guard service.settings.nat != nil else { throw .notTranslating }
        return SubscriberModel.all(service.dataPlane.nat)
    }

    func subscriber(_ inside: IPAddress) async throws(ControlError) -> SubscriberModel {
        guard service.settings.nat != nil else { throw .notTranslating }
        return try SubscriberModel.one(inside, service.dataPlane.nat)
    }

    func translatedFlows(_ query: TranslatedFlowQuery) async throws(ControlError) -> [TranslatedFlowModel] {
        guard service.settings.nat != nil else { throw .notTranslating }
        return try TranslatedFlowModel.matching(query, in: service.dataPlane, routers: service.routerNames)
    }

    // Beside the queue, as what it explains is.
    func explain(_ query: PacketQuery) async throws(ControlError) -> PacketExplanationModel {
        try PacketExplanationModel.answer(query, in: service.dataPlane)
    }

    func anchors() async throws(ControlError) -> [AnchorModel] { throw .otherRole("the anchor table", "a mobile node") }
    func attach(_ request: AttachModel) async throws(ControlError) { throw .otherRole("attaching", "a mobile node") }

    func nodes() async throws(ControlError) -> [NodeModel] {
        try await service.queue.answer { [service] () throws(ControlError) in service.nodeModels }
    }

    func node(_ address: IPAddress) async throws(ControlError) -> NodeModel {
        let found = try await service.queue.answer { [service] () throws(ControlError) in
            service.nodeModel(address)
        }
        guard var node = found else {
            throw ControlError(
                .notFound, "\(address) is no node that this router knows",
                nextStep: "'anchorctl node list' shows them; nodes that take part are in 'anchorctl host list'")
        }
        if address.isV4, service.settings.nat != nil {
            let count = service.dataPlane.nat.flowCount(of: address)
            (node.flowsHere, node.flowsAway) = (count.here, count.away)
        }
        return node
    }

    func attachNode(_ address: IPAddress, _ station: StationModel) async throws(ControlError) {
        try await service.queue.answer { [service] () throws(ControlError) in
            try service.attachNode(address, station)
        }
    }

    func handovers() async throws(ControlError) -> [HandoverModel] {
        try await service.queue.answer { [service] () throws(ControlError) in service.handoverModels }
    }

    func servers() async throws(ControlError) -> [ServerModel] {
        try await service.queue.answer { [service] () throws(ControlError) in service.serverModels }
    }

    func setServerState(_ name: String, _ state: ServerStateModel) async throws(ControlError) -> ServerModel {
        try await service.queue.answer { [service] () throws(ControlError) in
            try service.setServerState(name, state.state)
        }
    }

    func peers() async throws(ControlError) -> [PeerModel] { try await peering().models() }

    func pingPeer(_ name: String, timeout: Double) async throws(ControlError) -> PeerPingModel {
        try await peering().ping(name, timeout: timeout)
    }

    private func peering() throws(ControlError) -> PeeringService {
        if let peering = service.peering { return peering }
        throw ControlError(
            .conflict, "this router has no neighbours: its configuration has no [peering]",
            nextStep: "add [peering] and a [[peer]] for each neighbour, then reload")
    }

    func maps() async throws(ControlError) -> [MapModel] { try MapModel.pinned(service.dataPlane) }

    // Beside the queue: a scan of large tables must not hold up the protocol.
    func mapEntries(_ name: String, key: String?, limit: Int) async throws(ControlError) -> [MapEntryModel] {
        try MapEntryModel.entries(of: name, key: key, limit: limit, in: service.dataPlane)
    }

    func reasons() async throws(ControlError) -> [ReasonModel] { try ReasonModel.all(service.dataPlane) }

    func metrics() async throws(ControlError) -> [MetricModel] {
        let own = try await service.queue.answer { [service] () throws(ControlError) in try service.metricModels() }
        return own + (await service.peering?.metrics() ?? [])
    }

    func events() async -> AsyncStream<EventModel> { service.events.watch() }

    func unload() async throws(ControlError) {
        try await service.queue.answer { [service] () throws(ControlError) in try service.unload() }
        unloaded()
    }
}

extension AccessRouterService: DaemonRole {
    var name: String { "access-router" }

    func control(unloaded: @escaping @Sendable () -> Void) -> any ControlService {
        AccessRouterControl(service: self, started: MonotonicClock.now(), unloaded: unloaded)
    }

    func stop(restarting: Bool) { stop() }

    func unload() throws(ControlError) {
        stop()
        do {
            let removed = try dataPlane.unload()
            logger.notice("unloaded", metadata: ["removed": "\(removed.count)"])
        } catch {
            throw ControlError(failure: error)
        }
    }
}

/// The version of this build.
public enum DaemonVersion {
    public static let text = "0.1.0"
}
