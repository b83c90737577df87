import NetworkTypes

/// `HostLocation` in 32 bytes, for a table of a million hosts. The tunnel's own end follows from the family of the
/// care-of address.
struct StoredLocation: Hashable, Sendable {
    /// Unspecified (IPv6) without a tunnel.
    private(set) var careOf: IPAddress
    /// Bits 0–47 the MAC, above them the flags.
    private var word: UInt64
    private var interface: UInt32
    private var greKey: UInt32

    private static let attached: UInt64 = 1 << 48
    private static let gre: UInt64 = 1 << 49
    private static let sequenced: UInt64 = 1 << 50
    private static let bicast: UInt64 = 1 << 51
    private static let tunnelled: UInt64 = 1 << 52

    /// Leased, but nowhere yet: the lease waits for storage.
    static let nowhere = StoredLocation()

    private init() {
        careOf = .anyV6
        word = 0
        interface = 0
        greKey = 0
    }

    init(_ location: HostLocation) {
        self.init()
        if let neighbour = location.neighbour {
            word = neighbour.mac.bits | Self.attached
            interface = neighbour.interface.number
        }
        if let tunnel = location.tunnel {
            careOf = tunnel.peer
            word |= Self.tunnelled
            if case .gre(let key, let sequenced) = tunnel.kind {
                greKey = key
                word |= Self.gre | (sequenced ? Self.sequenced : 0)
            }
        }
        if case .both(_, _, bicast: true) = location { word |= Self.bicast }
    }

    var isNowhere: Bool { word & (Self.attached | Self.tunnelled) == 0 }
    var isAttached: Bool { word & Self.attached != 0 }
    var isTunnelled: Bool { word & Self.tunnelled != 0 }

    var neighbour: Neighbour? {
        isAttached ? Neighbour(mac: MACAddress(bits: word), interface: InterfaceID(interface)) : nil
    }

    /// - Parameter endpoint: the router's tunnel endpoint of a family.
    func location(endpoint: (AddressFamily) -> IPAddress?) -> HostLocation? {
        let neighbour = self.neighbour
        guard isTunnelled, let local = endpoint(careOf.family) else { return neighbour.map { .attached($0) } }
        let kind: TunnelKind =
            word & Self.gre == 0 ? .ipInIP : .gre(key: greKey, sequenced: word & Self.sequenced != 0)
        let tunnel = Tunnel(local: local, peer: careOf, kind: kind)
        guard let neighbour else { return .tunnelled(tunnel) }
        return .both(neighbour, tunnel, bicast: word & Self.bicast != 0)
    }
}
