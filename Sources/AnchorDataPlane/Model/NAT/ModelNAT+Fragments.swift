import FlowAnchorABI
import NetworkTypes

extension ModelNAT {
    /// The ports of packets that come in fragments, learned from the first one (RFC 4787, section 11).
    struct Fragments {
        struct Key: Hashable {
            var source: IPAddress
            var destination: IPAddress
            var identification: UInt16
            var transport: Transport
        }

        struct Entry: Hashable {
            var key: Key
            var sourcePort: UInt16
            var destinationPort: UInt16
        }

        /// By place: a newer packet takes that of an older one.
        private var entries: [UInt32: Entry] = [:]

        /// Places that are in use.
        var places: [UInt32] { Array(entries.keys) }

        fileprivate mutating func learn(_ entry: Entry, _ secret: [UInt64]) {
            entries[Self.place(entry.key, secret)] = entry
        }

        fileprivate func entry(_ key: Key, _ secret: [UInt64]) -> Entry? {
            entries[Self.place(key, secret)].flatMap { $0.key == key ? $0 : nil }
        }

        private static func place(_ key: Key, _ secret: [UInt64]) -> UInt32 {
            func bits(_ address: IPAddress) -> UInt64 { UInt64((address.v4Bits ?? 0).bigEndian) }
            let words = [
                bits(key.source) | bits(key.destination) << 32,
                UInt64(key.identification.bigEndian) | UInt64(key.transport.rawValue) << 16, 0,
            ]
            return UInt32(truncatingIfNeeded: fa_hash_translation(secret, words)) & (FA_NAT_FRAGMENT_BUCKETS - 1)
        }
    }

    /// After so long that nobody waits for a later fragment any more.
    mutating func forgetFragments() { fragments = Fragments() }

    mutating func learn(_ first: Fragments.Entry) {
        let secret = secret
        fragments.learn(first, secret)
    }

    /// What the first fragment of the packet had.
    func firstFragment(_ key: Fragments.Key) -> Fragments.Entry? { fragments.entry(key, secret) }
}
