import CNetlink
import Glibc

/// Asks the kernel for, and changes, links, addresses, routes, rules and neighbours (rtnetlink).
///
/// One request at a time; to be used from one thread or one serial queue. Each call returns when the kernel has
/// answered, which it does without waiting for anything. Changes need CAP_NET_ADMIN.
public final class NetlinkSocket {
    let transport: NetlinkTransport

    /// - Parameter namespace: the network namespace to work in; the caller's own by default.
    public init(namespace: NetworkNamespace? = nil) throws {
        transport = try NetlinkTransport(netlinkProtocol: NETLINK_ROUTE, blocking: true, namespace: namespace)
    }

    /// Sends a change and waits for the kernel's acknowledgement.
    func change(
        _ message: borrowing NetlinkMessage, operation: String, object: @autoclosure () -> String
    ) throws(NetlinkError) {
        try transport.change(message, operation: operation, object: object())
    }
}

/// How often a dump is repeated that the kernel says was interrupted by a change.
private let dumpAttempts = 16

extension NetlinkTransport {
    func change(
        _ message: borrowing NetlinkMessage, operation: String, object: String
    ) throws(NetlinkError) {
        _ = try exchange(message, flags: NLM_F_ACK, operation: operation, object: object) { _ in }
    }

    /// Sends a request that one message answers.
    func get<Value>(
        _ message: borrowing NetlinkMessage, operation: String, object: String, _ read: (ReceivedMessage) -> Value?
    ) throws(NetlinkError) -> Value {
        var value: Value?
        _ = try exchange(message, flags: NLM_F_ACK, operation: operation, object: object) { value = read($0) ?? value }
        guard let value else {
            throw NetlinkError(
                operation: operation, object: object, code: EBADMSG, cause: "the kernel's answer cannot be read")
        }
        return value
    }

    /// Asks for a whole table. A dump during which the table changed is repeated.
    func dump<Value>(
        _ message: borrowing NetlinkMessage, operation: String, object: String, _ read: (ReceivedMessage) -> Value?
    ) throws(NetlinkError) -> [Value] {
        for _ in 0..<dumpAttempts {
            var values: [Value] = []
            let consistent = try exchange(message, flags: NLM_F_DUMP, operation: operation, object: object) {
                if let value = read($0) { values.append(value) }
            }
            if consistent { return values }
        }
        throw NetlinkError(
            operation: operation, object: object, code: EINTR,
            cause: "the table changed during each of \(dumpAttempts) attempts")
    }

    /// Returns whether the answer is one consistent picture.
    private func exchange(
        _ message: borrowing NetlinkMessage, flags: Int32, operation: String, object: String,
        _ visit: (ReceivedMessage) -> Void
    ) throws(NetlinkError) -> Bool {
        let sequence = try send(message, flags: flags, operation: operation, object: object)
        var done = false
        var consistent = true
        while !done {
            let reception = try receive(operation: operation, object: object) { received throws(NetlinkError) in
                // What is left of an earlier request that was given up.
                guard received.header.pointee.nlmsg_seq == sequence else { return true }
                if received.flags & NLM_F_DUMP_INTR != 0 { consistent = false }
                switch received.type {
                case NLMSG_ERROR:
                    let (code, cause) = received.acknowledgement
                    guard code == 0 else {
                        throw NetlinkError(operation: operation, object: object, code: code, cause: cause)
                    }
                    done = true
                case NLMSG_DONE:
                    // Carries a negative errno where the dump ended early.
                    if let code = received.body(Int32.self), code < 0 {
                        throw NetlinkError(operation: operation, object: object, code: -code)
                    }
                    done = true
                case NLMSG_NOOP:
                    break
                default:
                    visit(received)
                }
                return !done
            }
            switch reception {
            case .messages: break
            case .empty: throw NetlinkError(operation: operation, object: object, code: ETIMEDOUT)
            case .overrun: throw NetlinkError(operation: operation, object: object, code: ENOBUFS)
            }
        }
        return consistent
    }
}
