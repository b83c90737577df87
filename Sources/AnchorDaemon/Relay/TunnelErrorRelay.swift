import AnchorCore
import NetworkTypes
import PacketKit

/// Makes of an ICMP error about a tunnelled packet the error that the inner packet's sender understands, and learns
/// the path MTU from it (T10).
struct TunnelErrorRelay {
    /// What came of an error.
    struct Outcome: Equatable {
        /// The ICMP message, checksum included, without an IP header.
        var message: [UInt8]
        /// The sender of the inner packet.
        var destination: IPAddress
        /// The largest packet that fits the path to this peer, outer headers included, in bytes.
        var learned: (peer: IPAddress, mtu: Int)?

        static func == (a: Outcome, b: Outcome) -> Bool {
            a.message == b.message && a.destination == b.destination && a.learned?.peer == b.learned?.peer
                && a.learned?.mtu == b.learned?.mtu
        }
    }

    /// Of the inner packet: IPv6 must always get 1280 bytes through (RFC 8200, section 5); below 576 no IPv4 link of
    /// today is, but a forged error could ask for it.
    static func minimum(_ family: AddressFamily) -> Int { family == .v4 ? 576 : 1280 }
    /// Of an ICMP error's packet (RFC 1812, section 4.3.2.3; RFC 4443, section 3.1).
    private static let longestV4 = 576
    private static let longestV6 = 1280

    private var bucket: TokenBucket

    /// - Parameter rate: messages a second, and as many at once.
    init(rate: Int = 100) {
        bucket = TokenBucket(rate: rate)
    }

    /// The IP packet in an Ethernet frame with any tags; `nil` for other frames.
    static func packet(in frame: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        var rest = frame.dropFirst(12)
        while let type = rest.prefix(2).count == 2 ? Array(rest.prefix(2)) : nil {
            rest = rest.dropFirst(2)
            switch type {
            case [0x81, 0x00], [0x88, 0xa8]: rest = rest.dropFirst(2)
            case [0x08, 0x00], [0x86, 0xdd]: return rest
            default: return nil
            }
        }
        return nil
    }

    /// - Parameters:
    ///   - packet: the error from its IP header on.
    ///   - source: this machine's address that an error to this family comes from; ICMPv6 checksums cover it.
    ///   - isOurs: whether this machine tunnels packets to that inner destination through that tunnel.
    mutating func handle(
        _ packet: ArraySlice<UInt8>, at now: MonotonicInstant, source: (AddressFamily) -> IPAddress?,
        isOurs: (_ endpoint: IPAddress, _ peer: IPAddress, _ innerDestination: IPAddress) -> Bool
    ) -> Outcome? {
        guard let error = TunnelError(packet), isOurs(error.endpoint, error.peer, error.inner.destination),
            TunnelErrorRelay.maySend(to: error.inner, error.quoted), bucket.take(at: now)
        else { return nil }
        let family = error.inner.source.family
        let destination = error.inner.source
        switch error.cause {
        case .tooBig(let mtu):
            let fits = max(mtu - error.overhead, TunnelErrorRelay.minimum(family))
            // A router that knows no better, or a liar: the packet was no bigger than it says fits.
            guard error.inner.length > fits else { return nil }
            let message =
                family == .v4
                ? Layer.ICMP(type: 3, code: 4, rest: UInt32(fits & 0xffff)) : .init(type: 2, rest: UInt32(fits))
            guard let bytes = encode(message, error, from: source(family)) else { return nil }
            return Outcome(message: bytes, destination: destination, learned: (error.peer, fits + error.overhead))
        case .unreachable:
            // Host unreachable; address unreachable.
            let message = family == .v4 ? Layer.ICMP(type: 3, code: 1) : .init(type: 1, code: 3)
            guard let bytes = encode(message, error, from: source(family)) else { return nil }
            return Outcome(message: bytes, destination: destination, learned: nil)
        }
    }

    private static func maySend(to inner: QuotedHeader, _ quoted: ArraySlice<UInt8>) -> Bool {
        !inner.isLaterFragment && !inner.isError(in: quoted) && !inner.source.isMulticast && !inner.source.isUnspecified
            && !inner.source.isLoopback && !inner.source.isLinkLocal && !inner.destination.isMulticast
    }

    private func encode(_ message: Layer.ICMP, _ error: TunnelError, from source: IPAddress?) -> [UInt8]? {
        guard let source else { return nil }
        let destination = error.inner.source
        if destination.isV4 {
            let quote = Array(error.quoted.prefix(Self.longestV4 - 28))
            return Array(
                Frame.encode([.ipv4(.init(source, destination)), .icmp(message), .payload(quote)]).dropFirst(20))
        }
        let quote = Array(error.quoted.prefix(Self.longestV6 - 48))
        return Array(Frame.encode([.ipv6(.init(source, destination)), .icmp(message), .payload(quote)]).dropFirst(40))
    }
}

/// Lets so many through a second, and as many at once.
private struct TokenBucket {
    private let rate: Int
    private var tokens: Double
    private var last: MonotonicInstant?

    init(rate: Int) {
        self.rate = rate
        tokens = Double(rate)
    }

    mutating func take(at now: MonotonicInstant) -> Bool {
        if let last {
            tokens = min(Double(rate), tokens + Double((now - last).nanoseconds) / 1e9 * Double(rate))
        }
        last = now
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
