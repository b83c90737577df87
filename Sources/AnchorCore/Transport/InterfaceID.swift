/// A network interface, by a number that its user chooses and keeps while the configuration stands, also while the
/// interface is away. It is no kernel index.
public struct InterfaceID: Hashable, Sendable, Comparable, Codable {
    public var number: UInt32

    public init(_ number: UInt32) { self.number = number }

    public static func < (a: InterfaceID, b: InterfaceID) -> Bool { a.number < b.number }
}
