import NetworkTypes

extension AccessRouter {
    /// The host table, by address.
    public var hostTable: [HostTableRow] {
        hosts.occupied.compactMap(row).sorted { $0.address < $1.address }
    }

    /// Whether the address is leased and its host is somewhere.
    public func holds(_ address: IPAddress) -> Bool {
        hosts.slot(of: address).map { !hosts[$0].location.isNowhere } ?? false
    }

    /// The row of an address.
    public func host(_ address: IPAddress) -> HostTableRow? { hosts.slot(of: address).flatMap(row) }

    /// The binding in force of an address.
    public func binding(of address: IPAddress) -> HostBinding? { hosts.slot(of: address).flatMap(binding) }

    /// All bindings in force, in no order.
    public var bindings: some Sequence<HostBinding> { hosts.occupied.lazy.compactMap { binding(of: $0) } }

    /// Hosts, including those whose lease waits for storage.
    public var hostCount: Int { hosts.count }

    /// Records that are given to storage and not confirmed.
    public var outstandingRecords: Int { operations.count }

    /// Timers that wait for hosts: none without hosts.
    public var timersInHand: Int { expiries.count + graces.count }

    private func row(_ slot: UInt32) -> HostTableRow? {
        guard let location = location(of: slot) else { return nil }
        let host = hosts[slot]
        return HostTableRow(
            address: host.address, node: nodes[Int(host.node)].account.id, location: location, expires: host.expires,
            lastSeen: host.lastSeen)
    }
}
