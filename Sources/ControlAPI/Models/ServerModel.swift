/// A server of a chain.
public struct ServerModel: Hashable, Sendable, Codable {
    public var name: String
    /// `two-legged` or `one-legged`.
    public var kind: String
    /// Inside leg first.
    public var interfaces: [String]
    /// The links to it can carry packets.
    public var areLegsUp: Bool
    /// An operator took it out of service.
    public var isMarkedDown: Bool
    /// Packets pass it: its legs are up and it is not marked down.
    public var isUp: Bool
    /// `bypass` or `refuse`.
    public var whenDown: String
    /// Access links whose hosts pass it.
    public var chain: String

    public init(
        name: String, kind: String, interfaces: [String], areLegsUp: Bool, isMarkedDown: Bool, whenDown: String,
        chain: String
    ) {
        self.name = name
        self.kind = kind
        self.interfaces = interfaces
        self.areLegsUp = areLegsUp
        self.isMarkedDown = isMarkedDown
        isUp = areLegsUp && !isMarkedDown
        self.whenDown = whenDown
        self.chain = chain
    }
}

/// What an operator wants of a server.
public struct ServerStateModel: Hashable, Sendable, Codable {
    public enum State: String, Sendable, CaseIterable {
        /// In service while its links are up.
        case up
        /// Out of service, whatever its links are.
        case down
    }

    public var state: State

    public init(state: State) { self.state = state }
}

extension ServerStateModel.State: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let state = Self(rawValue: text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'up' or 'down', not '\(text)'")
        }
        self = state
    }
}
