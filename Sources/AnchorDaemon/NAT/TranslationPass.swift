import AnchorDataPlane
import Dispatch
import NetworkTypes

/// Goes through the NAT's tables from time to time, on a queue of its own: flows that are over their time are taken out,
/// and blocks that nobody needs any more. It waits for programs that run, which nobody else should have to.
///
/// All that changes is touched on that queue alone, which is what makes it safe to hand around.
final class TranslationPass: @unchecked Sendable {
    /// What a pass came to, for ``Translation/finish(_:)``.
    struct Result: Sendable {
        var pass = NATPass()
        /// Subscribers that want a block, by their index: the program's event may have been lost.
        var wishes: [UInt32] = []
        /// Blocks that are nobody's now.
        var returned: [(block: PortBlock, inside: IPAddress, outside: IPAddress)] = []
        var failure: DataPlaneError?
        /// How long it took.
        var time = Duration.zero
    }

    private let dataPlane: KernelDataPlane
    private let timeouts: NATTimeouts
    private let blocksPerHost: Int
    private let queue = DispatchQueue(label: "flowanchor.nat", qos: .utility)
    /// Blocks without a port in use, and in how many passes in a row.
    private var unused: [PortBlock: Int] = [:]

    /// Places of a table that are gone through in one go; others that change it wait for a millisecond at most.
    private static let places = 16384
    /// A block goes back that was unused in so many passes, a minute or longer: a host that needed it may again.
    private static let patience = 12

    init(_ dataPlane: KernelDataPlane, _ settings: NATSettings) {
        self.dataPlane = dataPlane
        timeouts = settings.timeouts
        blocksPerHost = settings.blocksPerHost
    }

    /// - Parameter done: called on the queue of passes.
    func begin(done: @escaping @Sendable (Result) -> Void) {
        queue.async { [self] in done(run()) }
    }

    /// Waits for the pass that is under way.
    func drain() { queue.sync {} }

    private func run() -> Result {
        let start = ContinuousClock.now
        var result = Result()
        do throws(DataPlaneError) {
            var place: Int? = 0
            while let from = place {
                result.pass.add(try dataPlane.expireTranslations(timeouts, from: from, places: Self.places))
                place = result.pass.next
            }
        } catch {
            result.failure = error
        }
        lookAtBlocks(&result)
        result.time = ContinuousClock.now - start
        return result
    }

    private func lookAtBlocks(_ result: inout Result) {
        var still: [PortBlock: Int] = [:]
        var due: [PortBlock: (inside: IPAddress, outside: IPAddress)] = [:]
        var wishes: [UInt32] = []
        var place: Int? = 0
        while let from = place {
            place = dataPlane.nat.scanGrowing(from: from, places: Self.places) { subscriber in
                if subscriber.wantsBlock, subscriber.blocks.count < blocksPerHost { wishes.append(subscriber.index) }
                guard !subscriber.wantsBlock, subscriber.blocks.count > 1 else { return }
                for block in subscriber.blocks where dataPlane.nat.isUnused(block) {
                    let passes = unused[block, default: 0] + 1
                    still[block] = passes
                    if passes >= Self.patience { due[block] = (subscriber.inside, subscriber.outside) }
                }
            }
        }
        let taken = dataPlane.nat.takeBack(due.sorted { $0.key < $1.key }.map { ($0.key, $0.value.inside) })
        for (block, _) in taken {
            guard let owner = due[block] else { continue }
            result.returned.append((block, owner.inside, owner.outside))
            still[block] = nil
        }
        unused = still
        result.wishes = wishes
    }
}
