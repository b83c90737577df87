import CAtomics
import FlowAnchorABI

extension NATTable {
    /// Mends what a former process has left when it was killed, while programs run. Once, before anything else.
    /// - Returns: how many entries were mended.
    func repair() -> Int {
        let mended = repairSubscribers()
        // Before slots that are in chains are free.
        let mendedChains = repairChains()
        return mended + mendedChains + memory.translations.repair(isQuiet: isQuiet, restore: { _ in }) + recount()
    }

    /// Subscribers are claimed by the daemon alone: what it had begun to fill is free. Those that were on their way
    /// out are so again.
    private func repairSubscribers() -> Int {
        writer.withLock { writer in
            var mended = 0
            var live: UInt64 = 0
            for index in 0..<memory.subscribers.capacity {
                let word = memory.subscribers.word(index)
                if word.isInUse { live += 1 }
                guard word.state == .claimed else { continue }
                if word.tag == 0 {
                    writer.leaving.insert(UInt32(index))
                } else {
                    ca_store_release_u64(memory.subscribers.slots + index, word.next(.free, tag: 0).raw)
                    mended += 1
                }
            }
            ca_store_relaxed_u64(memory.subscribers.address(of: \.live), live)
            return mended
        }
    }
}
