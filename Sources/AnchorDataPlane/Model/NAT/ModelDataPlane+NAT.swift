import NetworkTypes

/// What the NAT's tables are in a data plane with NAT.
extension ModelDataPlane {
    /// Begins with empty tables.
    /// - Parameters:
    ///   - secret: of the hash; the same one makes the same choices.
    ///   - buckets: of the table of translations, a power of two.
    func resetNAT(secret: (UInt64, UInt64), buckets: Int) {
        tables.withLock { tables in
            tables.nat = ModelNAT()
            tables.nat.secret = [secret.0, secret.1]
            tables.nat.slots = ModelNAT.Slots(buckets: buckets)
            tables.nat.now = tables.now
        }
    }

    /// Makes an inside host a subscriber.
    func setSubscriber(inside: IPAddress, outside: IPAddress, flowLimit: Int, blocks: [PortBlock]) {
        tables.withLock {
            $0.nat.subscribers[inside] = .init(outside: outside, flowLimit: flowLimit, blocks: blocks)
        }
    }
}
