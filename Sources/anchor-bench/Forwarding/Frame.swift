import NetworkTypes
import PacketKit

/// What a packet asks of an access router.
enum Job: String, CaseIterable {
    /// Tunnelled to the router: one header off.
    case decapsulate
    /// To a host that is elsewhere: one header on.
    case encapsulate
    /// From a host on an access link.
    case forward
    /// From a host on an access link, in a tunnel to its anchor elsewhere: past the servers [0046].
    case bypass

    /// The packet comes by an access link.
    var isFromNode: Bool { self == .forward || self == .bypass }

    /// Those that a router between two links is measured with.
    static let live: [Job] = [.decapsulate, .encapsulate, .forward]
}

/// IP version of a packet and of its tunnel.
enum Family: Int, CaseIterable {
    case v4 = 4
    case v6 = 6

    /// The hosts' addresses: 10.0.0.0 + n, 2001:db8:10:: + n.
    func host(_ number: UInt32) -> IPAddress {
        switch self {
        case .v4: IPAddress(v4: 0x0a00_0000 + number)
        case .v6: IPAddress(high: 0x2001_0db8_0010_0000, low: UInt64(number))
        }
    }

    /// Their care-of addresses: 11.0.0.0 + n, 2001:db8:11:: + n.
    func peer(_ number: UInt32) -> IPAddress {
        switch self {
        case .v4: IPAddress(v4: 0x0b00_0000 + number)
        case .v6: IPAddress(high: 0x2001_0db8_0011_0000, low: UInt64(number))
        }
    }

    var endpoint: IPAddress {
        self == .v4 ? IPAddress(v4: 0xc000_0201) : IPAddress(high: 0x2001_0db8_00ee_0000, low: 1)
    }
    var correspondent: IPAddress {
        self == .v4 ? IPAddress(v4: 0xc633_6407) : IPAddress(high: 0x2001_0db8_00cc_0000, low: 7)
    }
    var pool: IPPrefix {
        // Both are within what a prefix can be.
        self == .v4 ? IPPrefix(host(0), length: 8)! : IPPrefix(host(0), length: 48)!
    }
    var headerBytes: Int { self == .v4 ? 20 : 40 }
    /// Protocol number of such a packet inside another.
    var tunnelProtocol: UInt8 { self == .v4 ? 4 : 41 }
}

/// A frame, and where in it the flow's number goes.
struct Frame {
    static let router = MACAddress(bits: 0x0200_0000_0003)
    static let station = MACAddress(bits: 0x0200_0000_000a)
    static let nextHop = MACAddress(bits: 0x0200_0000_0001)

    var bytes: [UInt8] = []
    /// The lowest 32 bits of an address that differ from flow to flow.
    struct Varying {
        var offset: Int
        /// Value in flow 0.
        var base: UInt32
        /// Offset of the header checksum over it, `nil` in IPv6.
        var checksum: Int?
    }

    var varying: [Varying] = []

    /// UDP in a frame of 64 bytes, check sequence included, or as long as its headers are; the outer header
    /// of a tunnelled packet comes on top.
    init(_ job: Job, _ family: Family, firstHost: UInt32) {
        append(Self.router)
        append(Self.station)
        bytes += family == .v4 ? [0x08, 0x00] : [0x86, 0xdd]
        let payload = max(8, 60 - 14 - family.headerBytes)
        if job == .decapsulate {
            appendHeader(
                family, from: family.peer(firstHost), to: family.endpoint, protocol: family.tunnelProtocol,
                rest: family.headerBytes + payload, varying: .source)
        }
        if job == .bypass {
            appendHeader(
                family, from: family.host(firstHost), to: family.correspondent, protocol: family.tunnelProtocol,
                rest: family.headerBytes + payload, varying: .source)
        }
        switch job {
        case .bypass:
            appendHeader(
                family, from: family.peer(0), to: family.correspondent, protocol: 17, rest: payload, varying: nil)
        case .encapsulate:
            appendHeader(
                family, from: family.correspondent, to: family.host(firstHost), protocol: 17, rest: payload,
                varying: .destination)
        case .decapsulate, .forward:
            appendHeader(
                family, from: family.host(firstHost), to: family.correspondent, protocol: 17, rest: payload,
                varying: .source)
        }
        bytes += [UInt8](repeating: 0, count: payload)
    }

    private enum End { case source, destination }

    private mutating func append(_ mac: MACAddress) {
        for shift in stride(from: 40, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: mac.bits >> shift)) }
    }

    private mutating func append16(_ value: Int) {
        bytes += [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
    }

    private mutating func append(_ address: IPAddress, _ family: Family) {
        if family == .v6 {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: address.high >> shift))
            }
        }
        let bits = family == .v6 ? 56 : 24
        for shift in stride(from: bits, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: address.low >> shift))
        }
    }

    private mutating func appendHeader(
        _ family: Family, from source: IPAddress, to destination: IPAddress, protocol number: UInt8, rest: Int,
        varying end: End?
    ) {
        let start = bytes.count
        switch family {
        case .v4:
            bytes += [0x45, 0]
            append16(20 + rest)
            bytes += [0, 0, 0x40, 0, 63, number, 0, 0]
        case .v6:
            bytes += [0x60, 0, 0, 0]
            append16(rest)
            bytes += [number, 63]
        }
        for (address, isVarying) in [(source, end == .source), (destination, end == .destination)] {
            append(address, family)
            if isVarying {
                varying.append(
                    Varying(
                        offset: bytes.count - 4, base: UInt32(truncatingIfNeeded: address.low),
                        checksum: family == .v4 ? start + 10 : nil))
            }
        }
        if family == .v4 { setChecksum(ofHeaderAt: start) }
    }

    private mutating func setChecksum(ofHeaderAt start: Int) {
        var sum = InternetChecksum()
        sum.add(bytes[start..<start + 20])
        bytes[start + 10] = UInt8(sum.complement >> 8)
        bytes[start + 11] = UInt8(truncatingIfNeeded: sum.complement)
    }
}
