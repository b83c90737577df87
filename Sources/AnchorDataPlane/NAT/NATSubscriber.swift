import CAtomics
import FlowAnchorABI
import NetworkTypes

/// A subscriber of the NAT: an inside host, the outside address that all its flows leave from (RFC 4787, REQ-2), and
/// its blocks of ports.
public struct NATSubscriber: Hashable, Sendable {
    /// Its index in `fa_subscribers`.
    public var index: UInt32
    public var inside: IPAddress
    public var outside: IPAddress
    /// Flows that it may have at once.
    public var flowLimit: Int
    public var flows: Int
    /// Flows that found no port or were over the limit, since it is a subscriber; wraps after 2³².
    public var refused: UInt32
    /// A program has asked for another block, and none was given yet.
    public var wantsBlock: Bool
    public var blocks: [PortBlock]
}

extension NATSubscriber {
    /// From a slot in use.
    init(_ slot: UnsafePointer<fa_subscriber>, index: Int) {
        let memory = UnsafeRawPointer(slot)
        let count = min(
            Int(ca_load_acquire_u32(memory + NATOffset.blockCount)), Int(FA_NAT_SUBSCRIBER_BLOCKS))
        self.init(
            index: UInt32(index), inside: IPAddress(v4: UInt32(bigEndian: slot.pointee.key.address_be)),
            outside: IPAddress(v4: UInt32(bigEndian: slot.pointee.outside_be)),
            flowLimit: Int(ca_load_relaxed_u32(memory + NATOffset.flowLimit)),
            // Below 0 for a moment where a program takes back what it has just counted.
            flows: Int(max(0, Int32(bitPattern: ca_load_relaxed_u32(memory + NATOffset.flows)))),
            refused: ca_load_relaxed_u32(memory + NATOffset.refused),
            wantsBlock: ca_load_relaxed_u32(memory + NATOffset.wantsBlock) != 0,
            blocks: (0..<count).map { PortBlock(index: ca_load_relaxed_u32(memory + NATOffset.blocks + $0 * 4)) })
    }
}

extension fa_subscriber_key {
    /// - Parameter inside: IPv4.
    init(_ inside: IPAddress) {
        self.init(address_be: (inside.v4Bits ?? 0).bigEndian, realm: 0)
    }
}
