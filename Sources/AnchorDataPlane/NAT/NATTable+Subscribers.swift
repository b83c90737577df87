import CAtomics
import FlowAnchorABI
import NetworkTypes

extension NATTable {
    /// Makes an inside host a subscriber, or changes one: from here on programs make flows for it.
    ///
    /// - Parameters:
    ///   - inside: IPv4.
    ///   - outside: the address that all its flows leave from; of a subscriber that is there already, the same as before.
    ///   - flowLimit: flows that it may have at once.
    ///   - blocks: ports of `outside` that nobody else has, at most ``PortBlock/perSubscriber``. Those that a
    ///     subscriber has already stay its own, named here or not.
    /// - Throws: if the table is full, or what is asked for can't be.
    public func setSubscriber(
        inside: IPAddress, outside: IPAddress, flowLimit: Int, blocks: [PortBlock]
    ) throws(DataPlaneError) {
        guard inside.isV4, let outsideBits = outside.v4Bits else {
            throw .invalid("subscriber \(inside): both addresses are IPv4")
        }
        guard let number = memory.outsideNumber(outsideBits.bigEndian) else {
            throw .invalid("subscriber \(inside): \(outside) is no outside address")
        }
        guard blocks.allSatisfy({ $0.outside == number && $0.number >= PortBlock.first }) else {
            throw .invalid("subscriber \(inside): a block that isn't one of \(outside)'s")
        }
        let limit = UInt32(clamping: flowLimit)
        let result = writer.withLock { _ -> Result<Void, DataPlaneError> in
            let key = fa_subscriber_key(inside)
            let hash = memory.hash(key)
            while true {
                if let found = memory.subscribers.find(hash, key) {
                    return Result { () throws(DataPlaneError) in try change(found.index, outside, limit, blocks) }
                }
                guard blocks.count <= PortBlock.perSubscriber else {
                    return .failure(.invalid("subscriber \(inside): more than \(PortBlock.perSubscriber) blocks"))
                }
                switch memory.subscribers.claim(hash, key, balances: true) {
                case .claimed(let claim):
                    fill(claim.index, key, outsideBits, limit, blocks)
                    memory.subscribers.publish(claim)
                    return .success(())
                case .exists, .contended: continue
                case .full:
                    return .failure(.tableFull(table: "subscribers", capacity: memory.subscribers.capacity))
                }
            }
        }
        try result.get()
    }

    private func fill(
        _ index: Int, _ key: fa_subscriber_key, _ outside: UInt32, _ limit: UInt32, _ blocks: [PortBlock]
    ) {
        let slot = memory.subscribers.slots + index
        slot.pointee.key = key
        slot.pointee.outside_be = outside.bigEndian
        slot.pointee.flow_limit = limit
        slot.pointee.flows = 0
        slot.pointee.wants_block = 0
        slot.pointee.refused = 0
        slot.pointee.chain = 0
        slot.pointee.pad = (0, 0, 0, 0, 0)
        for place in 0..<PortBlock.perSubscriber {
            setBlock(place, of: index, to: place < blocks.count ? blocks[place].index : 0)
        }
        slot.pointee.block_count = UInt32(blocks.count)
    }

    private func change(
        _ index: Int, _ outside: IPAddress, _ limit: UInt32, _ blocks: [PortBlock]
    ) throws(DataPlaneError) {
        let slot = memory.subscribers.slots + index
        let known = NATSubscriber(slot, index: index)
        guard known.outside == outside else {
            throw .invalid("subscriber \(known.inside): its outside address is \(known.outside) while it has flows")
        }
        let missing = blocks.filter { !known.blocks.contains($0) }
        guard known.blocks.count + missing.count <= PortBlock.perSubscriber else {
            throw .invalid("subscriber \(known.inside): more than \(PortBlock.perSubscriber) blocks")
        }
        ca_store_relaxed_u32(UnsafeMutableRawPointer(slot) + NATOffset.flowLimit, limit)
        for block in missing { append(block, to: index) }
    }

    // MARK: Blocks

    /// Gives a subscriber another block, and takes its wish for one as granted.
    /// - Parameter block: of its outside address, and nobody's.
    /// - Returns: `false` if there is no such subscriber, or it has as many as there can be.
    @discardableResult
    public func grant(_ block: PortBlock, to inside: IPAddress) -> Bool {
        writer.withLock { _ in
            guard let index = place(of: inside),
                ca_load_relaxed_u32(field(NATOffset.blockCount, of: index)) < PortBlock.perSubscriber
            else { return false }
            append(block, to: index)
            ca_store_release_u32(field(NATOffset.wantsBlock, of: index), 0)
            return true
        }
    }

    /// Takes blocks that are wholly unused from their subscribers; each keeps one.
    ///
    /// A program that runs meanwhile may take a port of one: such a block stays with its subscriber.
    /// - Returns: those that are nobody's now.
    public func takeBack(_ wanted: [(block: PortBlock, inside: IPAddress)]) -> [(block: PortBlock, inside: IPAddress)] {
        let hidden = writer.withLock { _ in wanted.filter { hide($0.block, of: $0.inside) } }
        guard !hidden.isEmpty else { return [] }
        // Whoever found it in the list has taken its port by then.
        isQuiet()
        return writer.withLock { writer in
            hidden.filter { wanted in
                if memory.isUnused(wanted.block.index) { return true }
                if let index = place(of: wanted.inside) {
                    append(wanted.block, to: index)
                } else {
                    writer.strays.append(wanted.block)
                }
                return false
            }
        }
    }

    /// Takes a block out of its subscriber's list.
    private func hide(_ block: PortBlock, of inside: IPAddress) -> Bool {
        guard memory.isUnused(block.index), let index = place(of: inside) else { return false }
        let blocks = NATSubscriber(memory.subscribers.slots + index, index: index).blocks
        guard blocks.count > 1, let place = blocks.firstIndex(of: block) else { return false }
        // The last one takes its place before the list is shorter: none of the others is missing meanwhile.
        setBlock(place, of: index, to: blocks[blocks.count - 1].index)
        ca_store_release_u32(field(NATOffset.blockCount, of: index), UInt32(blocks.count - 1))
        return true
    }

    /// The list is longer once the block is in it.
    private func append(_ block: PortBlock, to index: Int) {
        let count = ca_load_relaxed_u32(field(NATOffset.blockCount, of: index))
        guard count < PortBlock.perSubscriber else { return }
        setBlock(Int(count), of: index, to: block.index)
        ca_store_release_u32(field(NATOffset.blockCount, of: index), count + 1)
    }

    private func setBlock(_ place: Int, of index: Int, to block: UInt32) {
        ca_store_relaxed_u32(field(NATOffset.blocks, of: index) + place * MemoryLayout<UInt32>.size, block)
    }

    @inline(__always)
    func field(_ offset: Int, of index: Int) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(memory.subscribers.slots + index) + offset
    }

    func place(of inside: IPAddress) -> Int? {
        guard inside.isV4 else { return nil }
        let key = fa_subscriber_key(inside)
        return memory.subscribers.find(memory.hash(key), key)?.index
    }

    // MARK: Removing

    /// No program makes a flow for the host any more. Its flows, mappings and filters are taken out by the passes of
    /// ``expire(_:now:from:places:)`` that begin after this; only then its blocks are free, and named in what those
    /// passes return. Nobody has to wait for it: the host may be a subscriber again at once, with other blocks.
    /// - Returns: whether there was one.
    @discardableResult
    public func removeSubscriber(_ inside: IPAddress) -> Bool {
        writer.withLock { writer in
            guard inside.isV4 else { return false }
            let key = fa_subscriber_key(inside)
            guard let found = memory.subscribers.find(memory.hash(key), key) else { return false }
            // Claimed without a tag: no key leads there, and nobody waits for whoever claimed it.
            let word = found.word.next(.claimed, tag: 0)
            ca_store_release_u64(memory.subscribers.slots + found.index, word.raw)
            _ = ca_fetch_add_u64(memory.subscribers.address(of: \.live), UInt64.max)
            writer.leaving.insert(UInt32(found.index))
            return true
        }
    }

    // MARK: Reading

    public func subscriber(_ inside: IPAddress) -> NATSubscriber? {
        guard inside.isV4 else { return nil }
        let key = fa_subscriber_key(inside)
        return memory.subscribers.read(memory.hash(key), key) { slot, index, _ in NATSubscriber(slot, index: index) }
    }

    /// Flows that a host may have at once; `nil` if it is no subscriber.
    public func flowLimit(of inside: IPAddress) -> Int? {
        guard inside.isV4 else { return nil }
        let key = fa_subscriber_key(inside)
        return memory.subscribers.read(memory.hash(key), key) { slot, _, _ in Int(slot.pointee.flow_limit) }
    }

    /// By its index, as events name it.
    public func subscriber(at index: UInt32) -> NATSubscriber? {
        guard index < memory.subscribers.capacity else { return nil }
        let word = memory.subscribers.word(Int(index))
        guard word.isInUse else { return nil }
        let subscriber = NATSubscriber(memory.subscribers.slots + Int(index), index: Int(index))
        return memory.subscribers.word(Int(index)) == word ? subscriber : nil
    }

    /// Calls `body` with the subscribers in a part of the table.
    /// - Parameters:
    ///   - place: where to begin, 0 at first.
    ///   - count: places to go through; not each has a subscriber.
    /// - Returns: where to go on; `nil` at the end.
    public func scanSubscribers(from place: Int, places count: Int, _ body: (NATSubscriber) -> Void) -> Int? {
        let capacity = memory.subscribers.capacity
        guard place < capacity else { return nil }
        let end = count < capacity - place ? place + count : capacity
        for index in place..<end {
            if let subscriber = subscriber(at: UInt32(index)) { body(subscriber) }
        }
        return end < capacity ? end : nil
    }

    /// The same, of those that want a block or have more than one.
    public func scanGrowing(from place: Int, places count: Int, _ body: (NATSubscriber) -> Void) -> Int? {
        let capacity = memory.subscribers.capacity
        guard place < capacity else { return nil }
        let end = count < capacity - place ? place + count : capacity
        for index in place..<end {
            let slot = memory.subscribers.slots + index
            guard slot.pointee.block_count > 1 || slot.pointee.wants_block != 0 else { continue }
            if let subscriber = subscriber(at: UInt32(index)) { body(subscriber) }
        }
        return end < capacity ? end : nil
    }

    /// Whether no port of a block is taken.
    public func isUnused(_ block: PortBlock) -> Bool {
        block.outside < memory.outsideCapacity && memory.isUnused(block.index)
    }

    /// Blocks that are not to be given out: subscribers', and those of subscribers that are on their way out.
    public func blocksInUse() -> [PortBlock] {
        writer.withLock { writer in
            var blocks: [PortBlock] = []
            _ = scanSubscribers(from: 0, places: .max) { blocks += $0.blocks }
            for index in writer.leaving.indices {
                blocks += NATSubscriber(memory.subscribers.slots + Int(index), index: Int(index)).blocks
            }
            return blocks + writer.strays
        }
    }

    /// Ports that are taken in blocks.
    public func portsInUse(_ blocks: [PortBlock]) -> NATPortCount {
        var sum = NATPortCount()
        for block in blocks where Int(block.outside) < memory.outsideCapacity { sum += memory.portsInUse(block.index) }
        return sum
    }
}
