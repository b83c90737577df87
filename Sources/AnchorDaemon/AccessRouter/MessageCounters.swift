import AnchorCore
import AnchorProtocol

/// Messages received, by type and by what became of them.
struct MessageCounters {
    private struct Key: Hashable {
        /// As in the message's header.
        var type: UInt8
        /// `nil` for accepted.
        var refusal: RefusalCause?
    }

    /// A row for metrics.
    struct Row {
        var type: String
        var result: String
        var count: UInt64
    }

    private var received: [Key: UInt64] = [:]
    private(set) var happened: [String: UInt64] = [:]

    mutating func count(_ datagram: Datagram, _ actions: [AccessRouterAction]) {
        var refusal: RefusalCause?
        for action in actions {
            guard case .report(.refused(_, _, let cause)) = action else { continue }
            refusal = cause
            break
        }
        let type = datagram.bytes.count > 3 ? datagram.bytes[3] : 0
        // What isn't of the protocol may say anything: one row for all of it.
        received[Key(type: MessageType(rawValue: type) == nil ? 0 : type, refusal: refusal), default: 0] += 1
    }

    mutating func count(_ kind: String) { happened[kind, default: 0] += 1 }

    var rows: [Row] {
        received.map { key, count in
            Row(
                type: MessageType(rawValue: key.type).map { "\($0)" } ?? "unknown",
                result: key.refusal?.rawValue ?? "accepted", count: count)
        }.sorted { ($0.type, $0.result) < ($1.type, $1.result) }
    }
}
