/// A message was refused without effect.
///
///     header | in-reply-to | error code | receiver view? | text? | authenticator?
///
/// With an authenticator it can be relied on. Without, which is all that one can send to somebody with whom no key
/// is shared, it is a hint for a person to read: a node acts on none.
public struct ErrorReply: Hashable, Sendable {
    /// Bytes of UTF-8.
    public static let longestText = 128

    /// The message that was refused.
    public var inReplyTo: MessageReference
    public var code: ErrorCode
    /// What the code says about it: an option's type, a version; otherwise 0.
    public var detail: UInt16
    /// The newest message of the sender that the receiver accepted, in answer to a stale or replayed one. A sender
    /// that is behind goes on with an epoch above it (T13).
    public var receiverView: MessageReference?
    /// For a person; at most 128 bytes, cut at a character's end.
    public var text: String

    public init(
        inReplyTo: MessageReference, code: ErrorCode, detail: UInt16 = 0, receiverView: MessageReference? = nil,
        text: String = ""
    ) {
        self.inReplyTo = inReplyTo
        self.code = code
        self.detail = detail
        self.receiverView = receiverView
        self.text = text
    }
}

/// The value of the error code option.
///
///     +-------------------------------+-------------------------------+
///     |             Code              |            Detail             |
///     +-------------------------------+-------------------------------+
extension ErrorReply {
    init(_ options: inout OptionReader, _ frame: MessageFrame) throws(MessageError) {
        var inReplyTo: MessageReference?
        var code: UInt32?
        var view: MessageReference?
        var text: String?
        while let option = try options.next() {
            switch option.type {
            case OptionType.inReplyTo: try inReplyTo.setOnce(try option.reference(), option)
            case OptionType.errorCode: try code.setOnce(try option.u32(), option)
            case OptionType.receiverView: try view.setOnce(try option.reference(), option)
            case OptionType.text: try text.setOnce(try option.text(), option)
            default: try option.skip()
            }
        }
        let both = try code.required(OptionType.errorCode, of: .error)
        self.init(
            inReplyTo: try inReplyTo.required(OptionType.inReplyTo, of: .error),
            code: ErrorCode(rawValue: UInt16(truncatingIfNeeded: both >> 16)),
            detail: UInt16(truncatingIfNeeded: both), receiverView: view, text: text ?? "")
    }

    func encode(to writer: inout MessageWriter) {
        writer.option(OptionType.inReplyTo, reference: inReplyTo)
        writer.option(OptionType.errorCode, u32: UInt32(code.rawValue) << 16 | UInt32(detail))
        if let receiverView { writer.option(OptionType.receiverView, reference: receiverView) }
        if !text.isEmpty { writer.option(OptionType.text, text: text) }
    }
}
