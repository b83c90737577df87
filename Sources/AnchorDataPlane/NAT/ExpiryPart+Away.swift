import FlowAnchorABI

extension ExpiryPart {
    /// A flow that began elsewhere: what its host says is all that is seen of it here.
    @inline(__always)
    mutating func lookAtAway(_ index: Int, _ word: SlotWord) {
        let slot = slots + index
        let limit: UInt32
        switch slot.pointee.key.`protocol` {
        case 6:
            let isClosing = slot.pointee.seen & (FA_NAT_FIN | FA_NAT_RST) != 0
            limit = isClosing ? ticks.tcpTransitory : ticks.tcpEstablished
        case 17: limit = ticks.udp
        default: limit = ticks.icmp
        }
        let isOver = age(slot.pointee.last_seen) > limit &+ NATTicks.awayMargin
        let owner = slot.pointee.subscriber
        guard isOver || isSweeping && leaving.contains(owner), take(index, word) else {
            result.counts.awayFlows += 1
            return
        }
        torn.insert(owner % UInt32(memory.subscribers.capacity))
        result.awayFlowsRemoved += 1
    }
}
