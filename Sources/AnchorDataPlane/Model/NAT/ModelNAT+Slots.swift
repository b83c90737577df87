import FlowAnchorABI
import NetworkTypes

extension ModelNAT {
    /// How full the table of translations is: what finds no room in either of its two buckets is refused.
    struct Slots {
        private var loads: [Int]

        /// - Parameter buckets: a power of two.
        init(buckets: Int) { loads = Array(repeating: 0, count: buckets) }

        var used: Int { loads.reduce(0, +) }

        /// - Returns: the bucket that has room; `nil` if there is none.
        mutating func take(_ hash: UInt64) -> Int? {
            let mask = UInt32(loads.count - 1)
            let buckets = [fa_bucket_first(hash, mask), fa_bucket_second(hash, mask)].map { Int($0) }
            guard let bucket = buckets.first(where: { loads[$0] < Int(FA_BUCKET_SLOTS) }) else { return nil }
            loads[bucket] += 1
            return bucket
        }

        mutating func giveBack(_ bucket: Int) { loads[bucket] -= 1 }
    }

    /// The hash of an entry's key, as the programs have it.
    func hash(_ kind: UInt8, _ tuple: Tuple) -> UInt64 {
        let key = TranslationKey(
            fa_nat_key(
                local_be: (tuple.local.address.v4Bits ?? 0).bigEndian,
                remote_be: (tuple.remote.address.v4Bits ?? 0).bigEndian,
                local_port_be: tuple.local.port.bigEndian, remote_port_be: tuple.remote.port.bigEndian,
                protocol: tuple.transport.rawValue, kind: kind, pad: 0, realm: 0, pad2: 0))
        return fa_hash_translation(secret, [key.words.0, key.words.1, key.words.2])
    }

    /// Room for an entry.
    /// - Returns: its bucket.
    @discardableResult
    mutating func takeSlot(_ kind: UInt8, _ tuple: Tuple) throws(Refusal) -> Int {
        guard let bucket = slots.take(hash(kind, tuple)) else { throw .tableFull }
        return bucket
    }
}

extension ModelNAT.Endpoint {
    static let none = Self(address: .anyV4, port: 0)
}
