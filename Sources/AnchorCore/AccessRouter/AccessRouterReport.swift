import NetworkTypes

/// News for logs, counters and `anchorctl monitor`.
public enum AccessRouterReport: Hashable, Sendable {
    case attached(node: UInt64, address: IPAddress, InterfaceID)
    case moved(node: UInt64, address: IPAddress, HostLocation)
    case released(node: UInt64, address: IPAddress)
    case expired(node: UInt64, address: IPAddress, ExpiryCause)
    case deleted(node: UInt64, address: IPAddress)
    /// A message was refused, with the error answered (if one was).
    case refused(node: UInt64?, source: IPAddress, RefusalCause)
    case quotaReached(node: UInt64)
    case poolExhausted(InterfaceID, AddressFamily)
    case persistFailed(node: UInt64, address: IPAddress)
}

/// Why a binding ended by itself.
public enum ExpiryCause: String, Hashable, Sendable, CaseIterable {
    /// Not refreshed within its lifetime.
    case lifetime
    /// No packet for too long [0050].
    case inactivity
}

/// Why a message had no effect.
public enum RefusalCause: String, Hashable, Sendable, CaseIterable {
    case rateLimited = "rate_limited"
    case malformed = "malformed"
    case unknownSecurityParameters = "unknown_spi"
    case badAuthenticator = "bad_authenticator"
    case replayed = "replayed"
    case staleEpoch = "stale_epoch"
    case notOwner = "not_owner"
    case unknownAddress = "unknown_address"
    case careOfMismatch = "care_of_mismatch"
    case outdated = "outdated"
    case quota = "quota"
    case noAddress = "no_address"
    case noLink = "no_link"
    case unsupported = "unsupported"
    case storage = "storage"
    case unexpected = "unexpected"
}
