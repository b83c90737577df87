import CNetlink
import Glibc
import Netlink
import NetworkTypes

/// Listens to all packets of one interface, both ways, behind its link header.
public final class PacketCapture {
    private let descriptor: Int32

    public init(in namespace: NetworkNamespace, interface: InterfaceIndex) throws {
        let everything = UInt16(3).bigEndian  // ETH_P_ALL
        descriptor = try namespace.run {
            let descriptor = socket(AF_PACKET, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue), Int32(everything))
            guard descriptor >= 0 else { throw NetlinkError(operation: "open", object: "a packet socket", code: errno) }
            var address = sockaddr_ll()
            address.sll_family = sa_family_t(AF_PACKET)
            address.sll_protocol = everything
            address.sll_ifindex = Int32(interface)
            let code = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_ll>.size))
                }
            }
            guard code == 0 else { throw NetlinkError(operation: "bind", object: "a packet socket", code: errno) }
            return descriptor
        }
    }

    deinit { close(descriptor) }

    /// Waits for a packet with these IP headers, outermost first.
    public func first(_ headers: [IPHeaderPair]) throws {
        var seen: Set<String> = []
        do {
            try poll("\(headers)") {
                while let packet = receive() {
                    let found = IPHeaderPair.all(of: packet)
                    if found == headers { return true }
                    seen.insert("\(found)")
                }
                return nil
            }
        } catch {
            throw NeverHappened(description: "\(error); seen instead: \(seen.sorted())")
        }
    }

    private func receive() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return count > 0 ? Array(bytes.prefix(count)) : nil
    }
}

/// Source and destination of one IP header.
public struct IPHeaderPair: Hashable, Sendable, CustomStringConvertible {
    public let source: IPAddress
    public let destination: IPAddress

    public init(_ source: IPAddress, _ destination: IPAddress) {
        self.source = source
        self.destination = destination
    }

    public var description: String { "[\(source)>\(destination)]" }

    /// Of each IP header in the packet, IP-in-IP and GRE with a key or less followed.
    static func all(of packet: [UInt8]) -> [IPHeaderPair] {
        var pairs: [IPHeaderPair] = []
        var rest = packet[...]
        while let first = rest.first {
            let isV4 = first >> 4 == 4
            let (at, length, header) = isV4 ? (12, 4, Int(first & 15) * 4) : (8, 16, 40)
            guard [4, 6].contains(first >> 4), rest.count >= header, header >= 20 else { break }
            let start = rest.startIndex
            pairs.append(
                IPHeaderPair(
                    IPAddress(bytes: rest[start + at..<start + at + length])!,
                    IPAddress(bytes: rest[start + at + length..<start + at + 2 * length])!))
            let next = rest[start + (isV4 ? 9 : 6)]
            rest = rest.dropFirst(header)
            switch next {
            case 4, 41: continue
            case 47 where rest.count >= 4:
                let flags = rest[rest.startIndex]
                rest = rest.dropFirst(4 + (flags & 0x20 != 0 ? 4 : 0) + (flags & 0x10 != 0 ? 4 : 0))
            default: return pairs
            }
        }
        return pairs
    }
}
