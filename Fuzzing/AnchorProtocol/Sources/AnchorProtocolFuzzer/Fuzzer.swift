import AnchorProtocol
import Crypto

/// What libFuzzer calls with each input. The input is a datagram without its authenticator. It is given to the decoder
/// twice: as it is, and made plausible: magic, version and length put right, and with an authenticator where it names the SPI
/// that has a key, since no fuzzer finds one by chance.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = [UInt8](UnsafeBufferPointer(start: data, count: count))
    Target.check(input)
    Target.check(Target.plausible(input))
    return 0
}

enum Target {
    static let spi: UInt32 = 257
    static let key = [UInt8](1...32)
    static let ring = KeyRing([try! SecurityAssociation(spi: spi, node: 1, key: key)])
    static let symmetricKey = SymmetricKey(data: key)
    static let authenticatorLength = SecurityAssociation.authenticatorLength

    static func plausible(_ input: [UInt8]) -> [UInt8] {
        guard input.count >= MessageHeader.length else { return input }
        var bytes = Array(input.prefix(MessageHeader.longestMessage - authenticatorLength))
        let isSigned = bytes[8...11].elementsEqual([0, 0, 1, 1])
        let length = bytes.count + (isSigned ? authenticatorLength : 0)
        bytes[0...2] = [0x46, 0x41, 1]
        bytes[6] = UInt8(length >> 8)
        bytes[7] = UInt8(length & 0xff)
        if isSigned { bytes += HMAC<SHA256>.authenticationCode(for: bytes, using: symmetricKey) }
        return bytes
    }

    /// Whatever is read can be written, and is read again as the same; whatever is refused is answered with no more than
    /// came.
    static func check(_ bytes: [UInt8]) {
        let own = MessageHeader(guessing: bytes)?.recipient ?? 0
        do throws(MessageError) {
            let opened = try ring.open(bytes, as: own)
            let written = opened.message.encoded(with: opened.association)
            let again = try ring.open(written, as: own)
            guard again.message == opened.message else { fatalError("read \(opened.message), then \(again.message)") }
        } catch {
            let reference = MessageReference(epoch: 3, sequence: 1)
            guard let answer = ring.refusal(of: bytes, because: error, from: 42, as: reference) else { return }
            guard answer.count <= bytes.count else { fatalError("an answer of \(answer.count) to \(bytes.count)") }
            guard (try? MessageFrame(answer))?.type == .error else { fatalError("an answer that is no error") }
        }
    }
}
