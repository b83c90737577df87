import NetworkTypes

/// Who had an address. A dictionary in many parts: one alone that a million leases end in at once would be copied to
/// twice its size while messages wait.
struct FormerOwners: Sendable {
    private var parts = [[IPAddress: UInt64]](repeating: [:], count: partCount)

    private static let partCount = 256

    subscript(address: IPAddress) -> UInt64? {
        get { parts[Self.part(of: address)][address] }
        set { parts[Self.part(of: address)][address] = newValue }
    }

    private static func part(of address: IPAddress) -> Int {
        let mixed = (address.low ^ address.high &* 31) &* 0x9e37_79b9_7f4a_7c15
        return Int(mixed >> 32 & UInt64(partCount - 1))
    }
}
