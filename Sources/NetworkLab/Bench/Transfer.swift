import ControlAPI
import Glibc

extension LabBench {
    /// One node's table of flows, from one router's table to another's, over their session.
    static let transfer = LabBench(
        name: "transfer", summary: "a node with 100,000 and 1,000,000 flows moves: entries a second into the new table"
    ) { log in
        var figures: [Figure] = []
        for count in [100_000, 1_000_000] {
            let lab = try Lab.forCrowd(flowLimit: count + 1000, flowCapacity: 2 * count)
            defer { lab.remove() }
            let crowd = try Crowd(lab)
            try crowd.begin(count, of: 0, at: 1)
            let end = ContinuousClock.now + patience
            var rates: [Double] = []
            repeat {
                guard let rate = try transferRate(lab, crowd, flows: count, log) else {
                    rates.append(Double(try crowd.flows(of: 0, at: 2)?.away ?? 0) / longest.inSeconds)
                    break
                }
                rates.append(rate)
                // What was measured counts, also where another transfer can't begin as this one did.
            } while try rates.count < transfers && ContinuousClock.now < end && moveBack(lab, crowd)
            figures.append(
                Figure("transfer \(count) flows", percentile(rates, 50), "entries/s", atLeast: 1_000_000))
        }
        return figures
    }

    private static let transfers = 3
    /// Another transfer begins within this time only.
    private static let patience = Duration.seconds(20)
    /// What has not arrived then doesn't count.
    private static let longest = Duration.seconds(60)

    /// Moves node 0 from router 1 to router 2.
    /// - Returns: flows a second, from its first packet at router 2 to the last flow in its table there; `nil` if that
    ///   takes too long.
    private static func transferRate(
        _ lab: Lab, _ crowd: Crowd, flows count: Int, _ log: (String) -> Void
    ) throws -> Double? {
        let before = try (1...2).map { try lab.processorSeconds(at: $0) }
        try crowd.sendKnown(from: 0, at: 2)
        let handover = try findWhole(lab, at: 2)
        let used = try (1...2).map { try lab.processorSeconds(at: $0) - before[$0 - 1] }
        guard let handover, let seconds = handover.after("whole") else {
            log(
                "  \(count) flows: not whole after \(longest); processor time of the daemons \(used[0]) and "
                    + "\(used[1]) s")
            return nil
        }
        let arrived = try crowd.flows(of: 0, at: 2)?.away ?? 0
        guard arrived == count else {
            throw LabError.timedOut("\(count) flows in the table of router 2; there are \(arrived)")
        }
        log(
            "  \(count) flows: settled after \((handover.after("settled") ?? 0) * 1000) ms, whole after "
                + "\(seconds * 1000) ms; processor time of the daemons \(used[0]) and \(used[1]) s")
        return Double(count) / seconds
    }

    /// - Returns: whether all is as it was before the move.
    private static func moveBack(_ lab: Lab, _ crowd: Crowd) throws -> Bool {
        try crowd.sendKnown(from: 0, at: 1)
        guard try findWhole(lab, at: 1) != nil else { return false }
        // What router 2 knew is taken out after a time of grace, and its slots are free after the next look at all.
        return try pollUntil(timeout: .seconds(20), every: 200) { try lab.translations(at: 2) == 0 }
    }

    /// The newest move to a router, once all of its flows are there; `nil` if that takes too long.
    private static func findWhole(_ lab: Lab, at router: Int) throws -> HandoverModel? {
        let address = Crowd.address(0)
        var found: HandoverModel?
        let isWhole = try pollUntil(timeout: longest, every: 100) {
            guard try lab.node(address, at: router)?.place == .here else { return false }
            found = try lab.handovers(at: router).last { $0.address == address && $0.to == "ar\(router)" }
            return found?.after("whole") != nil
        }
        return isWhole ? found : nil
    }
}

extension HandoverModel {
    /// Seconds from its beginning until a step was done.
    func after(_ name: String) -> Double? { steps.first { $0.name == name }?.after }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
