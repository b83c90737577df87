import Foundation

/// The name of a lab: everything that it owns on the machine is named after it.
public struct LabIdentity: Hashable, Sendable, CustomStringConvertible {
    public let id: String

    /// - Returns: `nil` unless the name is 1–8 lower-case letters or digits.
    public init?(_ id: String) {
        guard (1...8).contains(id.count), id.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) })
        else { return nil }
        self.id = id
    }

    /// A name that no lab on this machine has.
    public static func unused() -> LabIdentity {
        while true {
            let identity = LabIdentity(String(UInt16.random(in: 0x1000...0xffff), radix: 16))!
            if !FileManager.default.fileExists(atPath: identity.folder) { return identity }
        }
    }

    public var description: String { id }

    /// Prefix of its namespaces, and of the instance names of its daemons.
    var prefix: String { "fa-\(id)-" }

    /// The namespace of one of its machines, such as `ar1`.
    public func namespace(_ machine: String) -> String { prefix + machine }

    /// Folder of all labs' files.
    public static let root = "/run/flowanchor-lab"
    /// Where its logs, configurations, captures and process records are.
    public var folder: String { "\(Self.root)/\(id)" }
}
