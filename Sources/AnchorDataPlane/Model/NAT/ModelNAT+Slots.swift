import FlowAnchorABI
import NetworkTypes

extension ModelNAT {
    /// How full the table of translations is: what finds no room in any of its three buckets is refused.
    struct Slots {
        struct Key: Hashable {
            /// `FA_NAT_…`
            var kind: UInt8
            var tuple: Tuple
        }

        /// Of those that are not empty.
        private var loads: [Int: Int] = [:]
        private let buckets: Int
        /// In which bucket an entry is.
        private var places: [Key: Int] = [:]

        /// - Parameter buckets: a power of two.
        init(buckets: Int) { self.buckets = buckets }

        var used: Int { places.count }

        /// Where a key may be: three buckets, the first one first.
        func choices(_ hash: UInt64) -> [Int] {
            let mask = UInt32(buckets - 1)
            return [fa_bucket_first(hash, mask), fa_bucket_second(hash, mask), fa_bucket_third(hash, mask)]
                .map { Int($0) }
        }

        /// Of a bucket of which it is known from elsewhere.
        mutating func setLoad(_ load: Int, of bucket: Int) { loads[bucket] = load }

        /// In the first bucket, or where that is nearly full, in the least full one.
        /// - Returns: whether there was room.
        mutating func take(_ key: Key, _ hash: UInt64) -> Bool {
            let size = Int(FA_BUCKET_SLOTS)
            let choices = choices(hash)
            func load(_ bucket: Int) -> Int { loads[bucket, default: 0] }
            var best = choices[0]
            if load(best) >= size - 1 {
                for other in choices.dropFirst() where load(other) < load(best) { best = other }
            }
            guard load(best) < size else { return false }
            loads[best, default: 0] += 1
            places[key] = best
            return true
        }

        mutating func giveBack(_ key: Key) {
            if let place = places.removeValue(forKey: key) { loads[place, default: 0] -= 1 }
        }
    }

    /// The hash of an entry's key, as the programs have it.
    func hash(_ kind: UInt8, _ tuple: Tuple) -> UInt64 {
        let key = TranslationKey(fa_nat_key(kind, tuple))
        return fa_hash_translation(secret, [key.words.0, key.words.1, key.words.2])
    }

    /// Room for an entry.
    mutating func takeSlot(_ kind: UInt8, _ tuple: Tuple) throws(Refusal) {
        let hash = hash(kind, tuple)
        if let trace { slots.choices(hash).forEach { trace.note(.bucket($0)) } }
        guard slots.take(.init(kind: kind, tuple: tuple), hash) else { throw .tableFull }
    }
}

extension fa_nat_key {
    init(_ kind: UInt8, _ tuple: ModelNAT.Tuple) {
        self.init(
            local_be: (tuple.local.address.v4Bits ?? 0).bigEndian,
            remote_be: (tuple.remote.address.v4Bits ?? 0).bigEndian,
            local_port_be: tuple.local.port.bigEndian, remote_port_be: tuple.remote.port.bigEndian,
            protocol: tuple.transport.rawValue, kind: kind, pad: 0, realm: 0)
    }
}

extension ModelNAT.Endpoint {
    static let none = Self(address: .anyV4, port: 0)
}

extension ModelNAT.MappingKey {
    /// As an entry.
    var slot: ModelNAT.Slots.Key {
        .init(kind: NATKind.mapping, tuple: .init(transport: transport, local: inside, remote: .none))
    }
}

extension ModelNAT.FilterKey {
    /// As an entry.
    var slot: ModelNAT.Slots.Key {
        .init(
            kind: NATKind.filter,
            tuple: .init(transport: .udp, local: inside, remote: .init(address: remote, port: 0)))
    }
}
