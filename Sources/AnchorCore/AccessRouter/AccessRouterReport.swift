import AnchorProtocol
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

extension RefusalCause {
    init(_ error: MessageError) {
        switch error {
        case .unknownSPI: self = .unknownSecurityParameters
        case .badAuthenticator, .wrongSigner, .notAuthenticated: self = .badAuthenticator
        case .wrongRecipient: self = .unexpected
        case .tooShort, .tooLong, .badMagic, .unsupportedVersion, .unknownType, .lengthMismatch, .zeroEpoch, .notPadded,
            .truncatedOptionHeader, .truncatedOption, .optionLength, .optionValue, .duplicateOption, .tooManyOptions,
            .missingOption, .contradictoryOption, .unknownCriticalOption:
            self = .malformed
        }
    }

    /// For the text of an error answer.
    var explanation: String {
        switch self {
        case .rateLimited: "too many messages, ask later"
        case .malformed: "not a message of this protocol"
        case .unknownSecurityParameters: "no key of that security parameters index"
        case .badAuthenticator: "the authenticator is not that of the key"
        case .replayed: "this message came before"
        case .staleEpoch: "the epoch is behind; go on above the one given"
        case .notOwner: "the address belongs to another node"
        case .unknownAddress: "no lease of that address here"
        case .careOfMismatch: "the care-of address must be the source of the message and no address of this router"
        case .outdated: "a newer message about the address came before"
        case .quota: "the node has as many addresses as it may"
        case .noAddress: "no address is free on this link"
        case .noLink: "attach on an access link"
        case .unsupported: "this router has no such tunnel"
        case .storage: "the change could not be stored, ask again"
        case .unexpected: "not a message for a router"
        }
    }
}
