import AnchorDataPlane
import NetworkTypes

extension Translation {
    /// Takes out the subscribers whose outside address is none any more, or is counted elsewhere, and all that is left
    /// of their flows, before anybody else gets those ports. At the start, while the former addresses are in force.
    /// - Parameter outside: the addresses from here on.
    /// - Returns: how many.
    static func leave(_ outside: [OutsideRange], _ dataPlane: KernelDataPlane, _ timeouts: NATTimeouts) -> Int {
        let former = dataPlane.configuration.outside
        guard dataPlane.wasAdopted, former != outside else { return 0 }
        var stale: [IPAddress] = []
        _ = dataPlane.nat.scanSubscribers(from: 0, places: .max) { subscriber in
            let number = outside.number(of: subscriber.outside)
            if number == nil || number != former.number(of: subscriber.outside) { stale.append(subscriber.inside) }
        }
        guard !stale.isEmpty else { return 0 }
        for host in stale { dataPlane.nat.removeSubscriber(host) }
        var released = 0
        // A flow that a program was just making may be missed by the first.
        for _ in 0..<3 where released < stale.count {
            released += (try? dataPlane.expireTranslations(timeouts, from: 0, places: .max).released.count) ?? 0
        }
        return stale.count
    }
}
