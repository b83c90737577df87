import BPFKit

/// `fa_nat_work` and `fa_deferred`: what functions of a program leave each other while they are at one packet. Nothing
/// in them outlasts that packet, so there is nothing to show but how large they are.
struct ScratchView: MapView {
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
