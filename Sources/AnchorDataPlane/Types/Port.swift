import FlowAnchorABI
import NetworkTypes

/// What an interface is to this machine.
public enum PortRole: UInt32, Hashable, Sendable, CaseIterable, Codable {
    case access = 1
    case core = 2
    /// Leg of a server: what comes in has come out towards the node.
    case serverInside = 3
    /// Leg of a server: what comes in has come out towards the core.
    case serverOutside = 4
    /// The only leg of a server; the addresses tell the direction.
    case serverOneLeg = 5
    /// An uplink of a mobile node.
    case mobile = 6
}

extension PortRole {
    /// As in status, metrics and the maps' dumps.
    public var text: String {
        switch self {
        case .access: "access"
        case .core: "core"
        case .serverInside: "server-inside"
        case .serverOutside: "server-outside"
        case .serverOneLeg: "server-one-leg"
        case .mobile: "mobile"
        }
    }
}

/// An interface that a program is attached to.
public struct Port: Hashable, Sendable {
    public var role: PortRole
    public var name: String
    public var interfaceIndex: Int32
    public var mac: MACAddress
    /// In bytes, without the link header.
    public var mtu: UInt16
    /// The interface's own addresses: what is for them is the kernel's. At most 4.
    public var addresses: [IPAddress]
    /// Path of what comes out of a server towards the core; 0: it is routed.
    public var nextUp: PathIndex
    /// Path of what comes out of a server towards the node; 0: the host is looked up.
    public var nextDown: PathIndex

    public init(
        role: PortRole, name: String, interfaceIndex: Int32, mac: MACAddress, mtu: UInt16,
        addresses: [IPAddress] = [], nextUp: PathIndex = 0, nextDown: PathIndex = 0
    ) {
        self.role = role
        self.name = name
        self.interfaceIndex = interfaceIndex
        self.mac = mac
        self.mtu = mtu
        self.addresses = addresses
        self.nextUp = nextUp
        self.nextDown = nextDown
    }

    /// Ports that there can be, and addresses that each can have.
    public static let limit = Int(FA_PORT_LIMIT)
    public static let addressLimit = Int(FA_PORT_ADDRESS_LIMIT)
}
