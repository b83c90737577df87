/// What a packet of a translated flow asks of an access router.
enum NATJob: String, CaseIterable {
    /// From a host on an access link to the core.
    case up
    /// From the core to a host on an access link.
    case down
    /// From a host elsewhere, through its tunnel, to the core.
    case upTunnelled = "up-tunnelled"
    /// From the core to a host elsewhere, through its tunnel.
    case downTunnelled = "down-tunnelled"

    var isUp: Bool { self == .up || self == .upTunnelled }
    var isTunnelled: Bool { self == .upTunnelled || self == .downTunnelled }
    /// The packet comes by an access link.
    var isFromNode: Bool { self == .up }
    var reference: String { "reference_nat_" + rawValue.split(separator: "-").joined(separator: "_") }
    /// What a ratio to the reference is not to exceed.
    var target: Double { isTunnelled ? 0.8 : 0.7 }
}
