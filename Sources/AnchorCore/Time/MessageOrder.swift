import AnchorProtocol

/// The order of a node's messages: by epoch, then by sequence (T4, T14).
public typealias MessageOrder = MessageReference

extension MessageReference {
    /// Before every message: epochs begin at 1.
    public static let none = MessageReference(epoch: 0, sequence: 0)
}

extension MessageReference: Codable {
    public init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        self.init(epoch: try container.decode(UInt32.self), sequence: try container.decode(UInt32.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        try container.encode(epoch)
        try container.encode(sequence)
    }
}
