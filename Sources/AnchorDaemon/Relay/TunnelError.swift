import NetworkTypes

/// An ICMP error about a packet that this machine encapsulated, taken apart (RFC 2003, section 4; RFC 2473,
/// section 8).
struct TunnelError {
    enum Cause: Equatable {
        /// The largest packet that fits, outer headers included, in bytes.
        case tooBig(mtu: Int)
        /// The tunnel's other end, or a network on the way, is not reached.
        case unreachable
    }

    var cause: Cause
    /// The outer header that this machine had put in front.
    var endpoint: IPAddress
    var peer: IPAddress
    /// Bytes of outer IP and GRE header.
    var overhead: Int
    var inner: QuotedHeader
    /// As much of the inner packet as was quoted.
    var quoted: ArraySlice<UInt8>

    /// - Parameter packet: the error from its IP header on.
    /// - Returns: `nil` for what is no such error, is cut too short to tell whose packet it was, or is nobody's
    ///   business but the encapsulator's own.
    init?(_ packet: ArraySlice<UInt8>) {
        guard let error = QuotedHeader(packet), error.number == 1 || error.number == 58, !error.isLaterFragment,
            packet.endIndex >= error.payload + 8
        else { return nil }
        let isV4 = error.source.isV4
        guard isV4 == (error.number == 1) else { return nil }
        let icmp = packet[error.payload...]
        guard let cause = isV4 ? TunnelError.causeV4(icmp) : TunnelError.causeV6(icmp) else { return nil }

        let quote = packet[(error.payload + 8)...]
        guard let outer = QuotedHeader(quote), !outer.isLaterFragment, outer.source == error.destination,
            let start = TunnelError.innerStart(outer, quote), start < quote.endIndex,
            let inner = QuotedHeader(quote[start...])
        else { return nil }
        self.cause = cause
        endpoint = outer.source
        peer = outer.destination
        overhead = start - quote.startIndex
        self.inner = inner
        quoted = quote[start...]
    }

    private static func causeV4(_ icmp: ArraySlice<UInt8>) -> Cause? {
        let start = icmp.startIndex
        switch (icmp[start], icmp[start + 1]) {
        case (3, 4): return .tooBig(mtu: Int(icmp[start + 6]) << 8 | Int(icmp[start + 7]))
        // A failed source route is the encapsulator's own affair, and so is a bad outer header.
        case (3, 5): return nil
        case (3, _), (11, _): return .unreachable
        default: return nil
        }
    }

    private static func causeV6(_ icmp: ArraySlice<UInt8>) -> Cause? {
        let start = icmp.startIndex
        switch icmp[start] {
        case 2: return .tooBig(mtu: icmp[(start + 4)..<(start + 8)].reduce(0) { $0 << 8 | Int($1) })
        case 1, 3: return .unreachable
        default: return nil
        }
    }

    /// Where the inner packet begins.
    private static func innerStart(_ outer: QuotedHeader, _ quote: ArraySlice<UInt8>) -> Int? {
        switch outer.number {
        case 4, 41: return outer.payload
        case 47:
            guard quote.endIndex >= outer.payload + 4 else { return nil }
            let flags = quote[outer.payload]
            return outer.payload + 4 + (flags & 0x80 != 0 ? 4 : 0) + (flags & 0x20 != 0 ? 4 : 0)
                + (flags & 0x10 != 0 ? 4 : 0)
        default: return nil
        }
    }
}
