import NetworkTypes

extension Roaming {
    public func holds(_ address: IPAddress) -> Bool { hosts[address] != nil }

    /// When a packet of the host was seen last.
    public func lastSeen(_ address: IPAddress) -> MonotonicInstant? { hosts[address]?.lastSeen }

    /// Hosts that are elsewhere and may have flows that began here.
    public var hostsWithFlowsLeft: [IPAddress] {
        hosts.values.filter { $0.away.map { $0.hasFlows && !$0.isReleasing } ?? false }.map(\.address)
    }
}
