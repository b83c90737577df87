import AnchorDataPlane
import ControlAPI
import NetworkTypes

/// NAT, as operators see it. What reads whole tables is for any thread: it must not hold up the protocol.
extension SubscriberModel {
    init(_ subscriber: NATSubscriber, _ table: NATTable) {
        let ports = table.portsInUse(subscriber.blocks)
        self.init(
            inside: subscriber.inside, outside: subscriber.outside, ports: subscriber.blocks.map(\.description),
            tcp: ports.tcp, udp: ports.udp, icmp: ports.icmp, flows: subscriber.flows,
            flowLimit: subscriber.flowLimit, refused: UInt64(subscriber.refused))
    }

    /// All of them, in the order of their inside addresses.
    static func all(_ table: NATTable) -> [SubscriberModel] {
        var models: [SubscriberModel] = []
        _ = table.scanSubscribers(from: 0, places: .max) { models.append(SubscriberModel($0, table)) }
        return models.sorted { $0.inside < $1.inside }
    }

    static func one(_ inside: IPAddress, _ table: NATTable) throws(ControlError) -> SubscriberModel {
        guard let subscriber = table.subscriber(inside) else {
            throw ControlError(
                .notFound, "\(inside) is not translated",
                nextStep: "'anchorctl nat list' shows who is; 'anchorctl host list' who is a host")
        }
        return SubscriberModel(subscriber, table)
    }
}

extension TranslatedFlowModel {
    /// - Parameter routers: names of the other routers, by their indices.
    init(_ flow: NATFlow, _ routers: [Int: String]) {
        self.init(
            transport: Self.name(of: flow.transport), inside: flow.inside, insidePort: flow.insidePort,
            anchor: flow.anchor.map { routers[Int($0)] ?? "router \($0)" }, outside: flow.outside,
            outsidePort: flow.outside == nil ? nil : flow.outsidePort, correspondent: flow.remote,
            correspondentPort: flow.remotePort, state: flow.state.rawValue, idleUp: flow.idleUp.inSeconds,
            idleDown: flow.idleDown.inSeconds)
    }

    /// Those that the query names, as the table has them.
    static func matching(
        _ query: TranslatedFlowQuery, in dataPlane: KernelDataPlane, routers: [Int: String]
    ) throws(ControlError) -> [TranslatedFlowModel] {
        var models: [TranslatedFlowModel] = []
        do throws(DataPlaneError) {
            _ = try dataPlane.scanTranslatedFlows { flow in
                let isWanted =
                    (query.host == nil || flow.inside == query.host)
                    && (query.transport == nil || name(of: flow.transport) == query.transport?.rawValue)
                if isWanted { models.append(TranslatedFlowModel(flow, routers)) }
                return models.count < query.limit
            }
        } catch {
            throw ControlError(failure: error)
        }
        return models
    }

    private static func name(of transport: UInt8) -> String {
        switch transport {
        case 6: "tcp"
        case 17: "udp"
        default: "icmp"
        }
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

extension ControlError {
    /// This router has no NAT.
    static let notTranslating = ControlError(
        .conflict, "this router translates nothing", nextStep: "add [access-router.nat] to its configuration")
}
