import BPFKit
import FlowAnchorABI
import NetworkTypes

/// A flow that is translated, here or where it began, seen from its host.
public struct NATFlow: Hashable, Sendable {
    /// IP protocol number: 1, 6 or 17.
    public var transport: UInt8
    public var inside: IPAddress
    /// Of an ICMP query, its identifier.
    public var insidePort: UInt16
    /// The router where it began, by its index; `nil`: here. One from elsewhere has no outside address here.
    public var anchor: UInt32?
    public var outside: IPAddress?
    public var outsidePort: UInt16
    public var remote: IPAddress
    public var remotePort: UInt16
    public var state: NATFlowState
    /// Since the last packet from the host, and since the last one from the core, in ticks or as a time.
    public var idleUp: Duration
    public var idleDown: Duration

    public var idle: Duration { min(idleUp, idleDown) }
}

extension NATTable {
    /// Calls `body` with the flows in a part of the table, each as it was at one moment.
    /// - Parameters:
    ///   - place: where to begin, 0 at first.
    ///   - count: places to go through; most are of other kinds.
    ///   - idle: how long ago a tick was.
    ///   - body: returns `false` to end.
    /// - Returns: where to go on; `nil` at the end, or when `body` has had enough.
    func scanFlows(
        from place: Int, places count: Int, idle: (UInt32) -> Duration, _ body: (NATFlow) -> Bool
    ) -> Int? {
        let capacity = memory.translations.capacity
        guard place < capacity else { return nil }
        let end = count < capacity - place ? place + count : capacity
        for index in place..<end {
            let word = memory.translations.word(index)
            let kind = memory.translations.slots[index].key.kind
            guard word.isInUse, kind == NATKind.up || kind == NATKind.away else { continue }
            let up = memory.translations.slots[index]
            let down = memory.translations.slots[Int(up.twin) & (capacity - 1)]
            guard memory.translations.word(index) == word else { continue }
            if !body(kind == NATKind.away ? NATFlow(away: up, idle) : NATFlow(up, down, idle)) { return nil }
        }
        return end < capacity ? end : nil
    }
}

extension NATFlow {
    fileprivate init(away slot: fa_translation, _ idle: (UInt32) -> Duration) {
        let key = FlowKey(slot.key)
        self.init(
            transport: key.transport, inside: key.local, insidePort: key.localPort, anchor: slot.router, outside: nil,
            outsidePort: 0, remote: key.remote, remotePort: key.remotePort, state: .away,
            idleUp: idle(slot.last_seen), idleDown: idle(slot.last_seen))
    }

    fileprivate init(_ up: fa_translation, _ down: fa_translation, _ idle: (UInt32) -> Duration) {
        let key = FlowKey(up.key)
        let isWhole = down.key.kind == NATKind.down && down.mapping == up.mapping
        self.init(
            transport: key.transport, inside: key.local, insidePort: key.localPort,
            outside: IPAddress(v4: UInt32(bigEndian: up.address_be)), outsidePort: UInt16(bigEndian: up.port_be),
            remote: key.remote, remotePort: key.remotePort,
            state: NATFlowState(
                transport: key.transport, seenUp: up.seen, seenDown: isWhole ? down.seen : 0),
            idleUp: idle(up.last_seen), idleDown: idle(isWhole ? down.last_seen : up.last_seen))
    }
}
