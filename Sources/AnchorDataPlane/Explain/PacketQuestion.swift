import NetworkTypes

/// A packet that is asked about: what would the programs do if it came now?
public struct PacketQuestion: Hashable, Sendable {
    /// Seen from the host, as flow lists have it.
    public var flow: FlowKey
    /// From the correspondent to the host. Of a flow that is translated here it is addressed as the correspondent does.
    public var isDown = false
    /// Where it comes in; `nil`: where packets of its source come in by what is known of it.
    public var interface: String?
    /// The tunnel that it comes in; `nil`: that of its host, or of the router where its flow began, if that is elsewhere
    /// and it isn't said where the packet comes in.
    public var tunnel: Tunnel?
    /// The station that sends it; `nil`: the source's own.
    public var station: MACAddress?
    /// TCP: a SYN, which begins a connection, in place of a packet in the middle of one.
    public var opens = false
    /// Of the IP packet, its own headers included and those of a tunnel not, in bytes.
    public var length = 100

    public struct Tunnel: Hashable, Sendable {
        public var source: IPAddress
        public var destination: IPAddress
        /// Of GRE (RFC 2890).
        public var key: UInt32?
        public var sequence: UInt32?

        public init(source: IPAddress, destination: IPAddress, key: UInt32? = nil, sequence: UInt32? = nil) {
            self.source = source
            self.destination = destination
            self.key = key
            self.sequence = sequence
        }
    }

    public init(_ flow: FlowKey) { self.flow = flow }

    /// - Parameter flow: `tcp,10.0.0.1:5000,203.0.113.9:80` from the host to its correspondent, IPv6 addresses in
    ///   brackets. Of `icmp` and `icmpv6` the host's port is the identifier of an echo request.
    /// - Throws: `invalid`, saying what is expected.
    public init(flow: String) throws(DataPlaneError) { self.init(try KeyText.flow(flow)) }
}
