import AnchorProtocol
import Foundation
import NetworkTypes
import Testing

/// tshark, which shares no code with the codec, reads what it wrote. With `CI=true` a missing tshark is a failure.
@Suite(
    .enabled(
        if: Tshark.path != nil || ProcessInfo.processInfo.environment["CI"] == "true",
        "tshark is not installed: apt-get install tshark"))
struct DissectorTests {
    @Test(arguments: AddressFamily.allCases)
    func `the dissector shows each field of random messages of all types`(family: AddressFamily) throws {
        var random = Random.announced("dissected messages")
        let messages = MessageType.allCases.flatMap { type in (0..<25).map { _ in random.message(type) } }
        let datagrams = messages.map { Fixture.encode($0) }
        let lines = try Tshark.read(datagrams, over: family, fields: ExpectedFields.names)
        #expect(lines.count == messages.count)
        for (index, (line, message)) in zip(lines, messages).enumerated() {
            let expected = ExpectedFields(message, datagrams[index]).line
            for (name, values) in zip(ExpectedFields.names, zip(line, expected)) where values.0 != values.1 {
                Issue.record("\(message.body.type): \(name) is '\(values.0)', should be '\(values.1)'\n\(message)")
            }
        }
    }

    @Test func `the dissector marks what is wrong with a message and does not fail`() throws {
        let wrong = [
            RawMessage(type: 7, options: "8040 0000", paddedTo: 120),
            RawMessage(type: 7, options: "8002 0003 0a0100"),
            RawMessage(type: 7, options: "8002 00ff 0a0100"),
            RawMessage(type: 7, options: "8002 0000"),
            RawMessage(type: 7, options: "8002"),
            RawMessage(version: 2, type: 7, options: ""),
            RawMessage(type: 7, options: "", lengthError: 4),
            RawMessage(type: 77, options: ""),
        ]
        let lines = try Tshark.read(
            wrong.map(\.bytes), over: .v4, fields: ["flowanchor.type", "_ws.expert.message"])
        #expect(
            lines == [
                ["7", "Unknown critical option"], ["7", "Option cannot have this length"],
                ["7", "Option is longer than the message"], ["7", "Option cannot be empty"],
                ["7", "Option cut off"], ["7", "Version is not known"], ["7", "Length does not fit"], ["77", ""],
            ])
    }
}
