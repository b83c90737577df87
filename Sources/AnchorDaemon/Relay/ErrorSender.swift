import CDatagram
import Glibc
import NetworkTypes

/// Sends ICMP messages that this machine composed. For one serial queue.
final class ErrorSender {
    private let sockets: [AddressFamily: Int32]

    /// Needs CAP_NET_RAW.
    init() throws(DaemonError) {
        var sockets: [AddressFamily: Int32] = [:]
        for family in AddressFamily.allCases {
            let opened = cd_open_icmp(Int32(family.rawValue))
            guard opened >= 0 else {
                for descriptor in sockets.values { close(descriptor) }
                throw .system("can't open a raw ICMP socket: \(String(cString: strerror(-opened)))")
            }
            sockets[family] = opened
        }
        self.sockets = sockets
    }

    deinit {
        for descriptor in sockets.values { close(descriptor) }
    }

    /// - Parameter message: from the ICMP header on.
    /// - Returns: errno, 0 where it was sent.
    func send(_ message: [UInt8], to destination: IPAddress, from source: IPAddress) -> Int32 {
        let descriptor = sockets[destination.family]!
        var datagram = cd_datagram()
        withUnsafeMutableBytes(of: &datagram.source) { $0.copyBytes(from: source.mappedBytes) }
        withUnsafeMutableBytes(of: &datagram.destination) { $0.copyBytes(from: destination.mappedBytes) }
        datagram.length = UInt16(min(message.count, Int(CD_LARGEST)))
        withUnsafeMutableBytes(of: &datagram.bytes) { $0.copyBytes(from: message.prefix(Int(CD_LARGEST))) }
        var result: Int32 = 0
        _ = cd_send(descriptor, Int32(destination.family.rawValue), &datagram, 1, &result)
        return result
    }
}
