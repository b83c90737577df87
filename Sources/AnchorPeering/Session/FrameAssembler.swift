import AnchorProtocol
import NIOCore

/// Cuts a stream into messages. Memory grows with what has come, never with what a header announces.
struct FrameAssembler {
    private var header: UInt64 = 0
    private var headerBytes = 0
    private var frame: PeerFrameHeader?
    private var payload = ByteBuffer()

    /// Bytes that a payload grows by at least.
    private static let step = 16 << 10

    /// Takes bytes from `input` until a message is complete.
    /// - Parameter longest: bytes of the largest payload that is taken.
    /// - Returns: the message; `nil` when all of `input` is used up.
    mutating func next(
        _ input: inout ByteBuffer, longest: Int
    ) throws(PeerProtocolError) -> (type: UInt8, payload: ByteBuffer)? {
        if frame == nil {
            guard try readHeader(&input) else { return nil }
        }
        guard let frame else { return nil }
        guard frame.payloadLength <= longest else {
            throw .payloadLength(type: frame.type, length: frame.payloadLength)
        }
        // Whole messages in one piece need no copy.
        if payload.readableBytes == 0, let slice = input.readSlice(length: frame.payloadLength) {
            self.frame = nil
            return (frame.type, slice)
        }
        let missing = frame.payloadLength - payload.readableBytes
        guard var part = input.readSlice(length: min(missing, input.readableBytes)) else { return nil }
        reserve(part.readableBytes, of: frame.payloadLength)
        payload.writeBuffer(&part)
        guard payload.readableBytes == frame.payloadLength else { return nil }
        self.frame = nil
        defer { payload = ByteBuffer() }
        return (frame.type, payload)
    }

    private mutating func reserve(_ count: Int, of length: Int) {
        guard payload.writableBytes < count else { return }
        let wanted = max(payload.readableBytes + count, 2 * payload.capacity, Self.step)
        payload.reserveCapacity(min(length, wanted))
    }

    private mutating func readHeader(_ input: inout ByteBuffer) throws(PeerProtocolError) -> Bool {
        if headerBytes == 0, let bits = input.readInteger(as: UInt64.self) {
            frame = try PeerFrameHeader(bits: bits)
            return true
        }
        while headerBytes < PeerFrameHeader.length, let byte = input.readInteger(as: UInt8.self) {
            header = header << 8 | UInt64(byte)
            headerBytes += 1
        }
        guard headerBytes == PeerFrameHeader.length else { return false }
        headerBytes = 0
        frame = try PeerFrameHeader(bits: header)
        return true
    }
}
