/// An entry of a map in words. Addresses and numbers are as people write them, whatever their byte order in the map; a
/// number of bytes ends in " B" and a time in " s".
public struct MapEntry: Hashable, Sendable {
    /// Finds the entry again, see ``KernelDataPlane/entries(of:key:limit:)``.
    public var key: String
    /// By name. What is secret is there, with the value `hidden`.
    public var fields: [String: String]

    public init(key: String, fields: [String: String]) {
        self.key = key
        self.fields = fields
    }
}
