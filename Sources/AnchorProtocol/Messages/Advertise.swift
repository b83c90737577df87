import NetworkTypes

/// A router makes itself known: to a link from time to time, or to the node that solicited. Unauthenticated, hence only
/// a hint: whoever answers the attach request proves that it knows the key. The header's epoch is that of the
/// router's start, so a restart shows.
///
///     header | in-reply-to? | lifetime | interval | capabilities | endpoint (0–2) | prefix (0–12)
public struct Advertise: Hashable, Sendable {
    public static let largestPrefixCount = 12

    /// The solicitation that it answers; `nil` for one that was not asked for.
    public var inReplyTo: MessageReference?
    /// Seconds after which a router that was not heard again is gone; 0 says goodbye.
    public var lifetime: UInt32
    /// Milliseconds between two unsolicited ones; 0 where there are none.
    public var interval: UInt32
    public var capabilities: RouterCapabilities
    /// oA: tunnel endpoints, at most one a family.
    public var endpoints: [IPAddress]
    /// The pools of the link, at most 12.
    public var prefixes: [IPPrefix]

    public init(
        inReplyTo: MessageReference? = nil, lifetime: UInt32, interval: UInt32, capabilities: RouterCapabilities,
        endpoints: [IPAddress], prefixes: [IPPrefix]
    ) {
        self.inReplyTo = inReplyTo
        self.lifetime = lifetime
        self.interval = interval
        self.capabilities = capabilities
        self.endpoints = endpoints
        self.prefixes = prefixes
    }
}

extension Advertise {
    init(_ options: inout OptionReader, _ frame: MessageFrame) throws(MessageError) {
        var inReplyTo: MessageReference?
        var lifetime: UInt32?
        var interval: UInt32?
        var capabilities: UInt32?
        var endpoints: [IPAddress] = []
        var prefixes: [IPPrefix] = []
        while let option = try options.next() {
            switch option.type {
            case OptionType.inReplyTo: try inReplyTo.setOnce(try option.reference(), option)
            case OptionType.lifetime: try lifetime.setOnce(try option.u32(), option)
            case OptionType.interval: try interval.setOnce(try option.u32(), option)
            case OptionType.capabilities: try capabilities.setOnce(try option.u32(), option)
            case OptionType.endpoint: try option.endpoint(into: &endpoints)
            case OptionType.prefix:
                try option.append(try option.prefix(), to: &prefixes, limit: Self.largestPrefixCount)
            default: try option.skip()
            }
        }
        self.init(
            inReplyTo: inReplyTo, lifetime: try lifetime.required(OptionType.lifetime, of: .advertise),
            interval: try interval.required(OptionType.interval, of: .advertise),
            capabilities: RouterCapabilities(
                rawValue: try capabilities.required(OptionType.capabilities, of: .advertise)),
            endpoints: endpoints, prefixes: prefixes)
    }

    func encode(to writer: inout MessageWriter) {
        precondition(prefixes.count <= Self.largestPrefixCount, "more prefixes than an advertisement holds")
        if let inReplyTo { writer.option(OptionType.inReplyTo, reference: inReplyTo) }
        writer.option(OptionType.lifetime, u32: lifetime)
        writer.option(OptionType.interval, u32: interval)
        writer.option(OptionType.capabilities, u32: capabilities.rawValue)
        writer.endpoints(endpoints)
        for prefix in prefixes { writer.option(OptionType.prefix, prefix: prefix) }
    }
}
