import NetworkTypes

extension Roaming {
    public func holds(_ address: IPAddress) -> Bool { hosts[address] != nil }

    /// When a packet of the host was seen last.
    public func lastSeen(_ address: IPAddress) -> MonotonicInstant? { hosts[address]?.lastSeen }
}
