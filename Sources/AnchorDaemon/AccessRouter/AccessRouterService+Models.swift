import AnchorCore
import AnchorDataPlane
import ControlAPI
import Glibc
import NetworkTypes

extension AccessRouterService {
    var interfaceModels: [InterfaceModel] {
        plane.ports.ports.values.sorted { $0.index < $1.index }.map { port in
            InterfaceModel(
                name: port.name, role: port.role.text, mode: port.attachment?.mode.rawValue ?? "none",
                mtu: port.link?.mtu ?? 0, isUp: port.isUp)
        }
    }

    /// What an operator should look at.
    var warnings: [String] {
        var warnings: [String] = []
        for port in plane.ports.ports.values.sorted(by: { $0.index < $1.index }) {
            if let failure = port.failure { warnings.append("\(port.name): \(failure)") }
            if port.link == nil { warnings.append("\(port.name): there is no such interface") }
            if port.attachment?.mode == .generic {
                warnings.append("\(port.name): XDP runs in generic mode, which is slow")
            }
        }
        for link in settings.access {
            guard let port = plane.ports[link.interface], port.link != nil else { continue }
            for gateway in link.gateways where !port.addresses.contains(gateway.address) {
                warnings.append(
                    "\(link.interface): it lacks the gateway address; ip addr add \(gateway) dev \(link.interface)")
            }
        }
        for server in plane.servers where server.isMarkedDown {
            warnings.append("server \(server.name) is marked down; anchorctl server up \(server.name)")
        }
        let own = Set(plane.ports.ports.values.flatMap(\.addresses)).union(plane.otherAddresses)
        for endpoint in settings.endpoints where !own.contains(endpoint) {
            warnings.append("the endpoint \(endpoint) is no address of this machine; ip addr add \(endpoint) dev lo")
        }
        // What the programs leave to the kernel, such as packets for a next hop that isn't resolved yet.
        for (family, key) in [(AddressFamily.v4, "net.ipv4.ip_forward"), (.v6, "net.ipv6.conf.all.forwarding")]
        where settings.endpoints.contains(where: { $0.family == family }) {
            let path = "/proc/sys/" + key.replacing(".", with: "/")
            let value = try? StateFile.read(path)
            if let value, value.first == UInt8(ascii: "0") {
                warnings.append("the kernel does not forward IP\(family); sysctl -w \(key)=1")
            }
        }
        return warnings + translationWarnings + MapModel.fullnessWarnings(dataPlane)
    }

    // MARK: Hosts

    /// Hosts in a part of the table, so that nothing waits while a million are listed.
    /// - Returns: them, and where to go on; `nil` at the end.
    func hostModels(from place: Int) throws(ControlError) -> (models: [HostModel], next: Int?) {
        let now = MonotonicClock.now()
        var models: [HostModel] = []
        do throws(DataPlaneError) {
            let next = try dataPlane.scanHosts(from: place, places: Self.listedPlaces) { entry, idle in
                var model = model(entry)
                model.idle = Double(idle.components.seconds) + Double(idle.components.attoseconds) / 1e18
                if let row = router.host(entry.key.address) {
                    model.expiresIn = (row.expires - now).seconds
                    model.node = row.node
                }
                models.append(model)
            }
            return (models, next)
        } catch {
            throw ControlError(failure: error)
        }
    }

    /// Places of the table that are listed in one go.
    private static let listedPlaces = 1024

    private func model(_ entry: HostEntry) -> HostModel {
        let place: HostModel.Place =
            entry.tunnel == nil ? .attached : entry.attachment == nil ? .tunnelled : .both
        var model = HostModel(address: entry.key.address, node: UInt64(entry.node), place: place)
        if entry.isUnaware {
            model.epoch = roaming == nil ? nil : entry.node
            model.node = entry.attachment?.mac.bits ?? 0
            model.anchors = plane.routers.peers(entry.anchors).sorted()
            model.previous = entry.previous > 0 ? routerNames[Int(entry.previous) - 1] : nil
            model.router = entry.tunnel.flatMap { plane.routers.peer(at: $0.peer) }
        }
        if let attachment = entry.attachment {
            model.interface = interfaceName(InterfaceID(attachment.port))
            model.mac = attachment.mac
        }
        if let tunnel = entry.tunnel {
            model.careOf = tunnel.peer
            switch tunnel.kind {
            case .ipip: model.tunnel = "ipip"
            case .gre(let key, let sequenced):
                model.tunnel = "gre"
                model.key = key
                model.sequenced = sequenced
            }
        }
        if entry.chain > 0, Int(entry.chain) <= plane.chains.count {
            model.chain = ForwardingPlane.chainName(plane.chains[Int(entry.chain) - 1])
        }
        return model
    }

    func setStaticHost(_ host: StaticHostModel) throws(ControlError) -> HostModel {
        let address = host.address
        guard !address.isUnspecified, !address.isMulticast, !address.isLoopback, !address.isLinkLocal else {
            throw ControlError(.invalid, "\(address) is no address that a host can have")
        }
        if router.host(address) != nil {
            throw ControlError(
                .conflict, "\(address) is leased to a node",
                nextStep: "delete it first: anchorctl host delete \(address)")
        }
        let own = settings.endpoints + settings.access.flatMap { $0.gateways.map(\.address) }
        guard !own.contains(address) else { throw ControlError(.conflict, "\(address) is this router's own address") }
        let binding = try StaticHosts.binding(host, plane)
        do {
            // Stored first: what an answer promised survives.
            try staticHosts.set(host)
            try plane.install(CollectionOfOne(binding))
            guard let entry = try dataPlane.host(HostKey(address)) else {
                throw ControlError(.failure, "\(address) is not in the table")
            }
            events.tell("host-added", "\(address) was added by an operator", ["address": "\(address)"])
            return model(entry)
        } catch {
            throw ControlError(failure: error)
        }
    }

    func deleteHost(_ address: IPAddress) throws(ControlError) {
        do {
            if try staticHosts.remove(address) {
                try plane.remove(address)
                events.tell("host-deleted", "\(address) was deleted by an operator", ["address": "\(address)"])
                return
            }
        } catch {
            throw ControlError(failure: error)
        }
        if let roaming, roaming.roaming.holds(address) {
            roaming.handle(.silent(address))
            _ = unaware.delete(address)
            events.tell("host-deleted", "\(address) was deleted by an operator", ["address": "\(address)"])
            return
        }
        if unaware.delete(address) {
            do {
                try plane.remove(address)
            } catch {
                throw ControlError(failure: error)
            }
            events.tell("host-deleted", "\(address) was deleted by an operator", ["address": "\(address)"])
            return
        }
        guard router.host(address) != nil else {
            throw ControlError(.notFound, "\(address) is no host of this router")
        }
        handle(.delete(address))
    }

    // MARK: Metrics

    func metricModels() throws(ControlError) -> [MetricModel] {
        let hosts = router.places
        return try MetricModel.dataPlane(dataPlane) + [
            MetricModel(
                name: "flowanchor_leases", kind: .gauge, help: "Leases by where their hosts are.",
                samples: [
                    .init(Double(hosts.attached), labels: ["place": "attached"]),
                    .init(Double(hosts.tunnelled), labels: ["place": "tunnelled"]),
                    .init(Double(hosts.both), labels: ["place": "both"]),
                ]),
            MetricModel(
                name: "flowanchor_scan_seconds", kind: .gauge,
                help: "Time spent on looking at all hosts for signs of life: the last time, and the longest.",
                samples: [
                    .init(scan.last.seconds, labels: ["which": "last"]),
                    .init(scan.longest.seconds, labels: ["which": "longest"]),
                ]),
            MetricModel(
                name: "flowanchor_scan_turn_seconds", kind: .gauge,
                help: "The longest that messages had to wait for a part of that.",
                samples: [.init(scan.longestTurn.seconds)]),
            MetricModel(
                name: "flowanchor_messages_total", kind: .counter,
                help: "Messages of the anchor protocol received, by type and result.",
                samples: counters.rows.map {
                    .init(Double($0.count), labels: ["type": $0.type, "result": $0.result])
                }),
            MetricModel(
                name: "flowanchor_events_total", kind: .counter, help: "What happened to hosts, by kind.",
                samples: counters.happened.sorted { $0.key < $1.key }.map {
                    .init(Double($0.value), labels: ["kind": $0.key])
                }),
            MetricModel(
                name: "flowanchor_server_up", kind: .gauge,
                help: "1 for a server that packets pass: its legs are all up and it is not marked down.",
                samples: plane.servers.map { .init($0.isUp ? 1 : 0, labels: ["server": $0.name]) }),
            MetricModel(
                name: "flowanchor_server_marked_down", kind: .gauge,
                help: "1 for a server that an operator took out of service.",
                samples: plane.servers.map { .init($0.isMarkedDown ? 1 : 0, labels: ["server": $0.name]) }),
            MetricModel(
                name: "flowanchor_interface_up", kind: .gauge, help: "1 for an interface that can carry packets.",
                samples: plane.ports.ports.values.sorted { $0.index < $1.index }.map {
                    .init($0.isUp ? 1 : 0, labels: ["interface": $0.name, "role": $0.role.text])
                }),
        ] + translationMetrics
    }
}
