import BPFKit
import CAtomics
import FlowAnchorABI

/// `fa_duplicates`: the packets of which copies were seen lately, by line and position in it. Their tags follow from
/// the hash's secret and are not shown.
struct DuplicatesView: MapView {
    let maps: SharedMaps
    let clock: TickClock
    /// In units of 4 jiffies.
    let now: UInt16

    struct Record: Equatable {
        var line: Int
        var position: Int
        /// Copies seen on the attached way minus copies seen through the tunnel.
        var lead: Int16
        /// Since the last one, in units of 4 jiffies.
        var age: UInt16

        /// - Returns: `nil` for an entry that is empty, or too old to count.
        init?(line: Int, position: Int, entry: UInt64, now: UInt16) {
            guard entry != 0 else { return nil }
            self.line = line
            self.position = position
            lead = Int16(truncatingIfNeeded: entry)
            age = now &- UInt16(truncatingIfNeeded: entry >> 16)
            guard UInt32(age) <= FA_DUPLICATE_LIFETIME else { return nil }
        }
    }

    func scan(_ body: (Record) -> Bool) {
        for line in 0..<maps.duplicates.count {
            for position in 0..<Int(FA_DUPLICATE_ENTRIES) {
                if let record = record(line, position), !body(record) { return }
            }
        }
    }

    /// Whether any entry of the line counts.
    func isInUse(_ line: Int) -> Bool { (0..<Int(FA_DUPLICATE_ENTRIES)).contains { record(line, $0) != nil } }

    private func record(_ line: Int, _ position: Int) -> Record? {
        let entry = ca_load_relaxed_u64(maps.duplicates.pointer(to: line) + position * MemoryLayout<UInt64>.size)
        return Record(line: line, position: position, entry: entry, now: now)
    }

    func matcher(_ key: String) throws(DataPlaneError) -> (Record) -> Bool {
        let parts = key.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let line = try KeyText.number(parts[0], of: "a line")
        guard parts.count == 2 else { return { $0.line == line } }
        let position = try KeyText.number(parts[1], of: "a position")
        return { $0.line == line && $0.position == position }
    }

    func entry(_ record: Record) -> MapEntry {
        let tenths = Int(clock.duplicateUnit * Int(record.age) / .milliseconds(100))
        return MapEntry(
            key: "\(record.line).\(record.position)",
            fields: ["lead": record.leadText, "age": "\(tenths / 10).\(tenths % 10) s"])
    }
}

extension DuplicatesView.Record {
    /// Which way is ahead, and by how many packets.
    var leadText: String { lead == 0 ? "none" : lead > 0 ? "attached \(lead)" : "tunnel \(-Int(lead))" }
}
