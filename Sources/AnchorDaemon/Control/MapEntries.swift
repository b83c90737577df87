import AnchorDataPlane
import ControlAPI

extension MapEntryModel {
    /// Entries of a map, decoded.
    ///
    /// - Parameters:
    ///   - key: only those that it names; there must be one.
    ///   - limit: at most so many.
    static func entries(
        of name: String, key: String?, limit: Int, in dataPlane: KernelDataPlane
    ) throws(ControlError) -> [MapEntryModel] {
        guard let map = DataPlaneMap(rawValue: name), dataPlane.inspectedMaps.contains(map) else {
            let names = dataPlane.mapDescriptions.map(\.name).sorted().joined(separator: ", ")
            throw ControlError(.notFound, "there is no map '\(name)'", nextStep: "there are: \(names)")
        }
        let entries: [MapEntry]
        do throws(DataPlaneError) {
            entries = try dataPlane.entries(of: map, key: key, limit: limit)
        } catch {
            guard case .invalid(let text) = error else { throw ControlError(failure: error) }
            throw ControlError(.invalid, text, nextStep: "'anchorctl map dump \(name)' shows what keys look like")
        }
        if let key, entries.isEmpty {
            // A host may be in either.
            let other = map == .hosts && dataPlane.hostTable.spilled > 0
            throw ControlError(
                .notFound, "no \(key) in \(name)", nextStep: other ? "it may be in fa_hosts_spill" : nil)
        }
        return entries.map { MapEntryModel(key: $0.key, fields: $0.fields) }
    }
}
