import NetworkTypes

/// What becomes of a packet.
public struct ModelOutcome: Hashable, Sendable {
    public enum Verdict: Hashable, Sendable {
        /// Left to the kernel.
        case pass
        case drop
        /// Sent from a port, which may be the one that it came in by.
        case redirect(PortIndex)
        /// Mobile node: sent by an uplink, where the kernel has yet to find the neighbour; `nil`: by the one that it
        /// was leaving by.
        case neighbour(PortIndex?)
        /// Mobile node: comes in, or comes in once more, on the same interface.
        case comesIn
        /// Mobile node: goes to be cut into its segments.
        case segmenter
    }

    public var verdict: Verdict
    /// `nil` for a plain pass.
    public var reason: Reason?
    /// The frame as it leaves; as it was where it is dropped.
    public var bytes: [UInt8]
    /// A copy that a mobile node sends as it is on its attachment [0052].
    public var copy: Copy?
    /// An ICMP error that the daemon is told of: the packet, from its IP header on, long ones cut off.
    public var report: [UInt8]?

    /// A frame that is sent beside.
    public struct Copy: Hashable, Sendable {
        public var port: PortIndex
        public var bytes: [UInt8]
    }
}
