import BPFKit

/// `fa_nat_work`: what functions of a program share while it translates a packet. Nothing in it outlasts that packet,
/// so there is nothing to show but how large it is.
struct NATWorkView: MapView {
    let map: BPFMapDescription

    func scan(_ body: (BPFMapDescription) -> Bool) { _ = body(map) }

    func matcher(_ key: String) throws(DataPlaneError) -> (BPFMapDescription) -> Bool {
        try KeyText.only(key)
        return { _ in true }
    }

    func entry(_ map: BPFMapDescription) -> MapEntry {
        MapEntry(key: KeyText.single, fields: ["size": FieldText.bytes(map.valueSize)])
    }
}
