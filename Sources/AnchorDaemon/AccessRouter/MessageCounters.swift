import AnchorCore
import AnchorProtocol

/// Messages received, by type and by what became of them.
struct MessageCounters {
    struct Key: Hashable {
        var type: String
        var result: String
    }

    private(set) var received: [Key: UInt64] = [:]
    private(set) var happened: [String: UInt64] = [:]

    mutating func count(_ datagram: Datagram, _ actions: [AccessRouterAction]) {
        var result = "accepted"
        for action in actions {
            guard case .report(.refused(_, _, let cause)) = action else { continue }
            result = cause.rawValue
            break
        }
        let type = datagram.bytes.count > 3 ? MessageType(rawValue: datagram.bytes[3]).map { "\($0)" } : nil
        received[Key(type: type ?? "unknown", result: result), default: 0] += 1
    }

    mutating func count(_ kind: String) { happened[kind, default: 0] += 1 }
}
