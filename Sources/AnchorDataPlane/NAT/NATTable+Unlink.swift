import CAtomics
import FlowAnchorABI

/// Which subscribers' chains have slots that are to be taken out.
struct Torn {
    private var bits: [UInt64] = []
    private(set) var owners: [UInt32] = []

    var isEmpty: Bool { owners.isEmpty }

    /// - Parameter owner: index of a subscriber.
    @inline(__always)
    mutating func insert(_ owner: UInt32) {
        let word = Int(owner >> 6)
        if word >= bits.count { bits += repeatElement(0, count: word + 1 - bits.count) }
        guard bits[word] >> UInt64(owner & 63) & 1 == 0 else { return }
        bits[word] |= 1 << UInt64(owner & 63)
        owners.append(owner)
    }

    @inline(__always)
    func contains(_ owner: UInt32) -> Bool {
        let word = Int(owner >> 6)
        return word < bits.count && bits[word] >> UInt64(owner & 63) & 1 != 0
    }
}

/// How far a walk along a chain has come that takes out what is not in use.
struct ChainSweep {
    let owner: Int
    fileprivate let head: UnsafeMutableRawPointer
    /// Where the link is that leads on: the head, or in the last slot that stays.
    fileprivate var from: UnsafeMutableRawPointer
    fileprivate var link: UInt32
    fileprivate var steps = 0

    enum Step {
        case goesOn
        case isDone
        /// A program holds it up; what is behind is as it was.
        case isHeld
    }
}

/// Only the daemon takes slots out of chains, one thread at a time; programs put others in front meanwhile. A slot that
/// was taken out still leads to what followed it: whoever walks there goes on.
extension NATTable {
    /// Goes through a subscriber's chain and takes out the slots that are not in use. Under the writer's lock.
    /// - Parameter isOver: called with each slot that is in use; whether it is to be taken out too, and retired for it.
    /// - Returns: whether the end was reached.
    func sweep(_ owner: Int, _ isOver: (Int, SlotWord) -> Bool) -> Bool {
        var sweep = beginSweep(owner)
        while true {
            switch step(&sweep, isOver) {
            case .goesOn: continue
            case .isDone: return true
            case .isHeld: return false
            }
        }
    }

    /// The same for many, each a step at a time: while one waits for memory, the others go on.
    /// - Returns: those whose end was not reached.
    func sweep(_ owners: some Sequence<UInt32>) -> [UInt32] {
        var held: [UInt32] = []
        var sweeps = owners.map { beginSweep(Int($0)) }
        while !sweeps.isEmpty {
            var place = 0
            while place < sweeps.count {
                switch step(&sweeps[place], { _, _ in false }) {
                case .goesOn:
                    place += 1
                    continue
                case .isHeld: held.append(UInt32(sweeps[place].owner))
                case .isDone: break
                }
                sweeps.swapAt(place, sweeps.count - 1)
                sweeps.removeLast()
            }
        }
        return held
    }

    private func beginSweep(_ owner: Int) -> ChainSweep {
        let head = field(NATOffset.chain, of: owner)
        let link = ca_load_acquire_u32(head)
        if let first = memory.slot(link) { ca_prefetch(memory.place(first)) }
        return ChainSweep(owner: owner, head: head, from: head, link: link)
    }

    @inline(__always)
    private func step(_ sweep: inout ChainSweep, _ isOver: (Int, SlotWord) -> Bool) -> ChainSweep.Step {
        guard let index = memory.slot(sweep.link), sweep.steps <= 2 * memory.translations.capacity else {
            return .isDone
        }
        sweep.steps += 1
        guard let next = settledNext(index) else { return .isHeld }
        if let following = memory.slot(next) { ca_prefetch(memory.place(following)) }
        let word = memory.translations.word(index)
        if word.isInUse, !isOver(index, word) {
            sweep.from = memory.place(index) + NATOffset.next
            sweep.link = next
        } else if sweep.from != sweep.head {
            ca_store_release_u32(sweep.from, next)
            sweep.link = next
        } else if ca_compare_exchange_u32(sweep.head, sweep.link, next) {
            sweep.link = next
        } else {
            // Programs have put others in front of it: from one of those it is found again, as nobody's.
            sweep.link = ca_load_acquire_u32(sweep.head)
        }
        return .goesOn
    }
}
