import AnchorProtocol
import Testing

@Suite struct MessageHeaderTests {
    private static let release = "8002 0004 0a010005"

    @Test func `each way in which a header can be wrong has its error`() {
        let good = RawMessage(type: 7, options: Self.release, paddedTo: 120)
        #expect(good.error == nil)
        #expect(change(good) { $0.magic = 0x4642 }.error == .badMagic(0x4642))
        #expect(change(good) { $0.version = 2 }.error == .unsupportedVersion(2))
        #expect(change(good) { $0.type = 10 }.error == .unknownType(10))
        #expect(change(good) { $0.type = 0 }.error == .unknownType(0))
        #expect(change(good) { $0.lengthError = 1 }.error == .lengthMismatch(stated: 121, actual: 120))
        #expect(change(good) { $0.lengthError = -1 }.error == .lengthMismatch(stated: 119, actual: 120))
        #expect(change(good) { $0.epoch = 0 }.error == .zeroEpoch)
        #expect(change(good) { $0.paddedTo = 1232 }.error == nil)
        #expect(change(good) { $0.paddedTo = 1233 }.error == .tooLong(count: 1233))
    }

    @Test func `what is shorter than header and authenticator is refused`() throws {
        let whole = RawMessage(type: 7, options: Self.release, paddedTo: 120).bytes
        for count in 0..<whole.count {
            let error = #expect(throws: MessageError.self) { try Fixture.open([UInt8](whole[..<count]), as: 42) }
            #expect(
                error
                    == (count < 36
                        ? .tooShort(count: count, needed: 36) : .lengthMismatch(stated: 120, actual: count)))
        }
        #expect(
            change(RawMessage(type: 7, options: "")) { $0.spi = 0 }.error == .notAuthenticated(.release))
        var cut = [UInt8](whole[..<67])
        cut[7] = 67
        let error = #expect(throws: MessageError.self) { try Fixture.open(cut, as: 42) }
        #expect(error == .tooShort(count: 67, needed: 68))
    }

    @Test func `a frame is read without a key`() throws {
        let frame = try MessageFrame(RawMessage(type: 5, flags: 1, options: "", paddedTo: 200).bytes)
        #expect(frame.type == .locationUpdate && frame.flags == 1 && frame.length == 200)
        #expect(frame.header == Fixture.fromNode())
        #expect(frame.header.reference == MessageReference(epoch: 7, sequence: 9))
    }

    @Test func `the header of a refused message is guessed for the answer`() {
        let bytes = change(RawMessage(type: 99, options: "")) { $0.version = 9 }.bytes
        #expect(MessageHeader(guessing: bytes) == Fixture.fromNode())
        #expect(MessageHeader(guessing: [UInt8](bytes[..<35])) == nil)
        #expect(MessageHeader(guessing: [0] + bytes) == nil)
    }

    private func change(_ raw: RawMessage, _ body: (inout RawMessage) -> Void) -> RawMessage {
        var raw = raw
        body(&raw)
        return raw
    }
}
