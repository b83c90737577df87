import AnchorDataPlane
import BPFKit
import CBPF
import ControlAPI
import NetworkTypes

extension ReasonModel {
    /// Every reason with its counter.
    static func all(_ dataPlane: any DataPlane) throws(ControlError) -> [ReasonModel] {
        let counts: [Reason: UInt64]
        do { counts = try dataPlane.reasonCounts() } catch { throw ControlError(failure: error) }
        return Reason.all.map {
            ReasonModel(reason: $0.name, kind: $0.kind.rawValue, packets: counts[$0] ?? 0, meaning: $0.text)
        }
    }
}

extension MetricModel {
    /// What is counted and filled in any role's data plane.
    static func dataPlane(_ dataPlane: KernelDataPlane) throws(ControlError) -> [MetricModel] {
        let reasons = try ReasonModel.all(dataPlane)
        let tables = try MapModel.pinned(dataPlane).filter { $0.entries != nil }
        return [
            MetricModel(
                name: "flowanchor_packets_total", kind: .counter,
                help: "Packets that the programs did not simply pass, by reason.",
                samples: reasons.map { .init(Double($0.packets), labels: ["reason": $0.reason, "kind": $0.kind]) }),
            MetricModel(
                name: "flowanchor_table_entries", kind: .gauge, help: "Entries in use.",
                samples: tables.map { .init(Double($0.entries ?? 0), labels: ["table": $0.name]) }),
            MetricModel(
                name: "flowanchor_table_capacity", kind: .gauge, help: "Entries that fit.",
                samples: tables.map { .init(Double($0.capacity), labels: ["table": $0.name]) }),
            MetricModel(
                name: "flowanchor_table_spilled", kind: .gauge,
                help: "Hosts that found no slot and are in the map behind the table.",
                samples: [.init(Double(dataPlane.hostTable.spilled), labels: ["table": "fa_hosts"])]),
        ]
    }
}

extension MapModel {
    /// The instance's maps, with how full those are that fill up.
    static func pinned(_ dataPlane: KernelDataPlane) throws(ControlError) -> [MapModel] {
        dataPlane.mapDescriptions.map { map in
            let entries: Int? =
                switch map.name {
                case "fa_hosts": dataPlane.hostTable.entries - dataPlane.hostTable.spilled
                case "fa_hosts_spill": dataPlane.hostTable.spilled
                case "fa_paths": dataPlane.paths.count
                case "fa_ports": (0..<PortIndex(Port.limit)).count { dataPlane.port($0) != nil }
                default: nil
                }
            return MapModel(
                name: map.name, type: typeName(map.type), keySize: Int(map.keySize), valueSize: Int(map.valueSize),
                capacity: Int(map.capacity), entries: entries)
        }
    }

    private static func typeName(_ type: UInt32) -> String {
        let names = [
            BPF_MAP_TYPE_HASH: "hash", BPF_MAP_TYPE_ARRAY: "array", BPF_MAP_TYPE_PERCPU_ARRAY: "percpu_array",
            BPF_MAP_TYPE_LRU_HASH: "lru_hash", BPF_MAP_TYPE_DEVMAP: "devmap", BPF_MAP_TYPE_RINGBUF: "ringbuf",
            BPF_MAP_TYPE_PERCPU_HASH: "percpu_hash",
        ].map { ($0.key.rawValue, $0.value) }
        return names.first { $0.0 == type }?.1 ?? "type \(type)"
    }
}

/// Entries of a table in words.
struct MapEntries {
    private let dataPlane: KernelDataPlane
    private let limit: Int

    init(_ dataPlane: KernelDataPlane, limit: Int) {
        self.dataPlane = dataPlane
        self.limit = limit
    }

    func of(_ name: String) throws(ControlError) -> [MapEntryModel] {
        switch name {
        case "fa_hosts": return try hosts()
        case "fa_paths": return dataPlane.paths.prefix(limit).map(path)
        case "fa_ports": return ports().prefix(limit).map { $0 }
        case "fa_chains": return chains().prefix(limit).map { $0 }
        case "fa_config": return [configuration()]
        case "fa_reasons":
            return try ReasonModel.all(dataPlane).prefix(limit).map {
                MapEntryModel(key: $0.reason, fields: ["packets": "\($0.packets)", "kind": $0.kind])
            }
        default:
            guard dataPlane.mapDescriptions.contains(where: { $0.name == name }) else {
                let names = dataPlane.mapDescriptions.map(\.name).sorted().joined(separator: ", ")
                throw ControlError(.notFound, "there is no map '\(name)'", nextStep: "there are: \(names)")
            }
            throw ControlError(
                .invalid, "the entries of \(name) are not shown", nextStep: "bpftool map dump shows their bytes")
        }
    }

    private func hosts() throws(ControlError) -> [MapEntryModel] {
        var entries: [MapEntryModel] = []
        do throws(DataPlaneError) {
            try dataPlane.scanHosts { entry, idle in
                var fields = [
                    "node": "\(entry.node)", "chain": "\(entry.chain)", "idle": "\(idle.components.seconds) s",
                ]
                if let attachment = entry.attachment {
                    fields["mac"] = "\(attachment.mac)"
                    fields["port"] = "\(attachment.port)"
                }
                if let tunnel = entry.tunnel {
                    fields["peer"] = "\(tunnel.peer)"
                    fields["path"] = "\(tunnel.path)"
                    fields["tunnel"] = "\(tunnel.kind)"
                }
                if entry.isBicast { fields["bicast"] = "true" }
                if entry.isOwn { fields["own"] = "true" }
                entries.append(MapEntryModel(key: "\(entry.key.address)", fields: fields))
                return entries.count < limit
            }
        } catch {
            throw ControlError(failure: error)
        }
        return entries
    }

    private func path(_ path: PathEntry) -> MapEntryModel {
        var fields = [
            "next-hop": "\(path.specification.nextHop)", "resolved": "\(path.isResolved)", "mtu": "\(path.mtu)",
            "users": "\(path.users)",
        ]
        if let outer = path.specification.encapsulation {
            fields["source"] = "\(outer.source)"
            fields["tunnel"] = "\(outer.kind)"
        }
        return MapEntryModel(key: "\(path.index)", fields: fields)
    }

    private func ports() -> [MapEntryModel] {
        (0..<PortIndex(Port.limit)).compactMap { index in
            dataPlane.port(index).map { port in
                MapEntryModel(
                    key: "\(index)",
                    fields: [
                        "role": port.role.text, "interface": port.name, "mac": "\(port.mac)", "mtu": "\(port.mtu)",
                        "addresses": port.addresses.map(\.description).joined(separator: " "),
                        "next-up": "\(port.nextUp)", "next-down": "\(port.nextDown)",
                    ])
            }
        }
    }

    private func chains() -> [MapEntryModel] {
        (ChainIndex(1)..<256).compactMap { index in
            switch dataPlane.chain(index) {
            case .bypass: nil
            case .refuse: MapEntryModel(key: "\(index)", fields: ["refuse": "true"])
            case .through(let up, let down):
                MapEntryModel(key: "\(index)", fields: ["up": "\(up)", "down": "\(down)"])
            }
        }
    }

    private func configuration() -> MapEntryModel {
        let configuration = dataPlane.configuration
        return MapEntryModel(
            key: "0",
            fields: [
                "endpoints": configuration.endpoints.map(\.description).joined(separator: " "),
                "pools": configuration.pools.map(\.description).joined(separator: " "),
                "routes": configuration.routes.map { "\($0.prefix)→\($0.path)" }.joined(separator: " "),
                "default-v4": "\(configuration.defaultPathV4)", "default-v6": "\(configuration.defaultPathV6)",
                "mss-v4": "\(configuration.maximumSegmentV4)", "mss-v6": "\(configuration.maximumSegmentV6)",
                "routes-by-kernel": "\(configuration.routesByKernel)",
            ])
    }
}
