/// A node asks who the routers of a link are. Unauthenticated, to the routers' group or by broadcast.
///
///     header | padding
///
/// It is padded to 512 bytes, so that no answer to it is larger (T7).
public struct Solicit: Hashable, Sendable {
    /// Bytes of the shortest one that is accepted, and of each one that is sent.
    public static let minimumLength = 512

    public init() {}
}

extension Solicit {
    init(_ options: inout OptionReader, _ frame: MessageFrame) throws(MessageError) {
        try frame.requireLength(Self.minimumLength)
        while let option = try options.next() {
            switch option.type {
            case OptionType.padding: break
            default: try option.skip()
            }
        }
    }

    func encode(to writer: inout MessageWriter, trailer: Int) {
        writer.pad(to: Self.minimumLength, trailer: trailer)
    }
}
