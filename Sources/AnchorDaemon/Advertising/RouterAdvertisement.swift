import NetworkTypes
import PacketKit

/// A router advertisement (RFC 4861, section 4.2), as one node is sent it: the addresses of this router's prefix are
/// what it is to use from now on, those that it has from other routers go on for what began with them (RFC 8885 does the
/// same at its anchors).
struct RouterAdvertisement: Hashable {
    struct Prefix: Hashable {
        var prefix: IPPrefix
        /// Nodes reach its addresses without a router.
        var isOnLink: Bool
        /// Seconds.
        var validLifetime: UInt32
        /// Seconds; 0: addresses are for what has begun with them (RFC 4862, section 5.5.4).
        var preferredLifetime: UInt32
    }

    /// Seconds that this router may be a default router for.
    var routerLifetime: UInt16
    var prefixes: [Prefix]
    /// Bytes.
    var mtu: UInt32
    /// The router's station.
    var mac: MACAddress

    /// The IPv6 packet, from the header on. To all nodes, whoever's station it is sent to (RFC 6085).
    func packet(from source: IPAddress) -> [UInt8] {
        let destination = IPAddress("ff02::1")!
        var message: [UInt8] = [134, 0, 0, 0, 64, 0]
        message += bytes(routerLifetime)
        // Reachable time and retransmission timer: this router doesn't say.
        message += [UInt8](repeating: 0, count: 8)
        message += [1, 1] + (0..<6).map { UInt8(truncatingIfNeeded: mac.bits >> UInt64(40 - 8 * $0)) }
        message += [5, 1, 0, 0] + bytes(mtu)
        for prefix in prefixes {
            message += [3, 4, UInt8(prefix.prefix.length), (prefix.isOnLink ? 0x80 : 0) | 0x40]
            message += bytes(prefix.validLifetime) + bytes(prefix.preferredLifetime) + [0, 0, 0, 0]
            message += prefix.prefix.address.mappedBytes
        }
        var sum = InternetChecksum()
        sum.add(source.mappedBytes)
        sum.add(destination.mappedBytes)
        sum.add(UInt32(message.count))
        sum.add(UInt32(58))
        sum.add(message)
        message.replaceSubrange(2..<4, with: bytes(sum.complement))
        // The hop limit is 255, by which nodes know that no router has passed it on.
        return [0x60, 0, 0, 0] + bytes(UInt16(message.count)) + [58, 255] + source.mappedBytes
            + destination.mappedBytes + message
    }

    private func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}
