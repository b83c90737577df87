import NetworkTypes

extension Roaming {
    /// What the data plane should hold of each host, by address.
    public var bindings: [RoamingBinding] {
        hosts.values.compactMap(\.installed).sorted { $0.address < $1.address }
    }

    public func binding(of address: IPAddress) -> RoamingBinding? { hosts[address]?.installed }

    public var hostCount: Int { hosts.count }

    public func holds(_ address: IPAddress) -> Bool { hosts[address] != nil }

    /// When a packet of the host was seen last.
    public func lastSeen(_ address: IPAddress) -> MonotonicInstant? { hosts[address]?.lastSeen }

    /// The last handovers to and from this router, oldest first.
    public var handovers: [RoamingHandover] { log.entries }

    /// A host as people want to see it.
    public struct HostRow: Hashable, Sendable {
        public var address: IPAddress
        public var epoch: UInt32
        /// The router that it is at: this one's name where it is here, `nil` for nowhere.
        public var place: String?
        public var isClaimed: Bool
        /// Routers with flows of it, other than this one.
        public var anchors: [String]
        /// Routers whose tables of its flows have not arrived where it is.
        public var pending: [String]
    }

    /// All hosts, by address.
    public var hostRows: [HostRow] { hosts.values.map(row).sorted { $0.address < $1.address } }

    public func hostRow(_ address: IPAddress) -> HostRow? { hosts[address].map(row) }

    private func row(_ host: RoamingRecord) -> HostRow {
        HostRow(
            address: host.address, epoch: host.epoch,
            place: host.isAway ? host.away?.at : host.installed == nil ? nil : name,
            isClaimed: host.search != nil, anchors: host.anchors.sorted(), pending: host.chain)
    }
}
