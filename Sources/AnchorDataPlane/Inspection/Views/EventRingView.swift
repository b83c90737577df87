import BPFKit

/// `fa_events`: how far the ring buffer is written and read. The events themselves are taken out by the daemon.
struct EventRingView: MapView {
    let positions: BPFRingPositions

    func scan(_ body: (BPFRingPositions) -> Bool) { _ = body(positions) }

    func matcher(_ key: String) throws(DataPlaneError) -> (BPFRingPositions) -> Bool {
        try KeyText.only(key)
        return { _ in true }
    }

    func entry(_ positions: BPFRingPositions) -> MapEntry {
        MapEntry(
            key: KeyText.single,
            fields: [
                "written": FieldText.bytes(positions.written), "read": FieldText.bytes(positions.read),
                "waiting": FieldText.bytes(positions.waiting), "capacity": FieldText.bytes(positions.capacity),
            ])
    }
}
