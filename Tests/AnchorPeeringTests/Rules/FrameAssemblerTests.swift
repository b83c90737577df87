import AnchorProtocol
import NIOCore
import Testing

@testable import AnchorPeering

@Suite struct FrameAssemblerTests {
    private static func frame(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] {
        bigEndian(PeerFrameHeader(type: type, payloadLength: payload.count).bits) + payload
    }

    /// What comes out when the bytes arrive in such pieces.
    private static func cut(
        _ bytes: [UInt8], pieces: () -> Int, longest: Int = PeerFrameHeader.longestPayload
    ) throws(PeerProtocolError) -> [[UInt8]] {
        var assembler = FrameAssembler()
        var found: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            var input = ByteBuffer(bytes: rest.prefix(max(1, pieces())))
            rest = rest.dropFirst(input.readableBytes)
            while let (type, payload) = try assembler.next(&input, longest: longest) {
                found.append([type] + Array(payload.readableBytesView))
            }
        }
        return found
    }

    @Test func `messages come out whole however the stream is cut`() throws {
        for round in 0..<60 {
            let sent = (0..<Int.random(in: 1...8)).map { _ in
                [UInt8](
                    repeating: UInt8.random(in: .min ... .max), count: [0, 1, 9, 300, 20_000, 100_000].randomElement()!)
            }
            let stream = sent.enumerated().flatMap { Self.frame(UInt8(16 + $0.offset), $0.element) }
            let wanted = sent.enumerated().map { [UInt8(16 + $0.offset)] + $0.element }
            let found =
                switch round % 3 {
                case 0: try Self.cut(stream) { stream.count }
                case 1: try Self.cut(stream) { Int.random(in: 1...7) * (stream.count > 10_000 ? 1000 : 1) }
                default: try Self.cut(stream) { 16_384 }
                }
            #expect(found == wanted)
        }
    }

    @Test func `a header that announces more than allowed ends the stream before any of it is kept`() {
        #expect(throws: PeerProtocolError.tooLong(0x4_0001)) {
            try Self.cut(bigEndian(0x4650_01_10_0004_0001)) { 3 }
        }
        #expect(throws: PeerProtocolError.payloadLength(type: 1, length: 5000)) {
            try Self.cut(bigEndian(PeerFrameHeader(type: 1, payloadLength: 5000).bits), pieces: { 8 }, longest: 4096)
        }
    }

    @Test func `random bytes are refused or wait for more, whatever they are`() {
        for _ in 0..<20_000 {
            var bytes = (0..<Int.random(in: 1...40)).map { _ in UInt8.random(in: .min ... .max) }
            if Bool.random() { bytes = [0x46, 0x50, 1] + bytes }
            _ = try? Self.cut(bytes) { Int.random(in: 1...9) }
        }
    }
}
