import FlowAnchorABI
import NetworkTypes
import Testing

@testable import AnchorDataPlane

/// The table's algorithms on memory of the test's own, without a kernel.
@Suite struct SlotTableTests {
    private final class Memory {
        let slots: UnsafeMutableRawPointer
        let state: UnsafeMutableRawPointer
        let table: SlotTable<HostLayout>

        init(capacity: Int) {
            slots = .allocate(byteCount: capacity * 64, alignment: 64)
            state = .allocate(byteCount: 64, alignment: 64)
            slots.initializeMemory(as: UInt8.self, repeating: 0, count: capacity * 64)
            state.initializeMemory(as: UInt8.self, repeating: 0, count: 64)
            table = SlotTable(slots: slots, capacity: capacity, state: state)
        }

        deinit {
            slots.deallocate()
            state.deallocate()
        }

        func insert(_ hash: UInt64, _ number: Int) -> Bool {
            let key = HostLayout.Key(HostKey(.ten(number)))
            guard case .claimed(let claim) = table.claim(hash, key) else { return false }
            table.slots[claim.index].address = key.address
            table.publish(claim)
            return true
        }
    }

    private func key(_ number: Int) -> HostLayout.Key { HostLayout.Key(HostKey(.ten(number))) }

    @Test func `words count their changes and carry the tag while the slot is used`() {
        let free = SlotWord(raw: 0)
        let claimed = free.next(.claimed, tag: 7)
        let live = claimed.next(.live)
        #expect(live.state == .live && live.tag == 7 && live.isInUse)
        #expect(!claimed.isInUse)
        #expect(live.next(.free, tag: 0) != free)
        // The generation wraps without touching the tag.
        let last = SlotWord(raw: UInt64(7) << 32 | FA_SLOT_GENERATION_MASK | 2)
        #expect(last.next(.shadowed) == SlotWord(raw: UInt64(7) << 32 | 3))
    }

    @Test func `keys of one hash fill both buckets and no more`() {
        let memory = Memory(capacity: 64)
        let hash: UInt64 = 0x0000_0003_0000_0005
        for number in 0..<8 { #expect(memory.insert(hash, number)) }
        #expect(!memory.insert(hash, 8))
        guard case .full = memory.table.claim(hash, key(9)) else {
            Issue.record("not full")
            return
        }
        #expect(memory.table.live == 8)
        for number in 0..<8 { #expect(memory.table.find(hash, key(number)) != nil) }
        #expect(memory.table.find(hash, key(8)) == nil)
        #expect(memory.state.load(as: fa_table_state.self).overflowed == 2)
    }

    @Test func `a key that is there is not inserted twice`() {
        let memory = Memory(capacity: 64)
        #expect(memory.insert(1 << 33, 1))
        guard case .exists = memory.table.claim(1 << 33, key(1)) else {
            Issue.record("inserted twice")
            return
        }
        #expect(memory.table.live == 1)
    }

    @Test func `an insertion gives way while another of the same tag is under way`() {
        let memory = Memory(capacity: 64)
        guard case .claimed(let first) = memory.table.claim(1 << 33, key(1)) else {
            Issue.record("no slot")
            return
        }
        guard case .contended = memory.table.claim(1 << 33, key(1)) else {
            Issue.record("two at once")
            return
        }
        #expect(memory.table.find(1 << 33, key(1)) == nil)
        memory.table.slots[first.index].address = key(1).address
        memory.table.publish(first)
        #expect(memory.table.find(1 << 33, key(1))?.index == first.index)
    }

    @Test func `what changed since it was looked at is neither removed nor shadowed`() throws {
        let memory = Memory(capacity: 64)
        #expect(memory.insert(1 << 33, 1))
        let stale = try #require(memory.table.find(1 << 33, key(1)))
        let shadowed = try #require(memory.table.shadow(stale))
        #expect(!memory.table.remove(stale))
        #expect(memory.table.shadow(stale) == nil)
        memory.table.unshadow(shadowed)
        #expect(!memory.table.remove(stale))
        let fresh = try #require(memory.table.find(1 << 33, key(1)))
        #expect(memory.table.remove(fresh))
        #expect(memory.table.find(1 << 33, key(1)) == nil)
        #expect(memory.table.live == 0)
    }

    @Test func `a new table has a place for each key, where it is found again`() {
        let memory = Memory(capacity: 256)
        var claimed: Set<Int> = []
        var lacking: Set<Int> = []
        for attempt in 0..<2000 {
            // From few, so that many come again; and two hashes share a tag and buckets.
            let number = attempt &* 7919 % 300
            let hash = UInt64(number / 2) &* 0x9e37_79b9_7f4a_7c15
            switch memory.table.place(hash, key(number)) {
            case .found(let found):
                #expect(claimed.contains(number))
                #expect(memory.table.find(hash, key(number))?.index == found.index)
            case .claimed(let claim):
                #expect(claimed.insert(number).inserted && !lacking.contains(number))
                #expect(memory.table.find(hash, key(number)) == nil)
                memory.table.slots[claim.index].address = key(number).address
                memory.table.publish(claim)
                #expect(memory.table.find(hash, key(number))?.index == claim.index)
            case .full:
                #expect(!claimed.contains(number))
                #expect(memory.table.find(hash, key(number)) == nil)
                lacking.insert(number)
            }
        }
        #expect(memory.table.live == claimed.count)
        #expect(claimed.count + lacking.count == 300 && !lacking.isEmpty)
    }
}
