import NetworkTypes

/// A node needs an address no more: its last flow ended [0050].
///
///     header | address | padding | authenticator
///
/// Padded to 120 bytes, so that no answer is larger (T7).
public struct Release: Hashable, Sendable {
    /// Bytes, the authenticator included, of the shortest one that is accepted.
    public static let minimumLength = 120

    /// oM.
    public var address: IPAddress

    public init(address: IPAddress) { self.address = address }
}

extension Release {
    init(_ options: inout OptionReader, _ frame: MessageFrame) throws(MessageError) {
        try frame.requireLength(Self.minimumLength)
        var address: IPAddress?
        while let option = try options.next() {
            switch option.type {
            case OptionType.address: try address.setOnce(try option.hostAddress(), option)
            case OptionType.padding: break
            default: try option.skip()
            }
        }
        self.init(address: try address.required(OptionType.address, of: .release))
    }

    func encode(to writer: inout MessageWriter, trailer: Int) {
        writer.option(OptionType.address, address: address)
        writer.pad(to: Self.minimumLength, trailer: trailer)
    }
}
