import AnchorProtocol
import Testing

@Suite struct RandomMessageTests {
    @Test func `what was written is read, and written again it is the same bytes`() throws {
        var random = Random.announced("random messages")
        for _ in 0..<Random.iterations(20_000) {
            let message = random.message()
            let bytes = Fixture.encode(message)
            let read = try Fixture.open(bytes)
            #expect(read == message)
            #expect(Fixture.encode(read) == bytes)
            #expect(bytes.count <= MessageHeader.longestMessage)
        }
    }

    @Test func `every random message cut short or made longer is refused`() {
        var random = Random.announced("cut messages")
        for _ in 0..<200 {
            let message = random.message()
            let bytes = Fixture.encode(message)
            let own = message.header.recipient
            for count in [0, 1, 35, 36, bytes.count / 2, bytes.count - 1] where count < bytes.count {
                #expect(throws: MessageError.self) { try Fixture.open([UInt8](bytes[..<count]), as: own) }
            }
            #expect(throws: MessageError.self) { try Fixture.open(bytes + [0], as: own) }
        }
    }
}
