import CNetlink
import Foundation
import Glibc

/// An interface whose cable leads nowhere, and what is sent by it; removed with the object.
public final class WatchedInterface {
    public let name: String
    public let index: Int32
    private let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: 65536)

    /// - Parameters:
    ///   - prefix: unique among the tests that run at once, at most nine characters.
    ///   - mac: such as `02:00:00:00:00:01`.
    public init(prefix: String, mac: String) throws {
        name = "\(prefix)\(getpid() % 100_000)"
        let far = name + "z"
        try Command.run("ip", "link", "add", name, "address", mac, "type", "veth", "peer", "name", far)
        for interface in [name, far] {
            // Nothing of the kernel's own.
            try? "1".write(
                toFile: "/proc/sys/net/ipv6/conf/\(interface)/disable_ipv6", atomically: false, encoding: .utf8)
            try Command.run("ip", "link", "set", interface, "up")
        }
        index = Int32(if_nametoindex(name))
        let everything = UInt16(3).bigEndian  // ETH_P_ALL
        descriptor = socket(AF_PACKET, Int32(SOCK_RAW.rawValue | SOCK_NONBLOCK.rawValue), Int32(everything))
        var address = sockaddr_ll()
        address.sll_family = sa_family_t(AF_PACKET)
        address.sll_protocol = everything
        address.sll_ifindex = index
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_ll>.size))
            }
        }
        guard code == 0 else { throw Command.Failed(command: "bind a packet socket to \(name)") }
    }

    deinit {
        close(descriptor)
        try? Command.run("ip", "link", "delete", name)
    }

    /// The next frame that was sent by it; `nil` if there is none yet.
    public func sent() -> [UInt8]? {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer[..<count]) : nil
    }
}
