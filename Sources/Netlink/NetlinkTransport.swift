import CNetlink
import Glibc

/// The socket itself: sends one message, receives datagrams and walks through the messages in them.
final class NetlinkTransport {
    let descriptor: Int32
    private var buffer: UnsafeMutableRawBufferPointer
    private var sequence: UInt32 = 0

    /// - Parameters:
    ///   - netlinkProtocol: NETLINK_ROUTE or NETLINK_SOCK_DIAG.
    ///   - groups: the multicast groups to join, by number.
    ///   - receiveBuffer: bytes that the kernel may queue; `nil` for its default.
    init(
        netlinkProtocol: Int32, groups: [UInt32] = [], blocking: Bool, receiveBuffer: Int? = nil,
        namespace: NetworkNamespace?
    ) throws {
        let open = {
            let type = Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue) | (blocking ? 0 : Int32(SOCK_NONBLOCK.rawValue))
            let descriptor = socket(AF_NETLINK, type, netlinkProtocol)
            guard descriptor >= 0 else {
                throw NetlinkError(operation: "open", object: "a netlink socket", code: errno)
            }
            return descriptor
        }
        descriptor = try namespace?.run(open) ?? open()
        // As large as the largest datagram that the kernel makes for a dump.
        buffer = .allocate(byteCount: 1 << 16, alignment: 16)
        try bindToKernel()
        set(SOL_NETLINK, Int32(NETLINK_EXT_ACK), 1)
        set(SOL_NETLINK, Int32(NETLINK_CAP_ACK), 1)
        if blocking {
            // The kernel answers before send() returns; waiting means that the answer was lost.
            var limit = timeval(tv_sec: 5, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        if let receiveBuffer, !set(SOL_SOCKET, SO_RCVBUFFORCE, Int32(clamping: receiveBuffer)) {
            set(SOL_SOCKET, SO_RCVBUF, Int32(clamping: receiveBuffer))
        }
        for group in groups {
            guard set(SOL_NETLINK, Int32(NETLINK_ADD_MEMBERSHIP), Int32(bitPattern: group)) else {
                throw NetlinkError(operation: "join", object: "netlink multicast group \(group)", code: errno)
            }
        }
    }

    deinit {
        close(descriptor)
        buffer.deallocate()
    }

    private func bindToKernel() throws(NetlinkError) {
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_nl>.size))
            }
        }
        guard code == 0 else { throw NetlinkError(operation: "bind", object: "a netlink socket", code: errno) }
    }

    @discardableResult
    private func set(_ level: Int32, _ option: Int32, _ value: Int32) -> Bool {
        var value = value
        return setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0
    }

    /// Sends the message with a fresh sequence number, which it returns.
    func send(
        _ message: borrowing NetlinkMessage, flags: Int32, operation: String, object: String
    ) throws(NetlinkError) -> UInt32 {
        sequence &+= 1
        let header = message.header
        header.pointee.nlmsg_seq = sequence
        header.pointee.nlmsg_pid = 0
        header.pointee.nlmsg_flags |= UInt16(NLM_F_REQUEST | flags)
        while true {
            if Glibc.send(descriptor, header, Int(header.pointee.nlmsg_len), 0) >= 0 { return sequence }
            guard errno == EINTR else { throw NetlinkError(operation: operation, object: object, code: errno) }
        }
    }

    /// What one call of recv(2) brought.
    enum Reception: Equatable {
        case messages
        /// Nothing there (of a socket that does not block).
        case empty
        /// The kernel dropped messages because the queue was full (ENOBUFS).
        case overrun
    }

    /// Receives one datagram and hands each message in it to `visit`, which returns false to skip the rest.
    func receive(
        operation: String, object: String, _ visit: (ReceivedMessage) throws(NetlinkError) -> Bool
    ) throws(NetlinkError) -> Reception {
        let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_TRUNC))
        guard count >= 0 else {
            switch errno {
            case EINTR: return .messages
            case EAGAIN: return .empty
            case ENOBUFS: return .overrun
            default: throw NetlinkError(operation: operation, object: object, code: errno)
            }
        }
        guard count <= buffer.count else {
            // Larger than any buffer that the kernel was seen to need: make room for the next, report this as lost.
            buffer.deallocate()
            buffer = .allocate(byteCount: count, alignment: 16)
            return .overrun
        }
        var remaining = Int32(count)
        var next = buffer.baseAddress!.assumingMemoryBound(to: nlmsghdr.self)
        while nlmsg_ok(next, remaining) != 0 {
            guard try visit(ReceivedMessage(header: next)) else { break }
            next = nlmsg_next(next, &remaining)
        }
        return .messages
    }
}
