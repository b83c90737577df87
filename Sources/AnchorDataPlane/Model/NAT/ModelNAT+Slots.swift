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

        private var loads: [Int]
        /// In which bucket an entry is.
        private var places: [Key: Int] = [:]

        /// - Parameter buckets: a power of two.
        init(buckets: Int) { loads = Array(repeating: 0, count: buckets) }

        var used: Int { places.count }

        /// In the first bucket, or where that is nearly full, in the least full one.
        /// - Returns: whether there was room.
        mutating func take(_ key: Key, _ hash: UInt64) -> Bool {
            let size = Int(FA_BUCKET_SLOTS)
            let mask = UInt32(loads.count - 1)
            var best = Int(fa_bucket_first(hash, mask))
            if loads[best] >= size - 1 {
                for other in [fa_bucket_second(hash, mask), fa_bucket_third(hash, mask)]
                where loads[Int(other)] < loads[best] { best = Int(other) }
            }
            guard loads[best] < size else { return false }
            loads[best] += 1
            places[key] = best
            return true
        }

        mutating func giveBack(_ key: Key) {
            if let place = places.removeValue(forKey: key) { loads[place] -= 1 }
        }
    }

    /// The hash of an entry's key, as the programs have it.
    func hash(_ kind: UInt8, _ tuple: Tuple) -> UInt64 {
        let key = TranslationKey(
            fa_nat_key(
                local_be: (tuple.local.address.v4Bits ?? 0).bigEndian,
                remote_be: (tuple.remote.address.v4Bits ?? 0).bigEndian,
                local_port_be: tuple.local.port.bigEndian, remote_port_be: tuple.remote.port.bigEndian,
                protocol: tuple.transport.rawValue, kind: kind, pad: 0, realm: 0))
        return fa_hash_translation(secret, [key.words.0, key.words.1, key.words.2])
    }

    /// Room for an entry.
    mutating func takeSlot(_ kind: UInt8, _ tuple: Tuple) throws(Refusal) {
        guard slots.take(.init(kind: kind, tuple: tuple), hash(kind, tuple)) else { throw .tableFull }
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
