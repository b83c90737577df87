import AnchorDataPlane
import ControlAPI

extension MapModel {
    /// The tables that are full to 80 % and more, of those that refuse what comes once they are full. Translations have
    /// no map behind their table, and must never be as full.
    static func nearlyFull(_ dataPlane: KernelDataPlane) throws(ControlError) -> [MapModel] {
        try pinned(dataPlane, where: { $0?.refusesWhenFull == true }).filter { map in
            (map.fill ?? 0) >= (DataPlaneMap(rawValue: map.name) == .translations ? NATCapacity.warningFill : 0.8)
        }
    }

    /// A line for each of ``nearlyFull(_:)``.
    static func fullnessWarnings(_ dataPlane: KernelDataPlane) -> [String] {
        do throws(ControlError) {
            return try nearlyFull(dataPlane).map(\.fullness)
        } catch {
            return ["how full the tables are is not known: \(error)"]
        }
    }

    /// How full it is, and the key of the configuration that makes it larger.
    var fullness: String {
        let text = "\(name) is nearly full (\(entries ?? 0) of \(capacity))"
        return switch DataPlaneMap(rawValue: name) {
        case .hosts, .hostSpill: text + "; raise host-capacity"
        case .subscribers: text + "; raise host-capacity"
        case .translations:
            "\(name) is nearly as full as it is made for (\(entries ?? 0) of \(capacity)); "
                + "raise flow-capacity of [access-router.nat]"
        case .flows: text + "; raise flow-capacity"
        default: text
        }
    }
}

/// Says of each table once that it fills up, and again when it has been less full meanwhile.
struct FullnessWatch {
    private var known: Set<String> = []

    /// - Parameter full: the tables that are nearly full now.
    /// - Returns: those that were not the last time.
    mutating func news(_ full: [MapModel]) -> [MapModel] {
        defer { known = Set(full.map(\.name)) }
        return full.filter { !known.contains($0.name) }
    }
}
