import NetworkTypes

/// A node tells the anchor of one of its addresses where it is now [0045] [0049] [0052]. Sent again before its lifetime
/// ends, it is a refresh.
///
///     header (flags: bit 0 attached) | address | care-of? | tunnel? | link address? | lifetime | padding
///            | authenticator
///
/// Attached alone: the anchor delivers on its link, to the link address. A care-of address alone: through the tunnel.
/// Both: both are in use. Care-of and tunnel come together, attached and link address as well. Padded to 120 bytes, so
/// that no answer is larger (T7).
public struct LocationUpdate: Hashable, Sendable {
    /// Bytes, the authenticator included, of the shortest one that is accepted.
    public static let minimumLength = 120

    /// oM: the address that the anchor leased.
    public var address: IPAddress
    public var location: NodeLocation
    /// Seconds that the binding should last; the anchor may grant less.
    public var lifetime: UInt32

    public init(address: IPAddress, location: NodeLocation, lifetime: UInt32) {
        self.address = address
        self.location = location
        self.lifetime = lifetime
    }
}

extension LocationUpdate {
    private static let attached: UInt16 = 1 << 0

    var flags: UInt16 { location.linkAddress == nil ? 0 : Self.attached }

    init(_ options: inout OptionReader, _ frame: MessageFrame) throws(MessageError) {
        try frame.requireLength(Self.minimumLength)
        var address: IPAddress?
        var careOf: IPAddress?
        var tunnel: TunnelParameters?
        var linkAddress: MACAddress?
        var lifetime: UInt32?
        while let option = try options.next() {
            switch option.type {
            case OptionType.address: try address.setOnce(try option.hostAddress(), option)
            case OptionType.careOf: try careOf.setOnce(try option.hostAddress(), option)
            case OptionType.tunnel: try tunnel.setOnce(try option.tunnel(), option)
            case OptionType.linkAddress: try linkAddress.setOnce(try option.linkAddress(), option)
            case OptionType.lifetime: try lifetime.setOnce(try option.u32(), option)
            case OptionType.padding: break
            default: try option.skip()
            }
        }
        self.init(
            address: try address.required(OptionType.address, of: .locationUpdate),
            location: try Self.location(
                attached: frame.flags & Self.attached != 0, careOf: careOf, tunnel: tunnel, linkAddress: linkAddress),
            lifetime: try lifetime.required(OptionType.lifetime, of: .locationUpdate))
    }

    private static func location(
        attached: Bool, careOf: IPAddress?, tunnel: TunnelParameters?, linkAddress: MACAddress?
    ) throws(MessageError) -> NodeLocation {
        if !attached && linkAddress != nil { throw .contradictoryOption(type: OptionType.linkAddress) }
        if careOf == nil && tunnel != nil { throw .contradictoryOption(type: OptionType.tunnel) }
        if attached && careOf == nil {
            return .attached(try linkAddress.required(OptionType.linkAddress, of: .locationUpdate))
        }
        let careOf = try careOf.required(OptionType.careOf, of: .locationUpdate)
        let tunnel = try tunnel.required(OptionType.tunnel, of: .locationUpdate)
        guard attached else { return .away(careOf: careOf, tunnel) }
        let linkAddress = try linkAddress.required(OptionType.linkAddress, of: .locationUpdate)
        return .both(linkAddress, careOf: careOf, tunnel)
    }

    func encode(to writer: inout MessageWriter, trailer: Int) {
        writer.option(OptionType.address, address: address)
        if let careOf = location.careOf { writer.option(OptionType.careOf, address: careOf) }
        if let tunnel = location.tunnel { writer.option(OptionType.tunnel, tunnel: tunnel) }
        if let linkAddress = location.linkAddress { writer.option(OptionType.linkAddress, mac: linkAddress) }
        writer.option(OptionType.lifetime, u32: lifetime)
        writer.pad(to: Self.minimumLength, trailer: trailer)
    }
}
