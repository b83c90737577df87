import NetworkTypes

extension ModelNAT {
    /// Which ports of blocks are taken, for each protocol by itself.
    struct Ports {
        struct Key: Hashable {
            var block: PortBlock
            var transport: Transport
        }

        /// Counted from the block's first port.
        private(set) var taken: [Key: Set<Int>] = [:]

        /// Ports that are looked at in one go: those of one word.
        static let group = 64

        /// Takes the first free port of the block: groups in turn from one, in each the ports in turn from one.
        /// - Parameter begin: where to begin, which nobody outside can tell (RFC 6056, section 3.3).
        /// - Returns: the port, and whether there was a full group before it; `nil` if all are taken.
        mutating func take(_ key: Key, begin: UInt32) -> (port: UInt16, hasPassedFull: Bool)? {
            let groups = PortBlock.size / Self.group
            let first = Int(begin) % groups
            let turn = Int(begin) / groups % Self.group
            let taken = self.taken[key, default: []]
            for step in 0..<groups {
                let start = (first + step) % groups * Self.group
                for port in 0..<Self.group {
                    let place = start + (turn + port) % Self.group
                    guard !taken.contains(place) else { continue }
                    set(key, place)
                    return (key.block.ports.lowerBound + UInt16(place), step > 0)
                }
            }
            return nil
        }

        mutating func set(_ key: Key, _ place: Int) { taken[key, default: []].insert(place) }

        mutating func giveBack(_ key: Key, _ port: UInt16) {
            taken[key]?.remove(Int(port - key.block.ports.lowerBound))
        }
    }

    /// A port for a new mapping, of the subscriber's first block that has one; asks for another block when the last one
    /// is well used.
    mutating func takePort(for tuple: Tuple) throws(Refusal) -> (key: Ports.Key, port: UInt16) {
        let blocks = subscribers[tuple.local.address]?.blocks ?? []
        let begin = UInt32(truncatingIfNeeded: hash(NATKind.up, tuple) >> 17)
        for block in blocks {
            let key = Ports.Key(block: block, transport: tuple.transport)
            trace?.note(.ports(key))
            guard let found = ports.take(key, begin: begin) else { continue }
            if found.hasPassedFull && block == blocks.last { subscribers[tuple.local.address]?.wantsBlock = true }
            return (key, found.port)
        }
        subscribers[tuple.local.address]?.wantsBlock = true
        throw .portsExhausted
    }
}
