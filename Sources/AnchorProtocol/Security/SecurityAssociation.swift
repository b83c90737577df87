import Crypto

/// What a node and its routers share: the key behind a security parameters index (SPI), RFC 5944, section 5.1. The same
/// at all routers of the node.
public struct SecurityAssociation: Sendable {
    /// Bytes of HMAC-SHA-256 at the end of a message.
    public static let authenticatorLength = 32
    /// Bytes that a key may have: at least 128 bits, and no more than a block of SHA-256 (RFC 2104, section 3).
    public static let keyLengths = 16...64

    public let spi: UInt32
    /// The node that the key speaks for.
    public let node: UInt64
    /// Has taken in the padded key already, so that a message costs its own blocks only.
    private let prepared: HMAC<SHA256>

    public init(spi: UInt32, node: UInt64, key: [UInt8]) throws(KeyError) {
        guard spi != 0 else { throw .reservedSPI }
        guard Self.keyLengths.contains(key.count) else { throw .keyLength(key.count) }
        self.spi = spi
        self.node = node
        prepared = HMAC<SHA256>(key: SymmetricKey(data: key))
    }

    func authenticator(of bytes: UnsafeRawBufferPointer) -> HashedAuthenticationCode<SHA256> {
        var hmac = prepared
        hmac.update(data: bytes)
        return hmac.finalize()
    }

    /// Compares in a time that does not tell where the difference is.
    func verifies(_ authenticator: UnsafeRawBufferPointer, of bytes: UnsafeRawBufferPointer) -> Bool {
        self.authenticator(of: bytes).withUnsafeBytes { expected in
            guard expected.count == authenticator.count else { return false }
            var difference: UInt8 = 0
            for index in 0..<expected.count { difference |= expected[index] ^ authenticator[index] }
            return difference == 0
        }
    }
}
