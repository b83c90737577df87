import Foundation
import Glibc

/// Two interfaces joined by a cable, removed with the object.
public final class VirtualPair: Sendable {
    public let first: String
    public let second: String

    /// - Parameter prefix: unique among the tests that run at once, at most six characters.
    public init(prefix: String) throws {
        let number = getpid() % 100_000
        first = "\(prefix)\(number)a"
        second = "\(prefix)\(number)b"
        try Command.run("ip", "link", "add", first, "type", "veth", "peer", "name", second)
        try Command.run("ip", "link", "set", first, "up")
        try Command.run("ip", "link", "set", second, "up")
    }

    deinit { remove() }

    public var firstIndex: Int32 { Int32(if_nametoindex(first)) }
    public var secondIndex: Int32 { Int32(if_nametoindex(second)) }

    /// An interface whose driver has no XDP of its own, removed with the pair.
    public func bridge() throws -> Int32 {
        try Command.run("ip", "link", "add", bridgeName, "type", "bridge")
        try Command.run("ip", "link", "set", bridgeName, "up")
        return Int32(if_nametoindex(bridgeName))
    }

    private var bridgeName: String { String(first.dropLast()) + "c" }

    /// Takes all interfaces away.
    public func remove() {
        try? Command.run("ip", "link", "delete", first)
        if if_nametoindex(bridgeName) != 0 { try? Command.run("ip", "link", "delete", bridgeName) }
    }
}
