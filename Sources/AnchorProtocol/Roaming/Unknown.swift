/// The host of a ``Claim`` is not held by the sender.
///
///     address | realm?
public struct Unknown: Hashable, Sendable {
    public var host: RoamingHost

    public init(host: RoamingHost) { self.host = host }

    init(_ payload: [UInt8]) throws(RoamingMessageError) {
        self.init(host: try RoamingFields(payload, .unknown, []).host)
    }

    var encoded: [UInt8] { RoamingFields.encoded(host) { _ in } }
}
