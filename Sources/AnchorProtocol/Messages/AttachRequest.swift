import NetworkTypes

/// A node on an access link asks for addresses, or refreshes those that it has.
///
///     header (flags: bit 0 IPv4 wanted, bit 1 IPv6 wanted) | link address | lifetime | previous address (0–16)
///            | padding | authenticator
///
/// It is padded so that no answer to it is larger (T7): 200 bytes and 44 for each previous address.
public struct AttachRequest: Hashable, Sendable {
    public static let largestPreviousCount = 16

    /// The node's address on the link.
    public var linkAddress: MACAddress
    /// Families of which an address is wanted.
    public var families: Set<AddressFamily>
    /// Seconds that the leases should last; the router may grant less.
    public var lifetime: UInt32
    /// Addresses leased from this router before that the node would like to keep, at most 16.
    public var previousAddresses: [IPAddress]

    public init(
        linkAddress: MACAddress, families: Set<AddressFamily>, lifetime: UInt32, previousAddresses: [IPAddress] = []
    ) {
        self.linkAddress = linkAddress
        self.families = families
        self.lifetime = lifetime
        self.previousAddresses = previousAddresses
    }

    /// Bytes, the authenticator included, of the shortest one that is accepted with so many previous addresses.
    public static func minimumLength(previousCount: Int) -> Int { 200 + 44 * previousCount }
}

extension AttachRequest {
    private static let v4Wanted: UInt16 = 1 << 0
    private static let v6Wanted: UInt16 = 1 << 1

    var flags: UInt16 {
        (families.contains(.v4) ? Self.v4Wanted : 0) | (families.contains(.v6) ? Self.v6Wanted : 0)
    }

    init(_ options: inout OptionReader, _ frame: MessageFrame) throws(MessageError) {
        var linkAddress: MACAddress?
        var lifetime: UInt32?
        var previous: [IPAddress] = []
        while let option = try options.next() {
            switch option.type {
            case OptionType.linkAddress: try linkAddress.setOnce(try option.linkAddress(), option)
            case OptionType.lifetime: try lifetime.setOnce(try option.u32(), option)
            case OptionType.previousAddress:
                try option.append(try option.hostAddress(), to: &previous, limit: Self.largestPreviousCount)
            case OptionType.padding: break
            default: try option.skip()
            }
        }
        try frame.requireLength(Self.minimumLength(previousCount: previous.count))
        var families: Set<AddressFamily> = []
        if frame.flags & Self.v4Wanted != 0 { families.insert(.v4) }
        if frame.flags & Self.v6Wanted != 0 { families.insert(.v6) }
        self.init(
            linkAddress: try linkAddress.required(OptionType.linkAddress, of: .attachRequest), families: families,
            lifetime: try lifetime.required(OptionType.lifetime, of: .attachRequest), previousAddresses: previous)
    }

    func encode(to writer: inout MessageWriter, trailer: Int) {
        precondition(previousAddresses.count <= Self.largestPreviousCount, "more addresses than a request holds")
        writer.option(OptionType.linkAddress, mac: linkAddress)
        writer.option(OptionType.lifetime, u32: lifetime)
        for address in previousAddresses { writer.option(OptionType.previousAddress, address: address) }
        writer.pad(to: Self.minimumLength(previousCount: previousAddresses.count), trailer: trailer)
    }
}
