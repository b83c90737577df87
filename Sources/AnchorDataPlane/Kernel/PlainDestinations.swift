import NetworkTypes

/// The IPv4 destinations that need no look: a first octet is here if every address that begins with it is global
/// (RFC 6890), is no address of this machine, of a host, inside or outside of a NAT, or of a route of its own, and so takes the default path. Most
/// of the internet is; what isn't is looked at one by one.
struct PlainDestinations: Hashable, Sendable {
    private(set) var octets: Set<UInt8>

    /// This network, loopback, link-local, multicast and reserved ones apart.
    static let global = PlainDestinations(octets: Set(1...223).subtracting([127, 169]))
    static let none = PlainDestinations(octets: [])

    private init(octets: Set<UInt8>) { self.octets = octets }

    init(words: (UInt64, UInt64, UInt64, UInt64)) {
        let words = [words.0, words.1, words.2, words.3]
        octets = Set((0...255).filter { words[$0 / 64] >> UInt64($0 % 64) & 1 == 1 }.map { UInt8($0) })
    }

    /// A bit an octet, the lowest first, 64 a word.
    var words: (UInt64, UInt64, UInt64, UInt64) {
        func word(_ index: Int) -> UInt64 {
            (0..<64).reduce(0) { octets.contains(UInt8(index * 64 + $1)) ? $0 | 1 << UInt64($1) : $0 }
        }
        return (word(0), word(1), word(2), word(3))
    }

    /// All that begin as one of the prefix's addresses does.
    mutating func remove(_ prefix: IPPrefix) {
        guard prefix.address.isV4 else {
            // To the programs IPv4 addresses are v4-mapped ones.
            if prefix.length <= 80, prefix.address == .anyV6 { octets = [] }
            return
        }
        let first = UInt8(truncatingIfNeeded: prefix.address.low >> 24)
        let last = first | UInt8(truncatingIfNeeded: 0xff >> min(8, Int(prefix.length)))
        octets.subtract(first...last)
    }
}

extension PlainDestinations: CustomStringConvertible {
    /// Runs of octets: `1-9 11-126`; `none` if there are none.
    var description: String {
        var runs: [ClosedRange<UInt8>] = []
        for octet in octets.sorted() {
            if let last = runs.last, last.upperBound + 1 == octet {
                runs[runs.count - 1] = last.lowerBound...octet
            } else {
                runs.append(octet...octet)
            }
        }
        let texts = runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
        return texts.isEmpty ? "none" : texts.joined(separator: " ")
    }
}

extension DataPlaneConfiguration {
    /// - Parameter addresses: of this machine's ports.
    func plainDestinations(besides addresses: some Sequence<IPAddress>) -> PlainDestinations {
        guard !routesByKernel, defaultPathV4 != 0 else { return .none }
        var plain = PlainDestinations.global
        for address in endpoints + addresses {
            if let host = IPPrefix(address, length: address.family.addressBits) { plain.remove(host) }
        }
        let others = inside + exempt + outside.flatMap(\.prefixes)
        for prefix in pools + routes.map(\.prefix) + others { plain.remove(prefix) }
        return plain
    }
}
