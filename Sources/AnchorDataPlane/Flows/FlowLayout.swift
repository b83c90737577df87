import FlowAnchorABI

/// Slots of the flow table.
enum FlowLayout: SlotLayout {
    static func equals(_ slot: UnsafePointer<fa_flow>, _ key: FlowKey) -> Bool { FlowKey(slot.pointee.key) == key }
}
