import BPFKit

/// `fa_reasons`: packets by the reason's name, the sum of all processors.
struct ReasonsView: MapView {
    typealias Record = (reason: Reason, packets: UInt64)

    let maps: SharedMaps

    func scan(_ body: (Record) -> Bool) throws(DataPlaneError) {
        do throws(BPFError) {
            for reason in Reason.all {
                if !body((reason, try maps.reasons.sum(reason.number))) { return }
            }
        } catch {
            throw .bpf(error)
        }
    }

    func matcher(_ key: String) throws(DataPlaneError) -> (Record) -> Bool {
        guard let wanted = Reason(name: key) else { throw .invalid("there is no reason '\(key)'") }
        return { $0.reason == wanted }
    }

    func entry(_ record: Record) -> MapEntry {
        MapEntry(
            key: record.reason.name,
            fields: ["packets": "\(record.packets)", "kind": record.reason.kind.rawValue])
    }
}
