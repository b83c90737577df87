import AnchorDataPlane
import BPFKit
import CBPF
import ControlAPI

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
        var overflowed: [MetricModel.Sample] = []
        do throws(DataPlaneError) {
            for map in dataPlane.inspectedMaps {
                guard let count = try dataPlane.overflowed(of: map) else { continue }
                overflowed.append(.init(Double(count), labels: ["table": map.rawValue]))
            }
        } catch {
            throw ControlError(failure: error)
        }
        return [
            MetricModel(
                name: "flowanchor_packets_total", kind: .counter,
                help: "Packets that the programs did not simply pass, by reason.",
                samples: reasons.map { .init(Double($0.packets), labels: ["reason": $0.reason, "kind": $0.kind]) }),
            MetricModel(
                name: "flowanchor_table_entries", kind: .gauge, help: "Entries in use; of a ring buffer, bytes.",
                samples: tables.map { .init(Double($0.entries ?? 0), labels: ["table": $0.name]) }),
            MetricModel(
                name: "flowanchor_table_capacity", kind: .gauge, help: "Entries that fit; into a ring buffer, bytes.",
                samples: tables.map { .init(Double($0.capacity), labels: ["table": $0.name]) }),
            MetricModel(
                name: "flowanchor_table_overflowed_total", kind: .counter,
                help: "Inserts that found no slot: hosts went to the map behind the table, flows are not recorded.",
                samples: overflowed),
            MetricModel(
                name: "flowanchor_table_spilled", kind: .gauge,
                help: "Hosts that found no slot and are in the map behind the table.",
                samples: [.init(Double(dataPlane.hostTable.spilled), labels: ["table": "fa_hosts"])]),
        ]
    }
}

extension MapModel {
    /// The instance's maps, with how full those are that fill up.
    /// - Parameter isWanted: which of them; others are not looked at.
    static func pinned(
        _ dataPlane: KernelDataPlane, where isWanted: (DataPlaneMap?) -> Bool = { _ in true }
    ) throws(ControlError) -> [MapModel] {
        var models: [MapModel] = []
        for map in dataPlane.mapDescriptions {
            let kind = DataPlaneMap(rawValue: map.name)
            guard isWanted(kind) else { continue }
            var model = MapModel(
                name: map.name, type: typeName(map.type), keySize: Int(map.keySize), valueSize: Int(map.valueSize),
                capacity: Int(map.capacity), entries: nil)
            do {
                if let kind { model.entries = try dataPlane.entriesInUse(of: kind) }
            } catch {
                throw ControlError(failure: error)
            }
            models.append(model)
        }
        return models
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
