import Foundation
import Netlink
import NetworkTypes

/// A packet made by hand, for attacks: headers outermost first, in front of a small UDP datagram.
struct RawPacket {
    /// Source and destination of each IP header.
    var headers: [(source: IPAddress, destination: IPAddress)]

    /// From the outermost IP header on; checksums are right.
    var bytes: [UInt8] {
        let (source, destination) = headers.last!
        var payload = Self.datagram(from: source, to: destination)
        var following: UInt8 = 17
        for (source, destination) in headers.reversed() {
            payload = Self.header(source, destination, following: following, length: payload.count) + payload
            following = source.isV4 ? 4 : 41
        }
        return payload
    }

    private static func header(
        _ source: IPAddress, _ destination: IPAddress, following: UInt8, length: Int
    ) -> [UInt8] {
        guard source.isV4 else {
            return [0x60, 0, 0, 0] + big(UInt16(length)) + [following, 64] + source.bytes + destination.bytes
        }
        var header =
            [0x45, 0] + big(UInt16(length + 20)) + [0, 1, 0x40, 0, 64, following, 0, 0] + source.bytes
            + destination.bytes
        header.replaceSubrange(10..<12, with: big(checksum(header)))
        return header
    }

    private static func datagram(from source: IPAddress, to destination: IPAddress) -> [UInt8] {
        let content = Array("flowanchor".utf8)
        let length = UInt16(content.count + 8)
        var datagram = big(7009) + big(7009) + big(length) + [0, 0] + content
        let pseudo = source.bytes + destination.bytes + big(length) + [0, 17]
        datagram.replaceSubrange(6..<8, with: big(checksum(pseudo + datagram)))
        return datagram
    }

    private static func big(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xff)] }

    private static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum = stride(from: 0, to: bytes.count, by: 2).reduce(UInt32(0)) {
            $0 + (UInt32(bytes[$1]) << 8 | ($1 + 1 < bytes.count ? UInt32(bytes[$1 + 1]) : 0))
        }
        while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
        return ~UInt16(sum)
    }
}

extension Lab {
    /// Sends packets as they are from a machine, to where its kernel routes the outermost destination.
    func inject(_ packet: RawPacket, from machine: String, count: Int) throws {
        let destination = packet.headers[0].destination
        let raw = try NetworkNamespace(path: "/run/netns/\(namespace(machine))").run {
            Glibc.socket(destination.isV4 ? AF_INET : AF_INET6, Int32(SOCK_RAW.rawValue), Int32(IPPROTO_RAW))
        }
        guard raw >= 0 else { throw LabError.cannotStart("a raw socket", String(cString: strerror(errno))) }
        defer { close(raw) }
        let bytes = packet.bytes
        for _ in 0..<count {
            let sent: Int
            if destination.isV4 {
                var address = sockaddr_in()
                address.sin_family = sa_family_t(AF_INET)
                withUnsafeMutableBytes(of: &address.sin_addr) { $0.copyBytes(from: destination.bytes) }
                sent = send(bytes, to: &address, on: raw)
            } else {
                var address = sockaddr_in6()
                address.sin6_family = sa_family_t(AF_INET6)
                withUnsafeMutableBytes(of: &address.sin6_addr) { $0.copyBytes(from: destination.bytes) }
                sent = send(bytes, to: &address, on: raw)
            }
            guard sent == bytes.count else {
                throw LabError.commandFailed("sendto \(destination)", String(cString: strerror(errno)))
            }
        }
    }

    private func send<Address>(_ bytes: [UInt8], to address: inout Address, on socket: Int32) -> Int {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(socket, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }
}
