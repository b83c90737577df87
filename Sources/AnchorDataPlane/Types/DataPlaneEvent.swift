import FlowAnchorABI

/// What the programs tell the daemon (`fa_event.h`).
public enum DataPlaneEvent: Hashable, Sendable {
    /// An ICMP error about a packet that this machine encapsulated, as it came in on the port: on an access router from
    /// its Ethernet header on, on a mobile node from its IP header on; long ones cut off.
    case icmpError(port: PortIndex, [UInt8])
    /// A subscriber of the NAT needs another block of ports; its index in `fa_subscribers`.
    case portBlockWanted(subscriber: UInt32)

    /// A frame from an address that needs no lease, of a host that isn't known or not there: to be let in, and the frame
    /// sent on.
    case unknownHost(port: PortIndex, [UInt8])

    /// - Returns: `nil` for an event that this version doesn't know.
    public init?(_ record: UnsafeRawBufferPointer) {
        guard record.count >= MemoryLayout<fa_event>.size else { return nil }
        let kind = record.loadUnaligned(fromByteOffset: MemoryLayout<fa_event>.offset(of: \.kind)!, as: UInt32.self)
        let port = record.loadUnaligned(fromByteOffset: MemoryLayout<fa_event>.offset(of: \.port)!, as: UInt32.self)
        let length = record.loadUnaligned(
            fromByteOffset: MemoryLayout<fa_event>.offset(of: \.length)!, as: UInt32.self)
        if kind == FA_EVENT_NAT_BLOCK_WANTED {
            self = .portBlockWanted(subscriber: length)
            return
        }
        // The packet stands at the same place in events of either size.
        let start = MemoryLayout<fa_event>.offset(of: \.packet)!
        guard start + Int(length) <= record.count else { return nil }
        let packet = Array(record[start..<start + Int(length)])
        switch kind {
        case FA_EVENT_ICMP_ERROR: self = .icmpError(port: port, packet)
        case FA_EVENT_HOST_UNKNOWN: self = .unknownHost(port: port, packet)
        default: return nil
        }
    }
}
