import NetworkTypes
import PacketKit

/// UDP packets of flows through the NAT: each of so many hosts talks from its ports 1024 and up with one port of the
/// correspondent.
struct NATFlows {
    let count: Int
    /// Each host talks with a port of its own there, so that one outside address is enough for all flows, each from the
    /// port that it has inside.
    var hasRemotePorts = false

    /// Flows of one host at most, each from a port of its own.
    static let perHost = 1024
    static let remotePort: UInt16 = 443

    var hosts: Int { max(1, count / Self.perHost) }

    /// Consecutive flows are of different hosts.
    func host(_ flow: Int) -> UInt32 { UInt32(flow % hosts) + 2 }
    func port(_ flow: Int) -> UInt16 { UInt16(1024 + flow / hosts) }
    func remotePort(_ flow: Int) -> UInt16 { Self.remotePort + (hasRemotePorts ? UInt16(flow % hosts) : 0) }

    /// The two words of a flow's frame that differ from others', as they are in it: the host's address, and its port
    /// before the correspondent's.
    func words(_ flow: Int) -> UInt64 {
        let address = UInt32(Family.v4.host(host(flow)).low & 0xffff_ffff)
        let ports = UInt32(port(flow)) << 16 | UInt32(remotePort(flow))
        return UInt64(address.bigEndian) | UInt64(ports.bigEndian) << 32
    }
}

/// A frame of 64 bytes, check sequence included, an outer header on top where it comes through a tunnel.
struct NATFrame {
    private(set) var bytes: [UInt8] = []
    /// Where the two words go.
    private(set) var offsets: [Int] = []

    init(_ job: NATJob) {
        let family = Family.v4
        for mac in [Frame.router, Frame.station] {
            for shift in stride(from: 40, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: mac.bits >> shift))
            }
        }
        bytes += [0x08, 0x00]
        if job == .upTunnelled {
            appendHeader(from: family.peer(0), to: family.endpoint, protocol: 4, length: 66)
        }
        let header = bytes.count
        appendHeader(
            from: job.isUp ? family.host(0) : family.correspondent,
            to: job.isUp ? family.correspondent : family.host(0), protocol: 17, length: 46)
        offsets = [header + (job.isUp ? 12 : 16), bytes.count]
        let port = NATFlows.remotePort
        bytes += [UInt8(port >> 8), UInt8(port & 255), UInt8(port >> 8), UInt8(port & 255), 0, 26, 0x12, 0x34]
        bytes += [UInt8](repeating: 0, count: 18)
    }

    /// The checksum is right for no flow, and changed as if it were.
    private mutating func appendHeader(
        from source: IPAddress, to destination: IPAddress, protocol number: UInt8, length: Int
    ) {
        bytes += [0x45, 0, UInt8(length >> 8), UInt8(length & 255), 0, 0, 0x40, 0, 63, number, 0x55, 0xaa]
        for address in [source, destination] {
            for shift in stride(from: 24, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: address.low >> shift))
            }
        }
    }

    func with(_ words: UInt64) -> [UInt8] {
        var frame = bytes
        for (index, offset) in offsets.enumerated() {
            let word = UInt32(truncatingIfNeeded: words >> (32 * UInt64(index)))
            for byte in 0..<4 { frame[offset + byte] = UInt8(truncatingIfNeeded: word >> (8 * UInt32(byte))) }
        }
        return frame
    }
}
