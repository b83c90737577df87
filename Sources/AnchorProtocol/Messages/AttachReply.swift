import NetworkTypes

/// A router leases addresses to a node and says how to reach it later from elsewhere.
///
///     header | in-reply-to | MTU | GRE key | capabilities | endpoint (0–2) | lease (0–18) | authenticator
///
/// It holds at most one lease more a family than the request named previous addresses, so it is never larger than
/// the request (T7).
public struct AttachReply: Hashable, Sendable {
    public static let largestLeaseCount = AttachRequest.largestPreviousCount + 2

    public var inReplyTo: MessageReference
    public var leases: [AddressLease]
    /// oA: where tunnels to this router end, at most one a family.
    public var endpoints: [IPAddress]
    /// Bytes of an IP packet that fit the way to the router.
    public var mtu: UInt16
    /// The key that GRE packets between this node and this router carry, both ways.
    public var greKey: UInt32
    public var capabilities: RouterCapabilities

    public init(
        inReplyTo: MessageReference, leases: [AddressLease], endpoints: [IPAddress], mtu: UInt16, greKey: UInt32,
        capabilities: RouterCapabilities
    ) {
        self.inReplyTo = inReplyTo
        self.leases = leases
        self.endpoints = endpoints
        self.mtu = mtu
        self.greKey = greKey
        self.capabilities = capabilities
    }
}

extension AttachReply {
    init(_ options: inout OptionReader, _ frame: MessageFrame) throws(MessageError) {
        var inReplyTo: MessageReference?
        var mtu: UInt16?
        var greKey: UInt32?
        var capabilities: UInt32?
        var endpoints: [IPAddress] = []
        var leases: [AddressLease] = []
        while let option = try options.next() {
            switch option.type {
            case OptionType.inReplyTo: try inReplyTo.setOnce(try option.reference(), option)
            case OptionType.mtu: try mtu.setOnce(try option.u16(), option)
            case OptionType.greKey: try greKey.setOnce(try option.u32(), option)
            case OptionType.capabilities: try capabilities.setOnce(try option.u32(), option)
            case OptionType.endpoint: try option.endpoint(into: &endpoints)
            case OptionType.lease:
                try option.append(try option.lease(), to: &leases, limit: Self.largestLeaseCount)
            default: try option.skip()
            }
        }
        self.init(
            inReplyTo: try inReplyTo.required(OptionType.inReplyTo, of: .attachReply), leases: leases,
            endpoints: endpoints, mtu: try mtu.required(OptionType.mtu, of: .attachReply),
            greKey: try greKey.required(OptionType.greKey, of: .attachReply),
            capabilities: RouterCapabilities(
                rawValue: try capabilities.required(OptionType.capabilities, of: .attachReply)))
    }

    func encode(to writer: inout MessageWriter) {
        precondition(leases.count <= Self.largestLeaseCount, "more leases than a reply holds")
        writer.option(OptionType.inReplyTo, reference: inReplyTo)
        writer.option(OptionType.mtu, u16: mtu)
        writer.option(OptionType.greKey, u32: greKey)
        writer.option(OptionType.capabilities, u32: capabilities.rawValue)
        writer.endpoints(endpoints)
        for lease in leases { writer.option(OptionType.lease, lease: lease) }
    }
}
