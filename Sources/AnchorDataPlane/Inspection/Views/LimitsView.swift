import BPFKit
import FlowAnchorABI

/// `fa_limits`: the messages of the programs' own, for each processor.
struct LimitsView: MapView {
    typealias Record = (processor: Int, limit: fa_limit)

    let maps: SharedMaps
    let clock: TickClock
    let now: UInt32

    func scan(_ body: (Record) -> Bool) throws(DataPlaneError) {
        let limits = try Result { () throws(BPFError) in try maps.limits.values(0) }.unwrapped()
        for record in limits.enumerated() where !body((record.offset, record.element)) { return }
    }

    func matcher(_ key: String) throws(DataPlaneError) -> (Record) -> Bool {
        let processor = try KeyText.processor(key)
        return { $0.processor == processor }
    }

    func entry(_ record: Record) -> MapEntry {
        MapEntry(key: KeyText.processor(record.processor), fields: record.limit.fields(clock, at: now))
    }
}

extension fa_limit {
    func fields(_ clock: TickClock, at now: UInt32) -> [String: String] {
        // All zero until the first one.
        let age = tick == 0 && used == 0 ? "never" : FieldText.seconds(clock.age(of: tick, at: now))
        let heldAge = held_tick == 0 && held == 0 ? "never" : FieldText.seconds(clock.age(of: held_tick, at: now))
        return [
            "used": "\(used)", "allowed": "\(FA_LIMIT_RATE)", "age": age, "held": "\(held)",
            "held_allowed": "\(FA_LIMIT_HELD)", "held_age": heldAge,
        ]
    }
}
