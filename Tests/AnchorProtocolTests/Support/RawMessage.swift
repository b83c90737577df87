@testable import AnchorProtocol

/// A message put together byte by byte, so that it can be wrong in one place and right in all the others, its
/// authenticator included.
struct RawMessage {
    var magic: UInt16 = 0x4641
    var version: UInt8 = 1
    var type: UInt8
    var flags: UInt16 = 0
    var spi: UInt32 = 257
    var epoch: UInt32 = 7
    var sender: UInt64 = Fixture.node
    var recipient: UInt64 = Fixture.router
    /// Options, in hexadecimal.
    var options: String
    /// Bytes of the message; padding makes up for what is missing.
    var paddedTo = 0
    /// What the header says beyond the true length.
    var lengthError = 0

    var bytes: [UInt8] {
        let trailer = spi == 0 ? 0 : 32
        var body = hex(options)
        let missing = paddedTo - 36 - body.count - trailer
        if missing > 0 {
            let value = max(0, missing - 4)
            body += [0, 0x12, UInt8(value >> 8), UInt8(value & 0xff)] + [UInt8](repeating: 0, count: value)
        }
        var all = be(magic) + [version, type] + be(flags) + be(UInt16(36 + body.count + trailer + lengthError))
        all += be(spi) + be(epoch) + be(UInt32(9)) + be(sender) + be(recipient) + body
        if spi != 0 { all += all.withUnsafeBytes { [UInt8](Fixture.association.authenticator(of: $0)) } }
        return all
    }

    private func be<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { [UInt8]($0) }
    }

    /// What becomes of it; `nil` where nothing is wrong.
    var error: MessageError? {
        do {
            _ = try Fixture.open(bytes, as: recipient)
            return nil
        } catch {
            return error
        }
    }
}
