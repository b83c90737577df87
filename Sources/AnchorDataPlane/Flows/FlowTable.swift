import BPFKit
import CAtomics
import FlowAnchorABI
import NetworkTypes

/// A mobile node's flow table. The programs make its entries; here they are read, marked as ended and taken out.
/// Methods may be called from any thread.
public final class FlowTable: Sendable {
    private let slots: BPFArrayRegion<fa_flow>
    private let state: BPFArrayRegion<fa_table_state>
    private let clock: TickClock

    init(
        slots: borrowing BPFMap<UInt32, fa_flow>, state: borrowing BPFMap<UInt32, fa_table_state>, clock: TickClock
    ) throws(BPFError) {
        self.slots = try BPFArrayRegion(slots)
        self.state = try BPFArrayRegion(state)
        self.clock = clock
    }

    /// Calls `body` with each flow until it returns `false`. Flows that come or go meanwhile may be missed.
    public func scan(_ body: (FlowEntry) -> Bool) throws(DataPlaneError) {
        try visit { entry, _, _ in body(entry) }
    }

    /// Takes out the flows for which `condition` holds: their ports are free for others.
    /// - Returns: how many.
    @discardableResult
    public func remove(where condition: (FlowEntry) -> Bool) throws(DataPlaneError) -> Int {
        var count = 0
        try visit { entry, index, word in
            // Not if it changed meanwhile: then another packet has use for it.
            if condition(entry), take(out: index, word) { count += 1 }
            return true
        }
        return count
    }

    /// Takes note that nothing more is to be expected of these flows. A TCP flow stays in the table as an ended one
    /// for a while: what still comes of it would otherwise count as a new flow.
    public func end(_ keys: Set<FlowKey>) throws(DataPlaneError) {
        guard !keys.isEmpty else { return }
        try visit { entry, index, word in
            guard keys.contains(entry.key) else { return true }
            if entry.key.transport == FlowTable.tcp {
                let seen = slots.pointer(to: index) + MemoryLayout<fa_flow>.offset(of: \.seen)!
                ca_fetch_or_u32(seen, UInt32(FA_FLOW_RST))
            } else {
                _ = take(out: index, word)
            }
            return true
        }
    }

    public var statistics: TableStatistics {
        let live = state.pointer(to: 0) + MemoryLayout<fa_table_state>.offset(of: \.live)!
        return TableStatistics(entries: Int(ca_load_relaxed_u64(live)), capacity: slots.count, spilled: 0)
    }

    /// Calls `body` with each flow as it is in memory, until it returns `false`.
    func visitSlots(_ body: (fa_flow) -> Bool) {
        SlotTable<FlowLayout>(slots: slots.base, capacity: slots.count, state: state.base)
            .visit({ slot, _, _ in slot.pointee }, body)
    }

    private static let tcp: UInt8 = 6

    private func take(out index: Int, _ word: SlotWord) -> Bool {
        guard ca_compare_exchange_u64(slots.pointer(to: index), word.raw, word.next(.free, tag: 0).raw) else {
            return false
        }
        let live = state.pointer(to: 0) + MemoryLayout<fa_table_state>.offset(of: \.live)!
        _ = ca_fetch_add_u64(live, UInt64.max)
        return true
    }

    private func visit(_ body: (FlowEntry, Int, SlotWord) -> Bool) throws(DataPlaneError) {
        let now: UInt32
        do throws(BPFError) { now = try clock.now() } catch { throw .bpf(error) }
        for index in 0..<slots.count {
            let place = slots.pointer(to: index)
            let word = SlotWord(raw: ca_load_acquire_u64(place))
            guard word.isInUse else { continue }
            let entry = entry(place.assumingMemoryBound(to: fa_flow.self), now)
            guard ca_load_acquire_u64(place) == word.raw else { continue }
            if !body(entry, index, word) { return }
        }
    }

    private func entry(_ slot: UnsafePointer<fa_flow>, _ now: UInt32) -> FlowEntry {
        let flow = slot.pointee
        let anchor = flow.anchor.address
        let fins = UInt32(FA_FLOW_FINS)
        return FlowEntry(
            key: FlowKey(flow.key),
            anchor: anchor.isUnspecified ? nil : anchor,
            hasBegun: flow.seen & UInt32(FA_FLOW_SYN_UP | FA_FLOW_SYN_DOWN) != 0,
            isEnded: flow.seen & UInt32(FA_FLOW_RST) != 0 || flow.seen & fins == fins,
            idle: clock.age(of: flow.last_seen, at: now),
            age: clock.age(of: flow.first_seen, at: now),
            packetsUp: flow.packets_up, bytesUp: flow.bytes_up,
            packetsDown: flow.packets_down, bytesDown: flow.bytes_down)
    }
}

extension KernelDataPlane {
    /// The flow table of a mobile node's instance.
    /// - Throws: for an instance of another role, which has none.
    public func flowTable() throws(DataPlaneError) -> FlowTable {
        guard let slots = maps.handles["fa_flows"], let state = maps.handles["fa_flows_state"] else {
            throw .invalid("instance \(options.instance) is not a mobile node's: it has no flow table")
        }
        do throws(BPFError) {
            return try FlowTable(slots: slots.typed(), state: state.typed(), clock: clock)
        } catch {
            throw .bpf(error)
        }
    }
}
