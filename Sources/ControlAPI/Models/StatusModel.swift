/// A daemon at a glance.
public struct StatusModel: Hashable, Sendable, Codable {
    public var instance: String
    /// `access-router`, `mobile-node`.
    public var roles: [String]
    public var version: String
    /// Since this process started, in seconds.
    public var uptime: Double
    /// Grows at each start.
    public var epoch: UInt32
    /// Whether pinned tables of an earlier run were taken over.
    public var adopted: Bool
    public var interfaces: [InterfaceModel]
    public var tables: [MapModel]
    /// What an operator should look at.
    public var warnings: [String]

    public init(
        instance: String, roles: [String], version: String, uptime: Double, epoch: UInt32, adopted: Bool,
        interfaces: [InterfaceModel], tables: [MapModel], warnings: [String]
    ) {
        self.instance = instance
        self.roles = roles
        self.version = version
        self.uptime = uptime
        self.epoch = epoch
        self.adopted = adopted
        self.interfaces = interfaces
        self.tables = tables
        self.warnings = warnings
    }
}

/// An interface and the program on it.
public struct InterfaceModel: Hashable, Sendable, Codable {
    public var name: String
    /// `access`, `core`, `server-inside`, `server-outside`, `server-one-leg`, `mobile`.
    public var role: String
    /// `native`, `generic`, `tc`, or `none` while the interface is away.
    public var mode: String
    /// In bytes.
    public var mtu: Int
    public var isUp: Bool

    public init(name: String, role: String, mode: String, mtu: Int, isUp: Bool) {
        self.name = name
        self.role = role
        self.mode = mode
        self.mtu = mtu
        self.isUp = isUp
    }
}
