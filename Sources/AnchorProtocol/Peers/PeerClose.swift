/// Why an end closes the session: its last message.
///
///     close code | text?
public struct PeerClose: Hashable, Sendable {
    /// Room for new ones: a code that is not known is kept as it is.
    public struct Code: RawRepresentable, Hashable, Sendable {
        public var rawValue: UInt16

        public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// The daemon ends.
        public static let stopping = Code(rawValue: 1)
        /// The pair has another connection, which stays.
        public static let duplicate = Code(rawValue: 2)
        /// What came is not of the protocol, or contradicts the certificate.
        public static let refused = Code(rawValue: 3)
        /// Nothing came for too long.
        public static let silent = Code(rawValue: 4)
        /// The certificate that the session began with has ended.
        public static let certificateEnded = Code(rawValue: 5)
    }

    /// Bytes of the longest that is read.
    public static let longest = 1024

    public var code: Code
    /// For a person; at most 128 bytes.
    public var text: String

    public init(_ code: Code, _ text: String = "") {
        self.code = code
        self.text = text
    }

    public init(_ payload: [UInt8]) throws(PeerProtocolError) {
        guard payload.count <= Self.longest else {
            throw .payloadLength(type: PeerControl.close.rawValue, length: payload.count)
        }
        var code: UInt16?
        var text: String?
        do throws(MessageError) {
            try payload.withRawBytes { (raw) throws(MessageError) in
                var options = OptionReader(raw, in: 0..<raw.count)
                while let option = try options.next() {
                    switch option.type {
                    case PeerOptionType.closeCode: try code.setOnce(try option.u16(), option)
                    case OptionType.text: try text.setOnce(try option.text(), option)
                    default: try option.skip()
                    }
                }
            }
        } catch {
            throw .option(error)
        }
        guard let code else { throw .missingOption(.close, type: PeerOptionType.closeCode) }
        self.init(Code(rawValue: code), text ?? "")
    }

    /// The payload.
    public var encoded: [UInt8] {
        withUnsafeTemporaryAllocation(byteCount: Self.longest, alignment: 8) { buffer in
            var writer = MessageWriter(buffer)
            writer.option(PeerOptionType.closeCode, u16: code.rawValue)
            if !text.isEmpty { writer.option(OptionType.text, text: text) }
            return [UInt8](writer.written)
        }
    }
}
