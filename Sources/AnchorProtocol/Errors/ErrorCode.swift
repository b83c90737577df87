/// Why a message had no effect: the first 16 bits of the error code option. Codes below 64 are about the message
/// itself, the others about what it asked for. A code that is not in the list stays what it is: a newer peer's.
public struct ErrorCode: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt16

    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Not in the format of this protocol.
    public static let malformed = ErrorCode(rawValue: 1)
    /// `detail` is the highest version that the receiver speaks.
    public static let unsupportedVersion = ErrorCode(rawValue: 2)
    /// `detail` is the type.
    public static let unknownType = ErrorCode(rawValue: 3)
    /// `detail` is the type of the option.
    public static let unknownCriticalOption = ErrorCode(rawValue: 4)
    /// No key of that security parameters index.
    public static let unknownSPI = ErrorCode(rawValue: 5)
    /// The authenticator is not that of the key, or is missing.
    public static let badAuthenticator = ErrorCode(rawValue: 6)
    /// This message, or one too much newer, came before. The receiver's view goes with it.
    public static let replayed = ErrorCode(rawValue: 7)
    /// The sender's epoch is behind. The receiver's view goes with it (T13).
    public static let staleEpoch = ErrorCode(rawValue: 8)
    /// Meant for another router or node.
    public static let wrongRecipient = ErrorCode(rawValue: 9)

    /// The address belongs to another node (T5).
    public static let notOwner = ErrorCode(rawValue: 64)
    /// The router has no lease of that address.
    public static let unknownAddress = ErrorCode(rawValue: 65)
    /// The care-of address is not the source of the message, or cannot be one.
    public static let careOfMismatch = ErrorCode(rawValue: 66)
    /// A newer message about that address came before (T14).
    public static let outdated = ErrorCode(rawValue: 67)
    /// The node has as many addresses as it may (T3).
    public static let quotaReached = ErrorCode(rawValue: 68)
    /// The pools of the link are empty.
    public static let noAddress = ErrorCode(rawValue: 69)
    /// Not asked on an access link of the router.
    public static let notOnLink = ErrorCode(rawValue: 70)
    /// The tunnel is of a kind, a family or a key that the router does not offer.
    public static let unsupportedTunnel = ErrorCode(rawValue: 71)
    /// The router could not store the change, so did not make it (T16).
    public static let storageFailed = ErrorCode(rawValue: 72)
    /// Too many messages; ask later.
    public static let rateLimited = ErrorCode(rawValue: 73)
    /// The operator forbids it.
    public static let prohibited = ErrorCode(rawValue: 74)
}
